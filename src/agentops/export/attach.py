"""Puts the AgentOps copy on a provider of each signal, unless an exporter of ours is there already."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from agentops.config import settings
from agentops.export import backend
from agentops.export.transport import share_exit_time
from agentops_instrumentors.core import environment

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

_FLUSH_INTERVAL: Final = 1000
_BATCH_SIZE: Final = 512


def spans(provider: TracerProvider) -> None:
    """Export the spans of `provider` to AgentOps, in batches by AGENTOPS_* settings first, then OTEL_BSP_*."""
    if not backend.claim(backend.AgentOpsSpanExporter):
        provider.add_span_processor(_batches(backend.AgentOpsSpanExporter(claimed=True)))
    share_exit_time()


def metrics(provider: MeterProvider) -> None:
    """Export the metrics of `provider` to AgentOps. Nothing on an SDK whose providers take no further readers."""
    if not backend.claim(backend.AgentOpsMetricExporter) and hasattr(provider, "add_metric_reader"):
        reader = PeriodicExportingMetricReader(backend.AgentOpsMetricExporter(claimed=True))
        provider.add_metric_reader(reader)
        # The SDK shuts down only the readers a provider was made with.
        atexit.register(reader.shutdown)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    share_exit_time()


def logs(provider: LoggerProvider) -> None:
    """Export the log records of `provider` to AgentOps."""
    if not backend.claim(backend.AgentOpsLogExporter):
        provider.add_log_record_processor(BatchLogRecordProcessor(backend.AgentOpsLogExporter(claimed=True)))
    share_exit_time()


def _batches(exporter: backend.AgentOpsSpanExporter) -> BatchSpanProcessor:
    chosen = settings()
    interval = chosen.export_flush_interval
    if interval is None and not environment.text("OTEL_BSP_SCHEDULE_DELAY"):
        interval = _FLUSH_INTERVAL
    size: int | None = None
    if chosen.max_queue_size is not None:
        # The SDK refuses a batch larger than the queue.
        size = min(chosen.max_queue_size, environment.integer("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", _BATCH_SIZE, 1))
    return BatchSpanProcessor(exporter, chosen.max_queue_size, interval, size)
