"""The OpenTelemetry pipeline of every measured process: the real SDK, with exporters that only count.

Traces: `TracerProvider` with a `BatchSpanProcessor` (defaults). Metrics: `MeterProvider` with a `PeriodicExportingMetricReader`
(60 s, cumulative). Logs: `LoggerProvider` with a `BatchLogRecordProcessor` (defaults). The same for everyone, bare included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, Sampler
from opentelemetry.sdk.trace.sampling import DEFAULT_ON as ALL

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Spans(SpanExporter):
    """Counts spans and keeps the last one, so that what was measured is known to have recorded."""

    def __init__(self) -> None:
        self.count = 0
        self.last: ReadableSpan | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.count += len(spans)
        self.last = spans[-1]
        return SpanExportResult.SUCCESS


class _Metrics(MetricExporter):
    def __init__(self) -> None:
        super().__init__()
        self.points: dict[str, int] = {}

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        for resource in metrics_data.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    self.points[metric.name] = sum(getattr(point, "count", 1) for point in metric.data.data_points)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Hold nothing."""


class _Logs(LogRecordExporter):
    def __init__(self) -> None:
        self.count = 0

    def export(self, batch: Sequence[Any]) -> LogRecordExportResult:
        self.count += len(batch)
        return LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        return True

    def shutdown(self) -> None:
        """Hold nothing."""


class Pipeline:
    """Providers, and what reached their exporters."""

    def __init__(self, *, sampled: bool) -> None:
        sampler: Sampler = ALL if sampled else ParentBased(ALWAYS_OFF)
        self._spans, self._metrics, self._logs = _Spans(), _Metrics(), _Logs()
        self.tracers = TracerProvider(sampler=sampler)
        self.tracers.add_span_processor(BatchSpanProcessor(self._spans))
        self.meters = MeterProvider([PeriodicExportingMetricReader(self._metrics)])
        self.loggers = LoggerProvider()
        self.loggers.add_log_record_processor(BatchLogRecordProcessor(self._logs))

    def collect(self) -> None:
        """Collect and export metrics, as the reader does every 60 s."""
        self.meters.force_flush()

    def recorded(self) -> dict[str, Any]:
        """What has arrived so far: spans, the last span's attributes and bytes of text, log records, metric records by name."""
        self.tracers.force_flush()
        self.meters.force_flush()
        self.loggers.force_flush()
        attributes = dict(self._spans.last.attributes or {}) if self._spans.last else {}
        text = sum(len(value) for value in attributes.values() if isinstance(value, str))
        return {
            "spans": self._spans.count,
            "attributes": len(attributes),
            "text": text,
            "logs": self._logs.count,
            "metrics": dict(self._metrics.points),
        }
