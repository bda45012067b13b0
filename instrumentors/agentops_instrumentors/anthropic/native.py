"""The SDK's own OpenTelemetry spans (1.x and 2.x, on by default) stand down where the same call is counted already.

A client asks its `_tracer` for a span of each API call and of each tool that the tool runner runs. Where that call is an operation of
ours, or of another instrumentor whose span is current, it gets one that is that operation: it records nothing, and what the SDK does
with it, such as sending its trace context, goes on. A client that was given a tracer provider of its own keeps its spans.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from opentelemetry.context import get_current
from opentelemetry.trace import NonRecordingSpan, Tracer, get_current_span

from agentops_instrumentors.core import arbitration, semconv
from agentops_instrumentors.core.endpoint import Endpoint
from agentops_instrumentors.core.telemetry import parent_context
from agentops_instrumentors.core.values import field

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Span

    from agentops_instrumentors.core.telemetry import Telemetry


class NativeTracer(Endpoint):
    """`BaseClient._tracer`, a property: the tracer of the client's own spans, or None."""

    def around(self, telemetry: Telemetry, asynchronous: bool) -> Callable[..., Any]:
        return _tracer


def _tracer(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    (client,) = args
    tracer = wrapped(client)
    if tracer is None or field(getattr(client, "open_telemetry", None), "tracer_provider") is not None:
        return tracer
    return _StandingDown(tracer)


class _StandingDown(Tracer):
    """A client's tracer, but for spans of what is counted already."""

    __slots__ = ("_tracer", "start_as_current_span")

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self.start_as_current_span: Any = partial(tracer.start_as_current_span)

    def start_span(self, name: str, *args: Any, **options: Any) -> Span:
        operation = field(options.get("attributes"), semconv.OPERATION_NAME)
        current = get_current()
        counted = arbitration.counted(current) or (operation == semconv.EXECUTE_TOOL and not arbitration.suppressed(current))
        if counted:
            return NonRecordingSpan(get_current_span(current).get_span_context())
        if operation is not None and not args:
            # The tool runner's own span, which the calls inside are children of: it belongs to a session like any of ours.
            options.setdefault("context", parent_context(current))
        return self._tracer.start_span(name, *args, **options)
