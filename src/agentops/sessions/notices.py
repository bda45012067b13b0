"""Who is told when sessions start and when inherited ones are left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentops_instrumentors.core.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentops.sessions.session import Session

_starting: list[Callable[[Session], None]] = []
_leaving: list[Callable[[Session], None]] = []


def on_session_start(callback: Callable[[Session], None]) -> None:
    """Have `callback` called, on the starting thread, with every session whose root is recorded, here or (`joined`) elsewhere."""
    if callback not in _starting:
        _starting.append(callback)


def on_session_left(callback: Callable[[Session], None]) -> None:
    """Have `callback` called, on the ending thread, with every inherited session that is recorded and that this process leaves."""
    if callback not in _leaving:
        _leaving.append(callback)


def tell_started(session: Session) -> None:
    """Tell of a started or joined session; a callback's failure goes no further."""
    for callback in _starting:
        guarded("telling of a session's start", callback, session)


def tell_left(session: Session) -> None:
    """Tell of an inherited session that was left; a callback's failure goes no further."""
    if session.span.get_span_context().trace_flags.sampled:
        for callback in _leaving:
            guarded("telling of a session's end", callback, session)
