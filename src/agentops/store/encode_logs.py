"""SDK log records as OTLP JSON, field by field the same as the protobuf encoder of `opentelemetry-exporter-otlp-proto-common`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentops.store.encode import Encoded, Json, any_value, attributes, by_resource, dump, put
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord


def encode_logs(records: Sequence[ReadableLogRecord]) -> bytes:
    """One LogsData object, grouped by resource and scope, without a line end. A record that cannot be encoded is left out and counted."""
    encoded: list[Encoded] = []
    for record in records:
        try:
            encoded.append((record.resource, record.instrumentation_scope or None, _record(record)))
        except Exception as error:
            swallowed("store.encode", error)
    return dump({"resourceLogs": by_resource(encoded, "scopeLogs", "logRecords")})


def _record(readable: ReadableLogRecord) -> Json:
    record = readable.log_record
    encoded: Json = {}
    put(encoded, "timeUnixNano", str(record.timestamp or ""))
    put(encoded, "observedTimeUnixNano", str(record.observed_timestamp or ""))
    put(encoded, "severityNumber", record.severity_number.value if record.severity_number is not None else 0)
    put(encoded, "severityText", record.severity_text)
    if record.body is not None:
        encoded["body"] = any_value(record.body)
    put(encoded, "attributes", attributes(record.attributes))
    put(encoded, "droppedAttributesCount", readable.dropped_attributes)
    put(encoded, "flags", int(record.trace_flags or 0))
    if record.trace_id:
        encoded["traceId"] = f"{record.trace_id:032x}"
    if record.span_id:
        encoded["spanId"] = f"{record.span_id:016x}"
    put(encoded, "eventName", record.event_name)
    return encoded
