"""The session of spans that nobody gave one."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import get_current_span

from agentops.sessions.current import context_of, resolve_parent, session_in
from agentops.sessions.states import EndState
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context

    from agentops.sessions.session import Session

IDLE_SECONDS: Final = 30 * 60
LONGEST_SECONDS: Final = 4 * 60 * 60
IDLE_REASON: Final = "idle for 30 minutes"
LONGEST_REASON: Final = "open for 4 hours"
ADOPTED_REASON: Final = "the program started its own"


class DefaultSession:
    """At most one open default session a process: made at the first span that needs it, renewed after 30 idle minutes
    or 4 hours. Once a program starts its own (`adopt`), that one is the default until it ends, and none is made after it.

    `open_session` makes one without making it current; `wanted` is asked before; `clock` counts seconds.
    """

    def __init__(
        self, open_session: Callable[[], Session], wanted: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._open_session = open_session
        self._wanted = wanted
        self._clock = clock
        # Reentrant: a span processor of the application may start a span of its own while the root starts.
        self._lock = threading.RLock()
        self._session: Session | None = None
        self._makes = True
        self._since = self._last = 0.0

    def parent(self, context: Context) -> Context:
        """`context`, or one with an open session: never under an ended session, never without one while one is wanted."""
        session = session_in(context)
        if session is not None and session.is_open:
            return context
        try:
            context = resolve_parent(context)
            if get_current_span(context).get_span_context().is_valid or session_in(context) is not None:
                return context
            session = self.session()
            return context if session is None else context_of(session, context)
        except Exception as error:
            swallowed("choosing a session", error)
            return context

    def session(self) -> Session | None:
        """The open default session, made or renewed if need be; None where none is wanted."""
        session, now = self._session, self._clock()
        if session is None or not session.is_open or self._expired(session, now):
            return self._renewed(now)
        self._last = now
        return session

    def adopt(self, session: Session | None) -> None:
        """Make the program's own session the default one, or with None have no default; none is made by itself any more."""
        with self._lock:
            if self._session is not None and self._session is not session and self._session.on_activity is not None:
                self._retire(self._session, ADOPTED_REASON)
            self._makes = False
            self._session = session

    def stop(self) -> None:
        """Make none any more."""
        self._makes = False

    def forget(self) -> None:
        """In a forked child: the parent process owns the session made here, so the child starts without one."""
        self._lock = threading.RLock()
        if self._session is not None and self._session.on_activity is not None:
            self._session.abandon()
            self._session = None

    def _renewed(self, now: float) -> Session | None:
        with self._lock:
            session = self._session
            if session is not None and session.is_open:
                if not self._expired(session, now):
                    return session
                self._retire(session, IDLE_REASON if now - self._last >= IDLE_SECONDS else LONGEST_REASON)
            self._session = None
            if not self._makes or not self._wanted():
                return None
            self._since = self._last = now
            self._session = made = self._open_session()
            made.on_activity = self._touch
            return made

    def _expired(self, session: Session, now: float) -> bool:
        own = session.on_activity is not None
        return own and (now - self._last >= IDLE_SECONDS or now - self._since >= LONGEST_SECONDS)

    def _retire(self, session: Session, reason: str) -> None:
        """End it as of its last activity."""
        idle = self._clock() - self._last
        ended = max(session.start_time_unix_nano, time.time_ns() - int(idle * 1e9))
        session.close(EndState.INDETERMINATE, reason, end_time_unix_nano=ended)

    def _touch(self) -> None:
        self._last = self._clock()
