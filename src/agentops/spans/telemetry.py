"""Tracer and instruments of the program's own spans, on the provider that sessions start on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.metrics import get_meter

from agentops.sessions import runtime
from agentops_instrumentors.core import semconv, waiting
from agentops_instrumentors.core.guard import swallowed
from agentops_instrumentors.core.metrics import Profile, profile
from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram, MeterProvider
    from opentelemetry.trace import TracerProvider

SCOPE: Final = "agentops"


class SpanTelemetry:
    """Where the program's own spans go, and what their durations are recorded on.

    `tool_calls` is there in the `latest` profile of metrics only.
    """

    __slots__ = ("agent_duration", "provider", "tool_calls", "tool_duration", "tracer")

    def __init__(self, provider: TracerProvider, meter_provider: MeterProvider | None = None) -> None:
        self.provider: Final = provider
        self.tracer: Final = provider.get_tracer(SCOPE, __version__)
        meter = get_meter(SCOPE, __version__, meter_provider)
        waiting.collect_with(meter)
        self.tool_duration: Final = meter.create_histogram(
            semconv.METRIC_EXECUTE_TOOL_DURATION,
            unit="s",
            description="Duration of tool executions.",
            explicit_bucket_boundaries_advisory=semconv.DURATION_BUCKETS,
        )
        self.agent_duration: Final = meter.create_histogram(
            semconv.METRIC_INVOKE_AGENT_DURATION,
            unit="s",
            description="Duration of agent invocations.",
            explicit_bucket_boundaries_advisory=semconv.AGENT_DURATION_BUCKETS,
        )
        self.tool_calls: Final[Histogram | None] = (
            meter.create_histogram(
                semconv.METRIC_INVOKE_AGENT_TOOL_CALLS,
                unit="{tool_call}",
                description="Tool calls of one agent invocation.",
                explicit_bucket_boundaries_advisory=semconv.CALL_BUCKETS,
            )
            if profile() is Profile.LATEST
            else None
        )


_current: SpanTelemetry | None = None


def telemetry() -> SpanTelemetry | None:
    """What a span starting now uses; None while nothing records in this process."""
    provider = runtime.provider()
    if _current is not None and _current.provider is provider:
        return _current
    return None if provider is None else _follow(provider)


def use(chosen: SpanTelemetry) -> None:
    """Send what starts from now on to `chosen`, for as long as sessions start on the same provider."""
    global _current
    _current = chosen


def _follow(provider: TracerProvider) -> SpanTelemetry | None:
    try:
        made = SpanTelemetry(provider)
    except Exception as error:
        swallowed("asking for a tracer", error)
        return None
    use(made)
    return made
