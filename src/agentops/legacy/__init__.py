"""The API of earlier releases: sessions under their older names, and events, whose place spans have taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, overload

from agentops.legacy.event import ActionEvent, ErrorEvent, Event, LLMEvent, ToolEvent, finish
from agentops.parameters import deprecated
from agentops.sessions.api import end_all_sessions, end_session, start_session
from agentops.sessions.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ActionEvent",
    "ErrorEvent",
    "Event",
    "LLMEvent",
    "Session",
    "ToolEvent",
    "end_all_sessions",
    "end_session",
    "record",
    "start_session",
    "track_agent",
    "track_tool",
]

T = TypeVar("T")
Marked = TypeVar("Marked", bound="Callable[..., object]")


def record(event: T) -> T:
    """Close `event` and return it; an error, or one that names its exception, is also recorded on the current span."""
    deprecated("record", "record() has no meaning any more: decorate functions with agentops.operation or agentops.tool")
    if isinstance(event, Event):
        finish(event)
    return event


@overload
def track_agent(name: Marked) -> Marked: ...
@overload
def track_agent(name: str | None = None) -> Callable[[Marked], Marked]: ...
def track_agent(name: object = None) -> object:
    """Mark an agent, as `agentops.agent` does; bare or called."""
    from agentops.decorators import agent

    deprecated("track_agent", "track_agent is the older name of agentops.agent")
    return agent(name) if callable(name) else agent(name=name)  # pyright: ignore


@overload
def track_tool(tool_name: Marked) -> Marked: ...
@overload
def track_tool(tool_name: str | None = None) -> Callable[[Marked], Marked]: ...
def track_tool(tool_name: object = None) -> object:
    """Mark a tool, as `agentops.tool` does; bare or called."""
    from agentops.decorators import tool

    deprecated("track_tool", "track_tool is the older name of agentops.tool")
    return tool(tool_name) if callable(tool_name) else tool(name=tool_name)  # pyright: ignore
