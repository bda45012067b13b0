"""Functions that the SDK calls by itself when the model asks for them, and tools of MCP servers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.context import attach, create_key, get_current, set_value

from agentops_instrumentors.core.endpoint import Endpoint
from agentops_instrumentors.core.guard import swallowed
from agentops_instrumentors.core.invocation import Invocation
from agentops_instrumentors.core.tool import ToolCall
from agentops_instrumentors.core.tool_endpoint import ToolEndpoint
from agentops_instrumentors.google_genai.client import reader
from agentops_instrumentors.google_genai.tools import of_function

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token

    from opentelemetry.context import Context

    from agentops_instrumentors.core.operation import Call
    from agentops_instrumentors.core.telemetry import Telemetry

_ASKED: Final = create_key("agentops-google-genai-asked")


class Answering(Endpoint):
    """`get_function_response_parts(response, function_map)` calls what `response` asks for, and tells the functions no ids."""

    def around(self, telemetry: Telemetry, asynchronous: bool) -> Callable[..., Any]:
        return partial(self._run_async if asynchronous else self._run)

    def _run(self, wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        token = self._note(args, kwargs)
        try:
            return wrapped(*args, **kwargs)
        finally:
            Invocation.leave(token)

    async def _run_async(self, wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        token = self._note(args, kwargs)
        try:
            return await wrapped(*args, **kwargs)
        finally:
            Invocation.leave(token)

    def _note(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Token[Context]:
        asked: list[tuple[str, str | None]] = []
        try:
            response = args[0] if args else kwargs["response"]
            for part in response.candidates[0].content.parts:
                call = part.function_call
                if call is not None:
                    asked.append((call.name, call.id))
        except Exception as error:
            swallowed(self.target, error)
        return attach(set_value(_ASKED, asked))


class CallFunction(ToolEndpoint):
    """`invoke_function_from_dict_args(args, function)`."""

    def tool(self, instance: Any, call: Call) -> ToolCall | None:
        asked: dict[str, Any] = {**dict(zip(("args", "function_to_invoke"), call.args, strict=False)), **call.kwargs}
        arguments, function = asked["args"], asked["function_to_invoke"]
        told = of_function(function)
        name = str(told["name"])
        return ToolCall(name, arguments, _id_of(name), str(told.get("description", "")).partition("\n")[0].strip() or None)

    def cause(self, error: BaseException) -> BaseException:
        # The SDK raises one of its own, with the arguments in its text, while the function's is being handled.
        return error.__context__ or error if type(error).__name__ == "FunctionInvocationError" else error


class CallMcpTool(ToolEndpoint):
    """`McpToGenAiToolAdapter.call_tool(function_call)`."""

    def tool(self, instance: Any, call: Call) -> ToolCall | None:
        read = reader(call.args[0] if call.args else call.kwargs["function_call"])
        name = str(read("name") or "")
        return ToolCall(name, read("args"), read("id") or _id_of(name), type="extension")

    def error_of(self, returned: Any) -> str | None:
        return "tool_error" if getattr(returned, "is_error", None) or getattr(returned, "isError", None) else None


def _id_of(name: str) -> str | None:
    """The id of the next call of `name` that the model asked for."""
    asked = cast("list[tuple[str, str | None]]", get_current().get(_ASKED) or [])
    for index, (wanted, identifier) in enumerate(asked):
        if wanted == name:
            del asked[index]
            return identifier
    return None
