"""One exception is one span event, however many spans it leaves on its way up.

The innermost span records it and tells the span around it, which then has a status and an `error.type` but no second event.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, cast

from opentelemetry.context import create_key

from agentops_instrumentors.core import content

if TYPE_CHECKING:
    from types import CodeType

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

AROUND: Final = create_key("agentops-failures")
"""Context key of the `Failures` that a span started there tells of its own."""
_KEPT: Final = 16


class Failures:
    """The latest exceptions recorded on spans inside one span.

    No exception is kept alive or touched. It is known again by its identity and by the frame it left the inner span
    through: the same memory may be another exception's by then, and the same exception may be raised anew.
    """

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int, CodeType]] | None = None

    def add(self, error: BaseException) -> None:
        """Remember `error`, which is leaving the caller's frame."""
        trace = error.__traceback__
        if trace is None:
            return
        if self._seen is None:
            self._seen = deque(maxlen=_KEPT)
        self._seen.append((id(error), len(_codes(error)), trace.tb_frame.f_code))

    def __contains__(self, error: BaseException) -> bool:
        """Whether `error` has been recorded inside and has come here from there."""
        if self._seen is None:
            return False
        codes = _codes(error)
        return any(who == id(error) and depth < len(codes) and codes[-depth] is code for who, depth, code in self._seen)


def record(
    span: Span, error: BaseException, context: Context, policy: content.Policy | None = None, inside: Failures | None = None
) -> None:
    """Add `error` as an event to `span`, unless a span inside has done so; `context` is the one the span was started in."""
    if inside is None or error not in inside:
        span.add_event("exception", dict(content.exception_attributes(error, policy)))
    around = cast("Failures | None", context.get(AROUND))
    if around is not None:
        around.add(error)


def _codes(error: BaseException) -> list[CodeType]:
    found: list[CodeType] = []
    trace = error.__traceback__
    while trace is not None:
        found.append(trace.tb_frame.f_code)
        trace = trace.tb_next
    return found
