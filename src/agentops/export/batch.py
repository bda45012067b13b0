"""The batch processor of the AgentOps copy: AGENTOPS_* settings first, then OTEL_BSP_*, then OpenTelemetry's defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace.export import BatchSpanProcessor

from agentops_instrumentors.core import environment

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from agentops.config import Settings

_FLUSH_INTERVAL: Final = 1000
_BATCH_SIZE: Final = 512


def span_processor(exporter: SpanExporter, chosen: Settings) -> BatchSpanProcessor:
    """A batch processor for `exporter`."""
    interval = chosen.export_flush_interval
    if interval is None and not environment.text("OTEL_BSP_SCHEDULE_DELAY"):
        interval = _FLUSH_INTERVAL
    size: int | None = None
    if chosen.max_queue_size is not None:
        # The SDK refuses a batch larger than the queue.
        size = min(chosen.max_queue_size, environment.integer("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", _BATCH_SIZE, 1))
    return BatchSpanProcessor(exporter, chosen.max_queue_size, interval, size)
