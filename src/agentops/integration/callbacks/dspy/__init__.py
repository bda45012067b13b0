"""Callback handler for DSPy: `dspy.configure(lm=…, callbacks=[DSPyCallbackHandler()])`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from agentops.integration.callbacks.runs import Runs
from agentops.sessions import api, runtime
from agentops.spans.definition import OPERATION, TOOL
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.guard import guarded
from agentops_instrumentors.core.messages import Content, Message, TextPart
from agentops_instrumentors.core.operation import Request, Response

try:
    from dspy.utils.callback import ACTIVE_CALL_ID, BaseCallback  # pyright: ignore
except ImportError as missing:
    raise ImportError("DSPyCallbackHandler needs dspy: pip install dspy") from missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentops.sessions.tags import Tags


class DSPyCallbackHandler(BaseCallback):  # pyright: ignore[reportUntypedBaseClass]
    """Modules and tools as spans; a call of a language model only where no instrumentor records it.

    The parameters are those of `LangchainCallbackHandler`.
    """

    def __init__(self, api_key: str | None = None, tags: Tags | None = None, auto_session: bool = True) -> None:
        self._runs = Runs()
        if not api.started():
            api.init(api_key=api_key, auto_start_session=False)
        if auto_session and runtime.current_session() is None:
            api.start_session(tags)

    def on_module_start(self, call_id: str, instance: Any, inputs: Mapping[str, Any]) -> None:
        """A module runs."""
        guarded(
            "DSPy", self._runs.start, call_id, _around(), OPERATION, type(instance).__name__, {semconv.OPERATION_TYPE: "module"}, inputs
        )

    def on_module_end(self, call_id: str, outputs: Any | None, exception: Exception | None = None) -> None:
        """A module is done."""
        as_dict: Callable[[], object] | None = getattr(outputs, "toDict", None)
        self._done(call_id, as_dict() if as_dict is not None else outputs, exception)

    def on_tool_start(self, call_id: str, instance: Any, inputs: Mapping[str, Any]) -> None:
        """A tool runs."""
        name = str(getattr(instance, "name", None) or type(instance).__name__)
        attributes = {semconv.OPERATION_NAME: semconv.EXECUTE_TOOL, semconv.TOOL_NAME: name, semconv.TOOL_TYPE: "function"}
        guarded("DSPy", self._runs.start, call_id, _around(), TOOL, name, attributes, inputs)

    def on_tool_end(self, call_id: str, outputs: Any | None, exception: Exception | None = None) -> None:
        """A tool is done."""
        self._done(call_id, outputs, exception)

    def on_lm_start(self, call_id: str, instance: Any, inputs: Mapping[str, Any]) -> None:
        """A language model is called."""
        guarded("DSPy", self._start_model, call_id, instance, inputs)

    def on_lm_end(self, call_id: str, outputs: Any | None, exception: Exception | None = None) -> None:
        """A language model answered."""
        if exception is not None:
            guarded("DSPy", self._runs.fail, call_id, exception)
            return
        texts = [str(cast("dict[str, Any]", each).get("text", each)) if isinstance(each, dict) else str(each) for each in outputs or ()]
        said = Response(messages=lambda: [Message("assistant", [TextPart(text)], finish_reason="stop") for text in texts])
        guarded("DSPy", self._runs.end_model, call_id, said)

    def _start_model(self, call_id: str, instance: Any, inputs: Mapping[str, Any]) -> None:
        provider, _, model = str(getattr(instance, "model", "")).rpartition("/")
        asked: list[Mapping[str, Any]] = inputs.get("messages") or [{"role": "user", "content": inputs.get("prompt") or ""}]
        said = [Message(str(each.get("role")), [TextPart(str(each.get("content")))]) for each in asked]
        request = Request(operation=semconv.CHAT, provider=provider or "dspy", model=model or None, content=lambda: Content(said))
        self._runs.start_model(call_id, _around(), request)

    def _done(self, call_id: str, outputs: object, exception: Exception | None) -> None:
        if exception is None:
            guarded("DSPy", self._runs.end, call_id, outputs)
        else:
            guarded("DSPy", self._runs.fail, call_id, exception)


def _around() -> str | None:
    """The call that the one starting now is made in."""
    return cast("str | None", ACTIVE_CALL_ID.get())  # pyright: ignore[reportUnknownMemberType]
