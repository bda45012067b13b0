"""The whole of OTLP's JSON for traces and logs, as its messages; unknown fields are skipped, 64-bit numbers may be strings.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding.
"""

# Fields are OTLP's own: https://github.com/open-telemetry/opentelemetry-proto

from __future__ import annotations

from typing import Final

import msgspec


class JsonValue(msgspec.Struct, rename="camel"):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | None = None
    double_value: float | None = None
    bytes_value: bytes | None = None
    array_value: JsonArray | None = None
    kvlist_value: JsonPairs | None = None


class JsonArray(msgspec.Struct):
    values: list[JsonValue] = []


class JsonPair(msgspec.Struct):
    key: str = ""
    value: JsonValue | None = None


class JsonPairs(msgspec.Struct):
    values: list[JsonPair] = []


class JsonOwner(msgspec.Struct, rename="camel"):
    attributes: list[JsonPair] = []
    dropped_attributes_count: int = 0


class JsonEvent(JsonOwner, rename="camel"):
    time_unix_nano: int = 0
    name: str = ""


class JsonLink(JsonOwner, rename="camel"):
    trace_id: str = ""
    span_id: str = ""
    trace_state: str = ""
    flags: int = 0


class JsonStatus(msgspec.Struct):
    message: str = ""
    code: int = 0


class JsonSpan(JsonOwner, rename="camel"):
    trace_id: str = ""
    span_id: str = ""
    trace_state: str = ""
    parent_span_id: str = ""
    flags: int = 0
    name: str = ""
    kind: int = 0
    start_time_unix_nano: int = 0
    end_time_unix_nano: int = 0
    events: list[JsonEvent] = []
    dropped_events_count: int = 0
    links: list[JsonLink] = []
    dropped_links_count: int = 0
    status: JsonStatus | None = None


class JsonRecord(JsonOwner, rename="camel"):
    time_unix_nano: int = 0
    observed_time_unix_nano: int = 0
    severity_number: int = 0
    severity_text: str = ""
    body: JsonValue | None = None
    flags: int = 0
    trace_id: str = ""
    span_id: str = ""
    event_name: str = ""


class JsonScope(JsonOwner, rename="camel"):
    name: str = ""
    version: str = ""


class JsonResource(JsonOwner, rename="camel"):
    pass


class JsonScopeSpans(msgspec.Struct, rename="camel"):
    scope: JsonScope | None = None
    spans: list[JsonSpan] = []
    schema_url: str = ""


class JsonResourceSpans(msgspec.Struct, rename="camel"):
    resource: JsonResource | None = None
    scope_spans: list[JsonScopeSpans] = []
    schema_url: str = ""


class JsonScopeLogs(msgspec.Struct, rename="camel"):
    scope: JsonScope | None = None
    log_records: list[JsonRecord] = []
    schema_url: str = ""


class JsonResourceLogs(msgspec.Struct, rename="camel"):
    resource: JsonResource | None = None
    scope_logs: list[JsonScopeLogs] = []
    schema_url: str = ""


class JsonLine(msgspec.Struct, rename="camel"):
    resource_spans: list[JsonResourceSpans] = []
    resource_logs: list[JsonResourceLogs] = []


_decoder: Final = msgspec.json.Decoder(JsonLine, strict=False)


def decoded(line: bytes) -> JsonLine:
    """The line's content. Raises `msgspec.MsgspecError` for one that is not OTLP JSON."""
    return _decoder.decode(line)
