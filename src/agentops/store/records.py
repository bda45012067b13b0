"""Plain values that the store records besides spans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

AttributeValue = str | bool | int | float | Sequence[str] | Sequence[bool] | Sequence[int] | Sequence[float]

SESSION_START_EVENT: Final = "agentops.session.start"
SESSION_JOINED_EVENT: Final = "agentops.session.joined"
SESSION_LEFT_EVENT: Final = "agentops.session.left"
PROCESS_VANISHED: Final = "the process vanished"
"""The end state's reason of a session whose process was killed before it could end it."""
SESSION_NAME: Final = "agentops.session.name"
SESSION_DESTINATION: Final = "agentops.session.destination"
PROCESS_PID: Final = "process.pid"
OF_THE_RECORD: Final = frozenset({SESSION_NAME, SESSION_DESTINATION, PROCESS_PID})
"""Attributes that a session's record has and its root span has not."""


@dataclass(frozen=True, slots=True)
class SessionStart:
    """An opened session: what is needed to show, or to emit later, a root span that never ended.

    `event` says otherwise for one that another process opened: this process joined it, or left it, at that time.

    `trace_id` and `span_id` are those of the root span, `name` is the root span's name, `start_time_unix_nano` its
    start in nanoseconds since the epoch, `attributes` those it was started with. `destination` is a digest of where else its
    process sends spans, empty for nowhere: another process may end the session in its place only if it sends there too.
    """

    trace_id: int
    span_id: int
    name: str
    start_time_unix_nano: int
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict[str, AttributeValue])
    event: str = SESSION_START_EVENT
    destination: str = ""


@dataclass(frozen=True, slots=True)
class OpenRoot:
    """A session's root that has not ended: from it another process makes the ended one, should this one vanish.

    `last_end` is the end of the last child so far, in nanoseconds since the epoch; 0 for none.
    """

    span: ReadableSpan
    last_end: int = 0
