"""OTLP JSON lines read back: only the fields that the store's readers use; unknown ones are skipped, numbers may be strings."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass

import msgspec

Value = str | bool | int | float | bytes | list["Value"] | dict[str, "Value"] | None


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
    value: _AnyValue | None = None


class _KeyValues(msgspec.Struct):
    values: list[_KeyValue] = []


class _Event(msgspec.Struct, rename="camel"):
    name: str = ""
    time_unix_nano: int | str = 0
    attributes: list[_KeyValue] = []


class _Status(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Span(msgspec.Struct, rename="camel"):
    trace_id: str
    span_id: str
    parent_span_id: str = ""
    name: str = ""
    kind: int = 0
    start_time_unix_nano: int | str = 0
    end_time_unix_nano: int | str = 0
    attributes: list[_KeyValue] = []
    events: list[_Event] = []
    status: _Status | None = None


class _Scope(msgspec.Struct):
    name: str = ""


class _ScopeSpans(msgspec.Struct):
    scope: _Scope | None = None
    spans: list[_Span] = []


class _ResourceSpans(msgspec.Struct, rename="camel"):
    scope_spans: list[_ScopeSpans] = []


class _LogRecord(msgspec.Struct, rename="camel"):
    event_name: str = ""
    severity_text: str = ""
    body: _AnyValue | None = None
    trace_id: str = ""
    span_id: str = ""
    time_unix_nano: int | str = 0
    attributes: list[_KeyValue] = []


class _ScopeLogs(msgspec.Struct, rename="camel"):
    scope: _Scope | None = None
    log_records: list[_LogRecord] = []


class _ResourceLogs(msgspec.Struct, rename="camel"):
    scope_logs: list[_ScopeLogs] = []


class _Line(msgspec.Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] = []
    resource_logs: list[_ResourceLogs] = []


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A span event; `time` in nanoseconds since the epoch."""

    name: str
    time: int
    attributes: dict[str, Value]


@dataclass(frozen=True, slots=True)
class StoredSpan:
    """A span of the store. Ids in lower-case hex, times in nanoseconds since the epoch, `kind` and `status_code` as OTLP numbers.

    `reconstructed` marks the root of a session that never ended, made from its start record; its `end` is the last child's.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    start: int
    end: int
    status_code: int
    status_message: str
    scope: str
    attributes: dict[str, Value]
    events: tuple[StoredEvent, ...] = ()
    reconstructed: bool = False

    @property
    def failed(self) -> bool:
        """Status ERROR."""
        return self.status_code == 2


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A log record that belongs to a span; `time` in nanoseconds since the epoch, `severity` as text, `scope` its logger's name."""

    event_name: str
    trace_id: str
    span_id: str
    time: int
    attributes: dict[str, Value]
    scope: str = ""
    severity: str = ""
    body: Value = None


_decoder = msgspec.json.Decoder(_Line)


def decode_line(line: bytes, without: frozenset[str] = frozenset()) -> tuple[list[StoredSpan], list[StoredRecord]]:
    """The spans, less the attributes named in `without`, and the span-bound log records of one line.

    Raises ValueError for a line that is not OTLP JSON.
    """
    try:
        decoded = _decoder.decode(line)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
    spans = [
        _span(span, scope.scope.name if scope.scope else "", without)
        for resource in decoded.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    records = [
        _stored_record(record, scope.scope.name if scope.scope else "")
        for resource in decoded.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
        if record.trace_id
    ]
    return spans, records


def _stored_record(record: _LogRecord, scope: str) -> StoredRecord:
    return StoredRecord(
        event_name=record.event_name,
        trace_id=record.trace_id.lower(),
        span_id=record.span_id.lower(),
        time=int(record.time_unix_nano),
        attributes=_mapping(record.attributes),
        scope=scope,
        severity=record.severity_text,
        body=_plain(record.body),
    )


def _span(span: _Span, scope: str, without: frozenset[str]) -> StoredSpan:
    start = int(span.start_time_unix_nano)
    status = span.status or _Status()
    return StoredSpan(
        trace_id=span.trace_id.lower(),
        span_id=span.span_id.lower(),
        parent_id=span.parent_span_id.lower(),
        name=span.name,
        kind=span.kind,
        start=start,
        end=max(start, int(span.end_time_unix_nano)),
        status_code=status.code,
        status_message=status.message,
        scope=scope,
        attributes={pair.key: _plain(pair.value) for pair in span.attributes if pair.key not in without},
        events=tuple(StoredEvent(event.name, int(event.time_unix_nano), _mapping(event.attributes)) for event in span.events),
    )


def _mapping(pairs: list[_KeyValue]) -> dict[str, Value]:
    return {pair.key: _plain(pair.value) for pair in pairs}


def _plain(value: _AnyValue | None) -> Value:
    if value is None:
        return None
    if value.string_value is not None:
        return value.string_value
    if value.int_value is not None:
        return int(value.int_value)
    if value.double_value is not None:
        return float(value.double_value)
    if value.bool_value is not None:
        return value.bool_value
    if value.array_value is not None:
        return [_plain(item) for item in value.array_value.values]
    if value.kvlist_value is not None:
        return _mapping(value.kvlist_value.values)
    return b64decode(value.bytes_value) if value.bytes_value is not None else None
