"""SDK providers that export into memory, passed to instrumentors explicitly: nothing global is touched."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

if TYPE_CHECKING:
    from types import TracebackType

    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.trace import Span
    from opentelemetry.sdk.trace.sampling import Sampler
    from typing_extensions import Self

__all__ = ["InMemory"]


class _Counting(SpanProcessor):
    """Counts starts and ends by span id."""

    def __init__(self) -> None:
        self.started: list[Span] = []
        self.ended: Counter[int] = Counter()

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self.started.append(span)

    def on_end(self, span: ReadableSpan) -> None:
        context = span.get_span_context()
        self.ended[context.span_id if context else 0] += 1


class InMemory:
    """The three providers with what they exported. A context manager; `kwargs` is for `instrument(**kwargs)`."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        resource = Resource({"service.name": "test"})
        self._counting = _Counting()
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self._log_exporter = InMemoryLogRecordExporter()
        self.tracer_provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(self._counting)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meter_provider = MeterProvider([self._reader], resource=resource, shutdown_on_exit=False)
        self.logger_provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
        self.logger_provider.add_log_record_processor(SimpleLogRecordProcessor(self._log_exporter))

    @property
    def kwargs(self) -> dict[str, Any]:
        return {"tracer_provider": self.tracer_provider, "meter_provider": self.meter_provider, "logger_provider": self.logger_provider}

    @property
    def started(self) -> int:
        """Recording spans started."""
        return len(self._counting.started)

    @property
    def ended(self) -> int:
        """Calls of `end` that the SDK passed on."""
        return self._counting.ended.total()

    @property
    def exported(self) -> int:
        return len(self._exporter.get_finished_spans())

    def spans(self, name: str | None = None) -> list[ReadableSpan]:
        """Finished spans in the order of their ends."""
        return [span for span in self._exporter.get_finished_spans() if name is None or span.name == name]

    def unfinished(self) -> list[str]:
        """Names of spans that were started and have not ended."""
        return [span.name for span in self._counting.started if span.get_span_context().span_id not in self._counting.ended]

    def assert_balanced(self, spans: int | None = None) -> None:
        """Started == ended == exported, each span once (and as many as `spans` says)."""
        assert not self.unfinished(), f"never ended: {self.unfinished()}"
        assert set(self._counting.ended.values()) <= {1}, "a span ended more than once"
        assert self.started == self.ended == self.exported
        assert spans is None or self.started == spans, f"{self.started} spans, not {spans}: {[span.name for span in self.spans()]}"

    def points(self, name: str) -> list[Any]:
        """The data points collected so far of one metric."""
        return [point for metric in self.metrics() if metric.name == name for point in metric.data.data_points]

    def metrics(self) -> list[Any]:
        """The metrics collected so far, whatever scope made them."""
        data = self._reader.get_metrics_data()
        if data is None:
            return []
        scopes = [scoped for resource in data.resource_metrics for scoped in resource.scope_metrics]
        return [metric for scoped in scopes for metric in scoped.metrics]

    def logs(self, event_name: str | None = None) -> list[ReadableLogRecord]:
        """Exported log records; the record itself is `.log_record`."""
        logs = self._log_exporter.get_finished_logs()
        return [log for log in logs if event_name is None or log.log_record.event_name == event_name]

    def clear(self) -> None:
        """Forget spans and log records; metrics accumulate on."""
        self._exporter.clear()
        self._log_exporter.clear()
        self._counting.started.clear()
        self._counting.ended.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.tracer_provider.shutdown()
        self.meter_provider.shutdown()
        self.logger_provider.shutdown()
