"""Callback handlers for LangChain and LangGraph: `chain.invoke(…, config={"callbacks": [LangchainCallbackHandler()]})`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentops.integration.callbacks.runs import Runs
from agentops.sessions import api, runtime
from agentops.spans.definition import AGENT, OPERATION, TOOL
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.guard import guarded

try:
    from langchain_core.callbacks import BaseCallbackHandler
except ImportError as missing:
    raise ImportError("LangchainCallbackHandler needs langchain-core: pip install langchain-core") from missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from langchain_core.documents import Document
    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import LLMResult

    from agentops.sessions.tags import Tags
    from agentops.spans.definition import Kind

_AGENTS: Final = ("Agent", "AgentExecutor")
_HIDDEN: Final = "langsmith:hidden"


class LangchainCallbackHandler(BaseCallbackHandler):
    """Chains, agents, tools and retrievers as spans; a model call only where no instrumentor records it.

    `auto_session` starts a session with `tags` where none is open; recording starts with `api_key` where `init()` was not called.
    """

    run_inline = True
    """Async managers, too, call it in the context that the run's code runs in."""

    def __init__(self, api_key: str | None = None, tags: Tags | None = None, auto_session: bool = True) -> None:
        self._runs = Runs()
        if not api.started():
            api.init(api_key=api_key, auto_start_session=False)
        if auto_session and runtime.current_session() is None:
            api.start_session(tags)

    def on_chain_start(
        self, serialized: dict[str, Any] | None, inputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        name = _name(serialized, kwargs)
        metadata: Mapping[str, Any] = kwargs.get("metadata") or {}
        if name.endswith(_AGENTS) or metadata.get("lc_agent_name") == name:
            self._start(
                run_id, parent_run_id, AGENT, name, {semconv.OPERATION_NAME: semconv.INVOKE_AGENT, semconv.AGENT_NAME: name}, inputs
            )
        elif _HIDDEN not in (kwargs.get("tags") or ()):
            self._start(run_id, parent_run_id, OPERATION, name, {semconv.OPERATION_TYPE: "chain"}, inputs)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        guarded("LangChain", self._runs.end, run_id, outputs)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        guarded("LangChain", self._runs.fail, run_id, error)

    def on_tool_start(
        self, serialized: dict[str, Any] | None, input_str: str, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        name = _name(serialized, kwargs)
        attributes: dict[str, Any] = {
            semconv.OPERATION_NAME: semconv.EXECUTE_TOOL,
            semconv.TOOL_NAME: name,
            semconv.TOOL_TYPE: "function",
        }
        for attribute, value in (
            (semconv.TOOL_DESCRIPTION, (serialized or {}).get("description")),
            (semconv.TOOL_CALL_ID, kwargs.get("tool_call_id")),
        ):
            if value:
                attributes[attribute] = str(value)
        self._start(run_id, parent_run_id, TOOL, name, attributes, kwargs.get("inputs") or input_str)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        guarded("LangChain", self._runs.end, run_id, getattr(output, "content", output))

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        guarded("LangChain", self._runs.fail, run_id, error)

    def on_retriever_start(
        self, serialized: dict[str, Any] | None, query: str, *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        self._start(run_id, parent_run_id, OPERATION, _name(serialized, kwargs), {semconv.OPERATION_TYPE: "retriever"}, query)

    def on_retriever_end(self, documents: Sequence[Document], *, run_id: UUID, **kwargs: Any) -> None:
        guarded("LangChain", self._runs.end, run_id, [document.page_content for document in documents])

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        guarded("LangChain", self._runs.fail, run_id, error)

    def on_chat_model_start(
        self,
        serialized: dict[str, Any] | None,
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> None:
        guarded("LangChain", self._start_model, semconv.CHAT, serialized, messages[0], run_id, parent_run_id, kwargs)

    def on_llm_start(
        self, serialized: dict[str, Any] | None, prompts: list[str], *, run_id: UUID, parent_run_id: UUID | None = None, **kwargs: Any
    ) -> None:
        guarded("LangChain", self._start_model, semconv.TEXT_COMPLETION, serialized, prompts, run_id, parent_run_id, kwargs)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        guarded("LangChain", self._end_model, response, run_id)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        guarded("LangChain", self._runs.fail, run_id, error)

    def _start(
        self, run_id: UUID, parent_run_id: UUID | None, kind: Kind, name: str, attributes: Mapping[str, Any], inputs: object
    ) -> None:
        guarded("LangChain", self._runs.start, run_id, parent_run_id, kind, name, attributes, inputs)

    def _start_model(
        self,
        operation: str,
        serialized: dict[str, Any] | None,
        said: Sequence[BaseMessage] | Sequence[str],
        run_id: UUID,
        parent_run_id: UUID | None,
        options: dict[str, Any],
    ) -> None:
        from agentops.integration.callbacks.langchain.models import request

        self._runs.start_model(run_id, parent_run_id, request(operation, serialized, options, said))

    def _end_model(self, result: LLMResult, run_id: UUID) -> None:
        from agentops.integration.callbacks.langchain.models import response

        self._runs.end_model(run_id, response(result))


class AsyncLangchainCallbackHandler(LangchainCallbackHandler):
    """The same handler: it runs inline in asynchronous programs as well."""


def _name(serialized: Mapping[str, Any] | None, options: Mapping[str, Any]) -> str:
    known: Mapping[str, Any] = serialized or {}
    path: Sequence[str] = known.get("id") or ("Runnable",)
    return str(options.get("name") or known.get("name") or path[-1])
