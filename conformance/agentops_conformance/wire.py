"""OTLP JSON as it is on the wire: only what rules look at. Numbers may be strings, enums their names; unknown fields are skipped."""

from __future__ import annotations

from typing import Final

import msgspec

Number = int | float | str


class AnyValue(msgspec.Struct, rename="camel"):
    """At most one field is set; none for an empty value."""

    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    bytes_value: str | None = None
    array_value: Array | None = None
    kvlist_value: KeyValues | None = None


class Array(msgspec.Struct):
    values: list[AnyValue] = []


class KeyValue(msgspec.Struct):
    key: str = ""
    value: AnyValue | None = None


class KeyValues(msgspec.Struct):
    values: list[KeyValue] = []


class Resource(msgspec.Struct):
    attributes: list[KeyValue] = []


class Scope(msgspec.Struct):
    name: str = ""
    version: str = ""


class SpanEvent(msgspec.Struct):
    name: str = ""
    attributes: list[KeyValue] = []


class Status(msgspec.Struct):
    code: int | str = 0
    message: str = ""


class Span(msgspec.Struct, rename="camel"):
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    name: str = ""
    kind: int | str = 0
    attributes: list[KeyValue] = []
    events: list[SpanEvent] = []
    status: Status = msgspec.field(default_factory=Status)


class ScopeSpans(msgspec.Struct, rename="camel"):
    scope: Scope = msgspec.field(default_factory=Scope)
    spans: list[Span] = []
    schema_url: str = ""


class ResourceSpans(msgspec.Struct, rename="camel"):
    resource: Resource = msgspec.field(default_factory=Resource)
    scope_spans: list[ScopeSpans] = []


class LogRecord(msgspec.Struct, rename="camel"):
    event_name: str = ""
    severity_number: int | str = 0
    body: AnyValue | None = None
    trace_id: str = ""
    span_id: str = ""
    attributes: list[KeyValue] = []


class ScopeLogs(msgspec.Struct, rename="camel"):
    scope: Scope = msgspec.field(default_factory=Scope)
    log_records: list[LogRecord] = []
    schema_url: str = ""


class ResourceLogs(msgspec.Struct, rename="camel"):
    resource: Resource = msgspec.field(default_factory=Resource)
    scope_logs: list[ScopeLogs] = []


class DataPoint(msgspec.Struct, rename="camel"):
    """Of every kind of metric."""

    attributes: list[KeyValue] = []
    as_int: Number | None = None
    as_double: Number | None = None
    sum: Number = 0
    count: Number = 0
    explicit_bounds: list[Number] = []


class Data(msgspec.Struct, rename="camel"):
    """The points of one metric, whatever its kind."""

    data_points: list[DataPoint] = []
    is_monotonic: bool = False


class Metric(msgspec.Struct, rename="camel"):
    name: str = ""
    unit: str = ""
    gauge: Data | None = None
    sum: Data | None = None
    histogram: Data | None = None
    exponential_histogram: Data | None = None
    summary: Data | None = None


class ScopeMetrics(msgspec.Struct, rename="camel"):
    scope: Scope = msgspec.field(default_factory=Scope)
    metrics: list[Metric] = []
    schema_url: str = ""


class ResourceMetrics(msgspec.Struct, rename="camel"):
    resource: Resource = msgspec.field(default_factory=Resource)
    scope_metrics: list[ScopeMetrics] = []


class Export(msgspec.Struct, rename="camel"):
    """One line of a file, or one request's body: of whichever signal."""

    resource_spans: list[ResourceSpans] = []
    resource_logs: list[ResourceLogs] = []
    resource_metrics: list[ResourceMetrics] = []


decoder: Final = msgspec.json.Decoder(Export)
