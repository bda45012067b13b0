"""OTLP JSON lines (the format of the OTel file exporter) read into values. Numbers may be strings; unknown fields are skipped."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Final

import msgspec

from agentops_conformance.values import Event, Resource, Span, Telemetry, Value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES: Final = ("unset", "ok", "error")


class _AnyValue(msgspec.Struct, rename="camel"):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    bytes_value: str | None = None
    array_value: _Array | None = None
    kvlist_value: _KeyValues | None = None


class _Array(msgspec.Struct):
    values: list[_AnyValue] = []


class _KeyValue(msgspec.Struct):
    key: str = ""
    value: _AnyValue = msgspec.field(default_factory=_AnyValue)


class _KeyValues(msgspec.Struct):
    values: list[_KeyValue] = []


class _Attributed(msgspec.Struct):
    attributes: list[_KeyValue] = []


class _SpanEvent(msgspec.Struct):
    name: str = ""
    attributes: list[_KeyValue] = []


class _Status(msgspec.Struct):
    code: int = 0


class _Span(msgspec.Struct, rename="camel"):
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    name: str = ""
    kind: int = 0
    attributes: list[_KeyValue] = []
    events: list[_SpanEvent] = []
    status: _Status = msgspec.field(default_factory=_Status)


class _Scope(msgspec.Struct):
    name: str = ""


class _ScopeSpans(msgspec.Struct):
    scope: _Scope = msgspec.field(default_factory=_Scope)
    spans: list[_Span] = []


class _ResourceSpans(msgspec.Struct, rename="camel"):
    resource: _Attributed = msgspec.field(default_factory=_Attributed)
    scope_spans: list[_ScopeSpans] = []


class _LogRecord(msgspec.Struct, rename="camel"):
    event_name: str = ""
    trace_id: str = ""
    attributes: list[_KeyValue] = []


class _ScopeLogs(msgspec.Struct, rename="camel"):
    log_records: list[_LogRecord] = []


class _ResourceLogs(msgspec.Struct, rename="camel"):
    resource: _Attributed = msgspec.field(default_factory=_Attributed)
    scope_logs: list[_ScopeLogs] = []


class _Line(msgspec.Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] = []
    resource_logs: list[_ResourceLogs] = []


_decoder: Final = msgspec.json.Decoder(_Line)


def read(paths: Iterable[Path]) -> Telemetry:
    """Telemetry of files, and of the `*.jsonl` files in folders. Raises OSError for what cannot be opened."""
    resources: dict[str, Resource] = {}
    spans: list[Span] = []
    records: list[Event] = []
    unreadable: list[str] = []
    for path in paths:
        for file in sorted(path.glob("*.jsonl")) if path.is_dir() else [path]:
            for number, line in enumerate(file.read_bytes().splitlines(), start=1):
                if not line.strip():
                    continue
                try:
                    _take(_decoder.decode(line), resources, spans, records)
                except (ValueError, IndexError) as error:
                    unreadable.append(f"{file}:{number}: {error}")
    return Telemetry(tuple(resources.values()), tuple(spans), tuple(records), tuple(unreadable))


def _take(line: _Line, resources: dict[str, Resource], spans: list[Span], records: list[Event]) -> None:
    for group in (*line.resource_spans, *line.resource_logs):
        resource = Resource(_mapping(group.resource.attributes))
        resources.setdefault(repr(resource), resource)
    for traced in line.resource_spans:
        for scoped in traced.scope_spans:
            spans.extend(_span(span, scoped.scope.name) for span in scoped.spans)
    for logged in line.resource_logs:
        for scope in logged.scope_logs:
            records.extend(Event(r.event_name, _mapping(r.attributes), r.trace_id.lower()) for r in scope.log_records)


def _span(span: _Span, scope: str) -> Span:
    return Span(
        name=span.name,
        kind=_KINDS[span.kind],
        status=_STATUSES[span.status.code],
        attributes=_mapping(span.attributes),
        trace_id=span.trace_id.lower(),
        span_id=span.span_id.lower(),
        parent_id=span.parent_span_id.lower(),
        scope=scope,
        events=tuple(Event(event.name, _mapping(event.attributes)) for event in span.events),
    )


def _mapping(pairs: list[_KeyValue]) -> dict[str, Value]:
    return {pair.key: _plain(pair.value) for pair in pairs}


def _plain(value: _AnyValue) -> Value:
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
