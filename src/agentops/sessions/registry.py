"""The open sessions of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agentops.sessions.session import Session


class Registry:
    """Any number of open sessions. Each operation is one or two dictionary operations, atomic by themselves: no lock to
    hold across a fork or to wait for in a signal handler, and a session is claimed by exactly one of those who end it.
    """

    def __init__(self) -> None:
        self._open: dict[Session, bool] = {}
        self._roots: dict[int, Session] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, session: Session) -> None:
        """Open `session`."""
        self._open[session] = True
        if session.is_root:
            # One that joins does not stand in for the root's own session.
            self._roots.setdefault(session.trace_number, session)

    def claim(self, session: Session) -> bool:
        """Close `session`; True for the one caller that closed it."""
        if not self._open.pop(session, False):
            return False
        if self._roots.get(session.trace_number) is session:
            self._roots.pop(session.trace_number, None)
        return True

    def of_trace(self, trace_id: int) -> Session | None:
        """The open session whose trace this is."""
        return self._roots.get(trace_id)

    def sessions(self) -> list[Session]:
        """The open sessions, oldest first."""
        return list(self._open)


registry: Final = Registry()
