"""Puts the AgentOps copy on a provider of each signal, unless an exporter of ours is there already."""

from __future__ import annotations

import atexit
import time
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from agentops.config import settings
from agentops.export import backend
from agentops.export.delivery import EXIT_SECONDS, share_exit_time
from agentops.export.selection import lineage
from agentops.sessions.notices import on_session_start
from agentops_instrumentors.core import environment

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

_FLUSH_INTERVAL: Final = 1000
_BATCH_SIZE: Final = 512


class _SpanBatches(BatchSpanProcessor):
    """Flushing waits for the exporter, too: the SDK's own does not ask it."""

    def __init__(
        self, exporter: backend.AgentOpsSpanExporter, queue_size: int | None, delay_millis: float | None, batch_size: int | None
    ) -> None:
        super().__init__(exporter, queue_size, delay_millis, batch_size)
        self._ours = exporter

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """Export everything and have it sent; False where it was not, in time or after 5 s."""
        deadline = _deadline(timeout_millis)
        return super().force_flush() and self._ours.force_flush((deadline - time.monotonic()) * 1000)


class _LogBatches(BatchLogRecordProcessor):
    """As `_SpanBatches`."""

    def __init__(self, exporter: backend.AgentOpsLogExporter) -> None:
        super().__init__(exporter)
        self._ours = exporter

    def force_flush(self, timeout_millis: int | None = None) -> bool:
        """As `_SpanBatches`."""
        deadline = _deadline(timeout_millis)
        return super().force_flush() and self._ours.force_flush((deadline - time.monotonic()) * 1000)


def spans(provider: TracerProvider) -> None:
    """Export the spans of `provider` to AgentOps, in batches by AGENTOPS_* settings first, then OTEL_BSP_*.

    The first session to start has the exporter authenticate, so that nothing waits for that later.
    """
    provider.add_span_processor(lineage)
    if not backend.claim(backend.AgentOpsSpanExporter):
        if settings().spool:
            from agentops.spool import attach

            spool = attach.agentops_spans(provider)
            on_session_start(lambda _: spool.prepare())
            return
        exporter = backend.AgentOpsSpanExporter(claimed=True)
        exporter.start()
        provider.add_span_processor(_batches(exporter))
        on_session_start(lambda _: exporter.prepare())
    share_exit_time()


def metrics(provider: MeterProvider) -> None:
    """Export the metrics of `provider` to AgentOps. Nothing on an SDK whose providers take no further readers."""
    if not backend.claim(backend.AgentOpsMetricExporter) and hasattr(provider, "add_metric_reader"):
        exporter = backend.AgentOpsMetricExporter(claimed=True)
        exporter.start()
        reader = PeriodicExportingMetricReader(exporter)
        provider.add_metric_reader(reader)
        # The SDK shuts down only the readers a provider was made with.
        atexit.register(reader.shutdown)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    share_exit_time()


def logs(provider: LoggerProvider) -> None:
    """Export the log records of `provider` to AgentOps."""
    if not backend.claim(backend.AgentOpsLogExporter):
        if settings().spool:
            from agentops.spool import attach

            attach.agentops_logs(provider)
            return
        exporter = backend.AgentOpsLogExporter(claimed=True)
        exporter.start()
        provider.add_log_record_processor(_LogBatches(exporter))
    share_exit_time()


def uploads(provider: TracerProvider, loggers: LoggerProvider) -> None:
    """Upload the log of each session of `provider`, of records that go through `loggers`."""
    from agentops.export.uploads import GatheringProcessor, SessionLogs, UploadingProcessor

    logs = SessionLogs()
    loggers.add_log_record_processor(GatheringProcessor(logs))
    provider.add_span_processor(UploadingProcessor(logs))
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
    return _SpanBatches(exporter, chosen.max_queue_size, interval, size)


def _deadline(timeout_millis: int | None) -> float:
    return time.monotonic() + (EXIT_SECONDS if timeout_millis is None else min(timeout_millis / 1000, EXIT_SECONDS))
