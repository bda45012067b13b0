"""The OpenTelemetry pipeline of every measured process: the real SDK, with exporters that only count.

Traces: `TracerProvider` with a `BatchSpanProcessor` (defaults). Metrics: `MeterProvider` with a `PeriodicExportingMetricReader`
(60 s, cumulative). Logs: `LoggerProvider` with a `BatchLogRecordProcessor` (defaults). The same for everyone, bare included.
"""

from __future__ import annotations

import threading
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
    from collections.abc import Callable, Sequence


class Spans(SpanExporter):
    """Takes spans in and keeps none, unless it is watched; none at all while `taking` is not set."""

    def __init__(self) -> None:
        self.kept: list[ReadableSpan] | None = None
        self.taking = threading.Event()
        self.taking.set()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.taking.wait()
        if self.kept is not None:
            self.kept.extend(spans)
        return SpanExportResult.SUCCESS


class _Metrics(MetricExporter):
    def __init__(self) -> None:
        super().__init__()
        self.points: dict[str, int] = {}

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        for resource in metrics_data.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    self.points[metric.name] = sum(getattr(point, "count", 0) for point in metric.data.data_points)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Hold nothing."""


class _Logs(LogRecordExporter):
    def __init__(self) -> None:
        self.kept: list[Any] | None = None

    def export(self, batch: Sequence[Any]) -> LogRecordExportResult:
        if self.kept is not None:
            self.kept.extend(batch)
        return LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        return True

    def shutdown(self) -> None:
        """Hold nothing."""


class Pipeline:
    """Providers as the program made them, what they are made of for a peer that makes its own, and what reached the exporters.

    `content` is whether content is to be recorded. `flush` is what sends the spans; an adapter with a provider of its own replaces it.
    """

    def __init__(self, *, sampled: bool = True, content: bool = True) -> None:
        self.content = content
        self.sampler: Sampler = ALL if sampled else ParentBased(ALWAYS_OFF)
        self.spans, self._metrics, self._logs = Spans(), _Metrics(), _Logs()
        self.processor = BatchSpanProcessor(self.spans)
        self.reader = PeriodicExportingMetricReader(self._metrics)
        self.tracers = TracerProvider(sampler=self.sampler)
        self.tracers.add_span_processor(self.processor)
        self.meters = MeterProvider([self.reader])
        self.loggers = LoggerProvider()
        self.loggers.add_log_record_processor(BatchLogRecordProcessor(self._logs))
        self.flush: Callable[[], object] = self.processor.force_flush

    def another_reader(self) -> PeriodicExportingMetricReader:
        """The reader of a peer that makes its provider of meters itself; it is the one collected from now on."""
        self.reader = PeriodicExportingMetricReader(self._metrics)
        return self.reader

    def collect(self) -> None:
        """Collect and export metrics, as the reader does every 60 s."""
        self.reader.force_flush()

    def settle(self) -> None:
        """Have everything exported that is waiting."""
        self.flush()
        self.loggers.force_flush()
        self.collect()

    def shutdown(self) -> None:
        """End its threads."""
        for provider in (self.tracers, self.meters, self.loggers):
            provider.shutdown()

    def recorded(self, action: Callable[[], object], times: int) -> dict[str, float]:
        """What one `action` leaves: spans, their attributes, characters of text on them and in log records, metric records."""
        self.settle()
        before = sum(self._metrics.points.values())
        spans: list[ReadableSpan] = []
        records: list[Any] = []
        self.spans.kept, self._logs.kept = spans, records
        for _ in range(times):
            action()
        self.settle()
        self.spans.kept = self._logs.kept = None
        attributes = [dict(span.attributes or {}) for span in spans]
        events = [dict(event.attributes or {}) for span in spans for event in span.events]
        bodies = [{**(record.log_record.attributes or {}), "body": record.log_record.body} for record in records]
        found = {
            "spans": len(spans),
            "attributes": sum(map(len, attributes)),
            "text": sum(map(_characters, (*attributes, *events, *bodies))),
            "logs": len(records),
            "metric records": sum(self._metrics.points.values()) - before,
        }
        return {name: count / times for name, count in found.items()}


def _characters(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_characters, value.values()))
    return sum(map(_characters, value)) if isinstance(value, (list, tuple)) else 0
