"""Sessions, and every LLM call in them, as OpenTelemetry spans.

Importing this package loads none of it: each name below is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from agentops.sessions.api import end_all_sessions, end_session, end_trace, init, start_session, start_trace
    from agentops.sessions.session import Session, TraceContext
    from agentops.sessions.states import ERROR, SUCCESS, UNSET, TraceState

__all__ = [
    "ERROR",
    "SUCCESS",
    "UNSET",
    "Session",
    "TraceContext",
    "TraceState",
    "__version__",
    "end_all_sessions",
    "end_session",
    "end_trace",
    "init",
    "start_session",
    "start_trace",
]

_HOMES: Final = {
    **dict.fromkeys(("end_all_sessions", "end_session", "end_trace", "init", "start_session", "start_trace"), "agentops.sessions.api"),
    **dict.fromkeys(("Session", "TraceContext"), "agentops.sessions.session"),
    **dict.fromkeys(("ERROR", "SUCCESS", "UNSET", "TraceState"), "agentops.sessions.states"),
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
