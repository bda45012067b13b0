"""OTLP JSON lines as OTLP protobuf requests, field by field what the line says; unknown fields are skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from agentops.store.otlp_json import decoded

if TYPE_CHECKING:
    from agentops.store.otlp_json import (
        JsonEvent,
        JsonLink,
        JsonPair,
        JsonRecord,
        JsonResource,
        JsonResourceLogs,
        JsonResourceSpans,
        JsonScope,
        JsonSpan,
        JsonValue,
    )


class Requests:
    """Lines read so far as one request of each signal. `unreadable` counts lines that are not OTLP JSON; blank ones are none."""

    def __init__(self) -> None:
        self.traces: Final = ExportTraceServiceRequest()
        self.logs: Final = ExportLogsServiceRequest()
        self.unreadable = 0

    def add(self, line: bytes) -> None:
        """Add what `line` holds. One that cannot be read in part is not added at all."""
        if line.isspace() or not line:
            return
        try:
            content = decoded(line)
            traces, logs = (
                [_resource_spans(each) for each in content.resource_spans],
                [_resource_logs(each) for each in content.resource_logs],
            )
        except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
            self.unreadable += 1
            return
        self.traces.resource_spans.extend(traces)
        self.logs.resource_logs.extend(logs)


def _resource_spans(given: JsonResourceSpans) -> ResourceSpans:
    scopes = [
        ScopeSpans(scope=_scope(each.scope), spans=[_span(span) for span in each.spans], schema_url=each.schema_url)
        for each in given.scope_spans
    ]
    return ResourceSpans(resource=_resource(given.resource), scope_spans=scopes, schema_url=given.schema_url)


def _resource_logs(given: JsonResourceLogs) -> ResourceLogs:
    scopes = [
        ScopeLogs(scope=_scope(each.scope), log_records=[_record(record) for record in each.log_records], schema_url=each.schema_url)
        for each in given.scope_logs
    ]
    return ResourceLogs(resource=_resource(given.resource), scope_logs=scopes, schema_url=given.schema_url)


def _resource(given: JsonResource | None) -> Resource | None:
    if given is None:
        return None
    return Resource(attributes=_pairs(given.attributes), dropped_attributes_count=given.dropped_attributes_count)


def _scope(given: JsonScope | None) -> InstrumentationScope | None:
    if given is None:
        return None
    return InstrumentationScope(
        name=given.name,
        version=given.version,
        attributes=_pairs(given.attributes),
        dropped_attributes_count=given.dropped_attributes_count,
    )


def _span(given: JsonSpan) -> Span:
    return Span(
        trace_id=bytes.fromhex(given.trace_id),
        span_id=bytes.fromhex(given.span_id),
        trace_state=given.trace_state,
        parent_span_id=bytes.fromhex(given.parent_span_id),
        flags=given.flags,
        name=given.name,
        kind=given.kind,  # pyright: ignore[reportArgumentType]
        start_time_unix_nano=given.start_time_unix_nano,
        end_time_unix_nano=given.end_time_unix_nano,
        attributes=_pairs(given.attributes),
        dropped_attributes_count=given.dropped_attributes_count,
        events=[_event(event) for event in given.events],
        dropped_events_count=given.dropped_events_count,
        links=[_link(link) for link in given.links],
        dropped_links_count=given.dropped_links_count,
        status=None if given.status is None else Status(message=given.status.message, code=given.status.code),  # pyright: ignore[reportArgumentType]
    )


def _event(given: JsonEvent) -> Span.Event:
    return Span.Event(
        time_unix_nano=given.time_unix_nano,
        name=given.name,
        attributes=_pairs(given.attributes),
        dropped_attributes_count=given.dropped_attributes_count,
    )


def _link(given: JsonLink) -> Span.Link:
    return Span.Link(
        trace_id=bytes.fromhex(given.trace_id),
        span_id=bytes.fromhex(given.span_id),
        trace_state=given.trace_state,
        attributes=_pairs(given.attributes),
        dropped_attributes_count=given.dropped_attributes_count,
        flags=given.flags,
    )


def _record(given: JsonRecord) -> LogRecord:
    return LogRecord(
        time_unix_nano=given.time_unix_nano,
        observed_time_unix_nano=given.observed_time_unix_nano,
        severity_number=given.severity_number,  # pyright: ignore[reportArgumentType]
        severity_text=given.severity_text,
        body=None if given.body is None else _value(given.body),
        attributes=_pairs(given.attributes),
        dropped_attributes_count=given.dropped_attributes_count,
        flags=given.flags,
        trace_id=bytes.fromhex(given.trace_id),
        span_id=bytes.fromhex(given.span_id),
        event_name=given.event_name,
    )


def _pairs(given: list[JsonPair]) -> list[KeyValue]:
    return [KeyValue(key=pair.key, value=None if pair.value is None else _value(pair.value)) for pair in given]


def _value(given: JsonValue) -> AnyValue:
    if given.string_value is not None:
        return AnyValue(string_value=given.string_value)
    if given.int_value is not None:
        return AnyValue(int_value=given.int_value)
    if given.double_value is not None:
        return AnyValue(double_value=given.double_value)
    if given.bool_value is not None:
        return AnyValue(bool_value=given.bool_value)
    if given.array_value is not None:
        return AnyValue(array_value=ArrayValue(values=[_value(each) for each in given.array_value.values]))
    if given.kvlist_value is not None:
        return AnyValue(kvlist_value=KeyValueList(values=_pairs(given.kvlist_value.values)))
    return AnyValue() if given.bytes_value is None else AnyValue(bytes_value=given.bytes_value)
