"""OTLP JSON read into values: lines of a file as the OpenTelemetry file exporter writes them, or bodies of OTLP/HTTP requests."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Final

from agentops_conformance import wire
from agentops_conformance.values import Event, Metric, Point, Resource, Scope, Span, Telemetry, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES: Final = ("unset", "ok", "error")


class Collector:
    """Gathers telemetry piece by piece: `add` what came, then ask for `telemetry()`. Not for several threads at once."""

    def __init__(self) -> None:
        self._resources: dict[str, Resource] = {}
        self._spans: list[Span] = []
        self._records: list[Event] = []
        self._metrics: list[Metric] = []
        self._unreadable: list[str] = []

    def telemetry(self) -> Telemetry:
        """Everything so far."""
        return Telemetry(
            tuple(self._resources.values()), tuple(self._spans), tuple(self._records), tuple(self._metrics), tuple(self._unreadable)
        )

    def add_lines(self, text: bytes, place: str) -> None:
        """Take OTLP JSON lines, or one document over several lines. `place` names the source in what is said of unreadable lines."""
        lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
        if len(lines) > 1 and lines[0][1].strip() == b"{":
            lines = [(1, text)]
        for number, line in lines:
            self.add(line, f"{place}:{number}")

    def add(self, document: bytes, place: str) -> bool:
        """Take one JSON document; whether it was OTLP."""
        try:
            self._take(wire.decoder.decode(document))
        except (ValueError, IndexError) as error:
            self._unreadable.append(f"{place}: {error}")
            return False
        return True

    def _take(self, export: wire.Export) -> None:
        spans: list[Span] = []
        records: list[Event] = []
        metrics: list[Metric] = []
        for traced in export.resource_spans:
            self._resource(traced.resource)
            for scoped in traced.scope_spans:
                spans += [_span(span, _scope(scoped.scope, scoped.schema_url)) for span in scoped.spans]
        for logged in export.resource_logs:
            resource = self._resource(logged.resource)
            for scope in logged.scope_logs:
                records += [_record(record, _scope(scope.scope, scope.schema_url), resource) for record in scope.log_records]
        for measured in export.resource_metrics:
            resource = self._resource(measured.resource)
            for metered in measured.scope_metrics:
                metrics += [_metric(metric, _scope(metered.scope, metered.schema_url), resource) for metric in metered.metrics]
        self._spans += spans
        self._records += records
        self._metrics += metrics

    def _resource(self, resource: wire.Resource) -> Resource:
        made = Resource(_mapping(resource.attributes))
        return self._resources.setdefault(repr(made), made)


def read(paths: Iterable[Path]) -> Telemetry:
    """Telemetry of files, and of the `*.jsonl` files in folders. Raises OSError for what cannot be opened."""
    collector = Collector()
    for path in paths:
        for file in sorted(path.glob("*.jsonl")) if path.is_dir() else [path]:
            collector.add_lines(file.read_bytes(), str(file))
    return collector.telemetry()


def _scope(scope: wire.Scope, schema_url: str) -> Scope:
    return Scope(scope.name, scope.version, schema_url)


def _span(span: wire.Span, scope: Scope) -> Span:
    return Span(
        name=span.name,
        kind=_word(span.kind, _KINDS),
        status=_word(span.status.code, _STATUSES),
        attributes=_mapping(span.attributes),
        trace_id=span.trace_id.lower(),
        span_id=span.span_id.lower(),
        parent_id=span.parent_span_id.lower(),
        scope=scope,
        events=tuple(Event(event.name, _mapping(event.attributes)) for event in span.events),
        message=span.status.message,
    )


def _record(record: wire.LogRecord, scope: Scope, resource: Resource) -> Event:
    return Event(
        name=record.event_name,
        attributes=_mapping(record.attributes),
        trace_id=record.trace_id.lower(),
        span_id=record.span_id.lower(),
        severity=record.severity_number if isinstance(record.severity_number, int) else 0,
        body=_plain(record.body),
        scope=scope,
        resource=resource,
    )


def _metric(metric: wire.Metric, scope: Scope, resource: Resource) -> Metric:
    kinds = {
        "gauge": metric.gauge,
        "counter" if metric.sum and metric.sum.is_monotonic else "updowncounter": metric.sum,
        "histogram": metric.histogram or metric.exponential_histogram,
        "summary": metric.summary,
    }
    instrument, data = next(((name, data) for name, data in kinds.items() if data is not None), ("nothing", wire.Data()))
    return Metric(metric.name, metric.unit, instrument, tuple(_point(point, metric) for point in data.data_points), scope, resource)


def _point(point: wire.DataPoint, metric: wire.Metric) -> Point:
    value = next((value for value in (point.as_int, point.as_double) if value is not None), point.sum)
    buckets = tuple(float(bound) for bound in point.explicit_bounds) if metric.histogram is not None else None
    return Point(_mapping(point.attributes), float(value), int(point.count), buckets)


def _word(value: int | str, words: Sequence[str]) -> str:
    """The word of an enum that is a number, or the name that protobuf gives it (`SPAN_KIND_CLIENT`)."""
    if isinstance(value, int):
        return words[value]
    word = value.rpartition("_")[2].lower()
    if word not in words:
        raise ValueError(f"{value} is not one of {', '.join(words)}")
    return word


def _mapping(pairs: list[wire.KeyValue]) -> dict[str, Value]:
    return {pair.key: _plain(pair.value) for pair in pairs}


def _plain(value: wire.AnyValue | None) -> Value:
    if value is None:
        return None
    if value.string_value is not None:
        return value.string_value
    if value.bool_value is not None:
        return value.bool_value
    if value.int_value is not None:
        return int(value.int_value)
    if value.double_value is not None:
        return float(value.double_value)
    if value.array_value is not None:
        return [_plain(item) for item in value.array_value.values]
    if value.kvlist_value is not None:
        return _mapping(value.kvlist_value.values)
    return b64decode(value.bytes_value) if value.bytes_value is not None else None
