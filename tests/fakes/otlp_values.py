"""OTLP protobuf decoded into plain, comparable values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
STATUSES = ("UNSET", "OK", "ERROR")
TEMPORALITIES = ("UNSPECIFIED", "DELTA", "CUMULATIVE")


@dataclass(frozen=True, slots=True)
class SinkEvent:
    name: str
    time: int
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SinkLink:
    trace_id: str
    span_id: str
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SinkSpan:
    """Ids are lower-case hex, `parent_span_id` "" for a root; times are nanoseconds since the epoch."""

    name: str
    trace_id: str
    span_id: str
    parent_span_id: str
    kind: str
    start: int
    end: int
    status_code: str
    status_description: str
    attributes: dict[str, Any]
    events: tuple[SinkEvent, ...]
    links: tuple[SinkLink, ...]
    scope_name: str
    scope_version: str
    resource: dict[str, Any]
    flags: int = 0
    trace_state: str = ""
    schema_url: str = ""


@dataclass(frozen=True, slots=True)
class SinkPoint:
    """One data point: `value` for sums and gauges, the rest for histograms."""

    attributes: dict[str, Any]
    value: float | None = None
    sum: float | None = None
    count: int | None = None
    bounds: tuple[float, ...] = ()
    bucket_counts: tuple[int, ...] = ()
    start: int = 0
    time: int = 0
    exemplar_trace_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SinkMetric:
    """One metric of one export; `kind` is sum, gauge, histogram, exponential_histogram or summary."""

    name: str
    unit: str
    kind: str
    points: tuple[SinkPoint, ...]
    description: str = ""
    temporality: str = ""
    scope_name: str = ""
    scope_version: str = ""
    resource: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SinkLog:
    event_name: str
    severity: str
    body: Any
    attributes: dict[str, Any]
    trace_id: str
    span_id: str
    scope_name: str
    resource: dict[str, Any]
    time: int = 0


def decode_spans(data: bytes) -> list[SinkSpan]:
    """The spans of an ExportTraceServiceRequest."""
    message = ExportTraceServiceRequest.FromString(data)
    return [
        SinkSpan(
            name=span.name,
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_span_id=span.parent_span_id.hex(),
            kind=KINDS[span.kind],
            start=span.start_time_unix_nano,
            end=span.end_time_unix_nano,
            status_code=STATUSES[span.status.code],
            status_description=span.status.message,
            attributes=_attributes(span.attributes),
            events=tuple(SinkEvent(event.name, event.time_unix_nano, _attributes(event.attributes)) for event in span.events),
            links=tuple(SinkLink(link.trace_id.hex(), link.span_id.hex(), _attributes(link.attributes)) for link in span.links),
            scope_name=scoped.scope.name,
            scope_version=scoped.scope.version,
            resource=resource,
            flags=span.flags,
            trace_state=span.trace_state,
            schema_url=scoped.schema_url,
        )
        for resource, scoped in _scopes(message.resource_spans, "scope_spans")
        for span in scoped.spans
    ]


def decode_metrics(data: bytes) -> list[SinkMetric]:
    """The metrics of an ExportMetricsServiceRequest."""
    message = ExportMetricsServiceRequest.FromString(data)
    found: list[SinkMetric] = []
    for resource, scoped in _scopes(message.resource_metrics, "scope_metrics"):
        for metric in scoped.metrics:
            kind = metric.WhichOneof("data")
            content = getattr(metric, kind)
            found.append(
                SinkMetric(
                    name=metric.name,
                    unit=metric.unit,
                    kind=kind,
                    points=tuple(_point(point) for point in content.data_points),
                    description=metric.description,
                    temporality=TEMPORALITIES[getattr(content, "aggregation_temporality", 0)],
                    scope_name=scoped.scope.name,
                    scope_version=scoped.scope.version,
                    resource=resource,
                )
            )
    return found


def decode_logs(data: bytes) -> list[SinkLog]:
    """The log records of an ExportLogsServiceRequest."""
    message = ExportLogsServiceRequest.FromString(data)
    return [
        SinkLog(
            event_name=record.event_name,
            severity=record.severity_text,
            body=_value(record.body),
            attributes=_attributes(record.attributes),
            trace_id=record.trace_id.hex(),
            span_id=record.span_id.hex(),
            scope_name=scoped.scope.name,
            resource=resource,
            time=record.time_unix_nano,
        )
        for resource, scoped in _scopes(message.resource_logs, "scope_logs")
        for record in scoped.log_records
    ]


def _scopes(resources: Iterable[Any], field_name: str) -> Iterator[tuple[dict[str, Any], Any]]:
    for entry in resources:
        attributes = _attributes(entry.resource.attributes)
        for scoped in getattr(entry, field_name):
            yield attributes, scoped


def _point(point: Any) -> SinkPoint:
    number = point.WhichOneof("value") if "value" in point.DESCRIPTOR.oneofs_by_name else None
    return SinkPoint(
        attributes=_attributes(point.attributes),
        value=getattr(point, number) if number else None,
        sum=getattr(point, "sum", None),
        count=getattr(point, "count", None),
        bounds=tuple(getattr(point, "explicit_bounds", ())),
        bucket_counts=tuple(getattr(point, "bucket_counts", ())),
        start=point.start_time_unix_nano,
        time=point.time_unix_nano,
        exemplar_trace_ids=tuple(exemplar.trace_id.hex() for exemplar in getattr(point, "exemplars", ())),
    )


def _attributes(pairs: Iterable[Any]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return getattr(value, kind)
