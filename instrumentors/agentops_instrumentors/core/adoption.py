"""Another instrumentor's span of a call that ours stands down for: it is theirs to name and to end, and gets what the call cost."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from opentelemetry.context import attach, get_current, set_value

from agentops_instrumentors.core import arbitration, attributes
from agentops_instrumentors.core.guard import swallowed
from agentops_instrumentors.core.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from agentops_instrumentors.core.operation import Request, Response


class Adopted:
    """What an `Invocation` is to endpoints and streams, for a span that is not ours; an invalid one where theirs is not current."""

    __slots__ = ("_claim", "_settle", "_span", "request")

    def __init__(self, span: Span, request: Request) -> None:
        self.request = request
        self._settle: Callable[[], Response] | None = None
        self._span = span
        self._claim = Lock()

    def enter(self) -> Token[Context]:
        """The span that is current stays so; whoever else would count the call can see that it is counted."""
        return attach(set_value(arbitration.ELSEWHERE, True, get_current()))

    leave = staticmethod(Invocation.leave)

    def arrived(self) -> None:
        """Times are theirs to tell."""

    @property
    def finished(self) -> bool:
        """Whether the answer is known, or will not come."""
        return self._claim.locked()

    @property
    def settle(self) -> Callable[[], Response] | None:
        """What the answer is as far as it came; told at once where that is all of it, because they may end their span before."""
        return self._settle

    @settle.setter
    def settle(self, known: Callable[[], Response]) -> None:
        self._settle = known
        try:
            response = known()
        except Exception as error:
            swallowed("adopted span", error)
            return
        if response.usage is not None:
            self.finish(response)

    def finish(self, response: Response | None = None) -> None:
        """Tell what `response` cost, or what arrived of it."""
        if not self._claim.acquire(blocking=False):
            return
        try:
            found = response or (self._settle() if self._settle else None)
            if found is not None and self._span.is_recording():
                self._span.set_attributes(attributes.of_cost(self.request, found))
        except Exception as error:
            swallowed("adopted span", error)

    def fail(self, error: BaseException) -> None:
        """The failure is theirs to tell; what arrived before it has its price."""
        self.finish()
