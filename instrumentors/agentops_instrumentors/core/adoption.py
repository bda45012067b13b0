"""Another instrumentor's span of a call that ours stands down for: it is theirs to name and to end, and gets what the call cost.

The call's metrics are ours to record where that instrumentor records none.
"""

from __future__ import annotations

from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING

from opentelemetry.context import attach, get_current, set_value

from agentops_instrumentors.core import arbitration, attributes
from agentops_instrumentors.core.guard import swallowed
from agentops_instrumentors.core.invocation import Invocation
from agentops_instrumentors.core.metrics import Measured
from agentops_instrumentors.core.operation import Response

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from agentops_instrumentors.core.invocation import Passage
    from agentops_instrumentors.core.operation import Request
    from agentops_instrumentors.core.telemetry import Telemetry


class Adopted:
    """What an `Invocation` is to endpoints and streams, for a span that is not ours; an invalid one where theirs is not current."""

    __slots__ = ("_claim", "_settle", "_span", "_started", "_telemetry", "arrivals", "request")

    def __init__(self, span: Span, request: Request, telemetry: Telemetry | None = None) -> None:
        """`telemetry` is given where nobody else records the call's metrics."""
        self.request = request
        self._settle: Callable[[], Response] | None = None
        self._span = span
        self._claim = Lock()
        self._telemetry = telemetry
        self.arrivals: list[float] = []
        self._started = perf_counter()

    def enter(self) -> Token[Context]:
        """The span that is current stays so; whoever else would count the call can see that it is counted."""
        return attach(set_value(arbitration.ELSEWHERE, True, get_current()))

    leave = staticmethod(Invocation.leave)

    def passage(self) -> Passage:
        """`enter` and `leave`."""
        return self.enter, self.leave

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
        self._end(response, None)

    def fail(self, error: BaseException) -> None:
        """The failure is theirs to tell; what arrived before it has its price."""
        self._end(None, None if isinstance(error, GeneratorExit) else error)

    def _end(self, response: Response | None, error: BaseException | None) -> None:
        if not self._claim.acquire(blocking=False):
            return
        try:
            found = response or (self._settle() if self._settle else None)
            if found is not None and self._span.is_recording():
                self._span.set_attributes(attributes.of_cost(self.request, found))
            if self._telemetry is not None:
                self._measure(self._telemetry, found or Response(), error)
        except Exception as failure:
            swallowed("adopted span", failure)

    def _measure(self, telemetry: Telemetry, response: Response, error: BaseException | None) -> None:
        measured = Measured(
            operation=self.request.operation,
            seconds=perf_counter() - self._started,
            identity=attributes.identity(self.request),
            details=response.metric_attributes,
            usage=response.usage,
            span=self._span.get_span_context(),
            to_first_chunk=self.arrivals[0] - self._started if self.arrivals else None,
            answered_by=response.model,
            error_type=attributes.error_type(self.request, response, error),
        )
        telemetry.instruments.add(measured, self.arrivals)
