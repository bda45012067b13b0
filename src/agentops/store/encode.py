"""SDK spans and session starts as OTLP JSON (proto3 JSON mapping as OTLP changes it: ids in hex, enums as integers).

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding and the file exporter's one object a line.
Field by field the same as the protobuf encoder of `opentelemetry-exporter-otlp-proto-common`, except that a value which that
encoder drops (a lone surrogate, an integer past 64 bits) is kept as near as JSON allows.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, cast

import msgspec

from agentops.store.records import PROCESS_PID, SESSION_DESTINATION, SESSION_NAME, SessionStart
from agentops_instrumentors.core.guard import swallowed
from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import Link, SpanContext

    from agentops.store.records import OpenRoot

Json = dict[str, object]
Encoded = tuple["Resource", "InstrumentationScope | None", Json]
_Scopes = dict["InstrumentationScope | None", list[Json]]

OPEN_ROOT: Final = "agentopsOpenRoot"
_HAS_IS_REMOTE: Final = 0x100
_IS_REMOTE: Final = 0x200
_INFO: Final = 9
_INT64: Final = range(-(2**63), 2**63)
_encoder: Final = msgspec.json.Encoder()


def encode_spans(spans: Sequence[ReadableSpan]) -> bytes:
    """One TracesData object, grouped by resource and scope, without a line end. A span that cannot be encoded is left out and counted."""
    encoded: list[Encoded] = []
    for span in spans:
        try:
            encoded.append((span.resource, span.instrumentation_scope or None, _span(span)))
        except Exception as error:
            swallowed("store.encode", error)
    return dump({"resourceSpans": by_resource(encoded, "scopeSpans", "spans")})


def encode_session_start(start: SessionStart, pid: int) -> bytes:
    """One LogsData object with one record of the start's event, without a line end."""
    time = str(start.start_time_unix_nano)
    of_the_record: Json = {SESSION_NAME: start.name, PROCESS_PID: pid}
    put(of_the_record, SESSION_DESTINATION, start.destination)
    record: Json = {
        "timeUnixNano": time,
        "observedTimeUnixNano": time,
        "severityNumber": _INFO,
        "eventName": start.event,
        "attributes": attributes({**start.attributes, **of_the_record}),
        "traceId": f"{start.trace_id:032x}",
        "spanId": f"{start.span_id:016x}",
    }
    resource = attributes({"telemetry.distro.name": "agentops-opentelemetry", "telemetry.distro.version": __version__, PROCESS_PID: pid})
    scope_logs: Json = {"scope": {"name": "agentops.session", "version": __version__}, "logRecords": [record]}
    return dump({"resourceLogs": [{"resource": {"attributes": resource}, "scopeLogs": [scope_logs]}]})


def encode_open_root(root: OpenRoot) -> bytes:
    """A line that is no OTLP: the root as it stands, without an end, for `spool.roots`. Without a line end."""
    span = _span(root.span)
    span.pop("endTimeUnixNano", None)
    resources = by_resource([(root.span.resource, root.span.instrumentation_scope or None, span)], "scopeSpans", "spans")
    return dump({OPEN_ROOT: {"lastEndUnixNano": str(root.last_end), "resourceSpans": resources}})


def attributes(values: Mapping[str, object] | None) -> list[Json]:
    """OTLP KeyValues. Never raises: a value that cannot be encoded is named by its type."""
    return [{"key": _text(key), "value": any_value(value)} if key else {"value": any_value(value)} for key, value in (values or {}).items()]


def any_value(value: object) -> Json:
    """An OTLP AnyValue. Never raises: a value that cannot be encoded is named by its type."""
    try:
        return _value(value)
    except Exception as error:
        swallowed("store.encode", error)
        return {"stringValue": f"<{type(value).__qualname__}>"}


def _value(value: object) -> Json:
    if isinstance(value, str):
        return {"stringValue": _text(value)}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue" if value in _INT64 else "stringValue": str(int(value))}
    if isinstance(value, float):
        return {"doubleValue": _double(float(value))}
    if value is None:
        return {}
    if isinstance(value, bytes):
        return {"bytesValue": b64encode(value).decode("ascii")}
    if isinstance(value, Sequence):
        items = [_value(item) for item in cast("Sequence[object]", value)]
        return {"arrayValue": {"values": items} if items else {}}
    if isinstance(value, Mapping):
        pairs = attributes({str(key): item for key, item in cast("Mapping[object, object]", value).items()})
        return {"kvlistValue": {"values": pairs} if pairs else {}}
    return {"stringValue": _text(str(value))}


def _double(value: float) -> float | str:
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _text(value: str) -> str:
    # An enum that is a string prints its member's name; its content is what was recorded.
    return value if type(value) is str else str.__str__(value)


def _span(span: ReadableSpan) -> Json:
    context = span.get_span_context()
    encoded: Json = {}
    if context is not None:
        encoded["traceId"] = f"{context.trace_id:032x}"
        encoded["spanId"] = f"{context.span_id:016x}"
        put(encoded, "traceState", ",".join(f"{key}={value}" for key, value in context.trace_state.items()))
    if span.parent is not None:
        encoded["parentSpanId"] = f"{span.parent.span_id:016x}"
    encoded["flags"] = _flags(span.parent)
    put(encoded, "name", _text(span.name))
    encoded["kind"] = span.kind.value + 1
    put(encoded, "startTimeUnixNano", str(span.start_time or ""))
    put(encoded, "endTimeUnixNano", str(span.end_time or ""))
    put(encoded, "attributes", attributes(span.attributes))
    put(encoded, "droppedAttributesCount", span.dropped_attributes)
    put(encoded, "events", [_event(event) for event in span.events])
    put(encoded, "droppedEventsCount", span.dropped_events)
    put(encoded, "links", [_link(link) for link in span.links])
    put(encoded, "droppedLinksCount", span.dropped_links)
    status: Json = {}
    put(status, "code", span.status.status_code.value)
    put(status, "message", span.status.description)
    encoded["status"] = status
    return encoded


def _event(event: Event) -> Json:
    encoded: Json = {}
    put(encoded, "timeUnixNano", str(event.timestamp or ""))
    put(encoded, "name", event.name)
    put(encoded, "attributes", attributes(event.attributes))
    put(encoded, "droppedAttributesCount", event.dropped_attributes)
    return encoded


def _link(link: Link) -> Json:
    encoded: Json = {"traceId": f"{link.context.trace_id:032x}", "spanId": f"{link.context.span_id:016x}"}
    put(encoded, "attributes", attributes(link.attributes))
    put(encoded, "droppedAttributesCount", link.dropped_attributes)
    encoded["flags"] = _flags(link.context)
    return encoded


def put(target: Json, key: str, value: object) -> None:
    """The proto3 JSON mapping leaves default values out."""
    if value:
        target[key] = value


def _flags(context: SpanContext | None) -> int:
    return _HAS_IS_REMOTE | _IS_REMOTE if context is not None and context.is_remote else _HAS_IS_REMOTE


def by_resource(encoded: Sequence[Encoded], scopes_key: str, items_key: str) -> list[Json]:
    """Items of one signal grouped by resource, then by scope, under the names that the signal's OTLP message has for them."""
    keys: dict[int, Resource] = {}
    grouped: dict[Resource, _Scopes] = {}
    for item_resource, scope, item in encoded:
        # A resource hashes by dumping all its attributes, so it is looked up by identity first.
        resource = keys.setdefault(id(item_resource), item_resource)
        grouped.setdefault(resource, {}).setdefault(scope, []).append(item)
    return [_of_resource(resource, scopes, scopes_key, items_key) for resource, scopes in grouped.items()]


def _of_resource(resource: Resource, scopes: _Scopes, scopes_key: str, items_key: str) -> Json:
    encoded_resource: Json = {}
    put(encoded_resource, "attributes", attributes(resource.attributes))
    encoded: Json = {"resource": encoded_resource, scopes_key: [_of_scope(scope, items, items_key) for scope, items in scopes.items()]}
    put(encoded, "schemaUrl", resource.schema_url)
    return encoded


def _of_scope(scope: InstrumentationScope | None, items: list[Json], items_key: str) -> Json:
    encoded_scope: Json = {}
    encoded: Json = {"scope": encoded_scope, items_key: items}
    if scope is not None:
        put(encoded_scope, "name", scope.name)
        put(encoded_scope, "version", scope.version)
        put(encoded_scope, "attributes", attributes(scope.attributes))
        put(encoded, "schemaUrl", scope.schema_url)
    return encoded


def dump(data: Json) -> bytes:
    """JSON in UTF-8, whatever text is inside."""
    try:
        return _encoder.encode(data)
    except UnicodeEncodeError:
        return _encoder.encode(_without_surrogates(data))


def _without_surrogates(data: object) -> object:
    """The same with surrogate pairs joined and lone surrogates as U+FFFD, since JSON in UTF-8 has no place for them."""
    if isinstance(data, str):
        return data.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(data, list):
        return [_without_surrogates(item) for item in cast("list[object]", data)]
    if isinstance(data, dict):
        return {key: _without_surrogates(value) for key, value in cast("dict[str, object]", data).items()}
    return data
