"""Functions that the SDK calls by itself when the model asks for them, and tools of MCP servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentops_instrumentors.core import function_tool
from agentops_instrumentors.core.asked_calls import AnsweringEndpoint, id_of
from agentops_instrumentors.core.reading import reader
from agentops_instrumentors.core.tool import ToolCall
from agentops_instrumentors.core.tool_endpoint import ToolEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agentops_instrumentors.core.operation import Call


class Answering(AnsweringEndpoint):
    """`get_function_response_parts(response, function_map)`."""

    def asked(self, call: Call) -> Iterable[tuple[str, str | None]]:
        response: Any = call.args[0] if call.args else call.kwargs["response"]
        content = response.candidates[0].content if response.candidates else None
        calls = [part.function_call for part in (content.parts if content is not None else None) or ()]
        return [(call.name, call.id) for call in calls if call is not None]


class CallFunction(ToolEndpoint):
    """`invoke_function_from_dict_args(args, function_to_invoke)`."""

    def tool(self, instance: Any, call: Call) -> ToolCall | None:
        asked: dict[str, Any] = {**dict(zip(("args", "function_to_invoke"), call.args, strict=False)), **call.kwargs}
        function = asked["function_to_invoke"]
        name = str(function_tool.definition(function)["name"])
        return ToolCall(name, asked["args"], id_of(name), function_tool.summary(function))

    def cause(self, error: BaseException) -> BaseException:
        # The SDK raises one of its own, with the arguments in its text, while the function's is being handled.
        return error.__context__ or error if type(error).__name__ == "FunctionInvocationError" else error


class CallMcpTool(ToolEndpoint):
    """`McpToGenAiToolAdapter.call_tool(function_call)`."""

    def tool(self, instance: Any, call: Call) -> ToolCall | None:
        read = reader(call.args[0] if call.args else call.kwargs["function_call"])
        name = str(read("name") or "")
        return ToolCall(name, read("args"), read("id") or id_of(name), type="extension")

    def error_of(self, returned: Any) -> str | None:
        return "tool_error" if getattr(returned, "is_error", None) or getattr(returned, "isError", None) else None
