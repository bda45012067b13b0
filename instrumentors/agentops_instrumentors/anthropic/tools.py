"""Tools that the SDK's tool runners run: each run is an `execute_tool` span."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from agentops_instrumentors.core.endpoint import Endpoint
from agentops_instrumentors.core.tool import ToolCall
from agentops_instrumentors.core.tool_endpoint import ToolEndpoint
from agentops_instrumentors.core.values import field

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentops_instrumentors.core.operation import Call
    from agentops_instrumentors.core.telemetry import Telemetry

_asked_for: ContextVar[Any] = ContextVar("agentops-anthropic-tool-use", default=None)


class ToolRun(Endpoint):
    """A tool runner's `_run_tool(tool, tool_use)`: whose call the tool's own method, which it calls, is for."""

    def around(self, telemetry: Telemetry, asynchronous: bool) -> Callable[..., Any]:
        return _within_async if asynchronous else _within


def _within(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    token = _asked_for.set(args[-1])
    try:
        return wrapped(*args, **kwargs)
    finally:
        _asked_for.reset(token)


async def _within_async(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    token = _asked_for.set(args[-1])
    try:
        return await wrapped(*args, **kwargs)
    finally:
        _asked_for.reset(token)


class FunctionTool(ToolEndpoint):
    """`call(input)` of a function tool or of a tool built into the SDK."""

    def tool(self, instance: Any, call: Call) -> ToolCall:
        asked = _asked_for.get()
        given = call.args[0] if call.args else call.kwargs.get("input")
        identity = field(asked, "id") if field(asked, "name") == instance.name else None
        return ToolCall(instance.name, given, identity, getattr(instance, "description", None) or None)


class Toolset(ToolEndpoint):
    """`tool_result(tool_use)` of a toolset: one of its members runs."""

    def tool(self, instance: Any, call: Call) -> ToolCall:
        asked = call.args[0] if call.args else call.kwargs.get("tool_use")
        return ToolCall(str(field(asked, "name")), field(asked, "input"), field(asked, "id"))

    def error_of(self, returned: Any) -> str | None:
        return "tool_error" if field(returned, "is_error") else None
