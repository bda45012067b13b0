"""OTLP's protobuf as OTLP's JSON. Needs the package opentelemetry-proto, which every OTLP exporter over HTTP brings along."""

from __future__ import annotations

import json
from base64 import b64decode
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from google.protobuf.message import Message

# JSON of protobuf has these in base64, OTLP's JSON in hex.
_IDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})


def as_json(signal: str, body: bytes) -> bytes:
    """An export request of `signal` (traces, metrics or logs) as one line. Raises ValueError for what is none."""
    from google.protobuf.json_format import MessageToDict
    from google.protobuf.message import DecodeError

    message = _request_types()[signal]()
    try:
        message.ParseFromString(body)
    except DecodeError as error:
        raise ValueError(str(error)) from error
    return json.dumps(_with_hex_ids(MessageToDict(message, use_integers_for_enums=True))).encode()


def status(code: int, message: str) -> bytes:
    """The body of a refusal in protobuf: a `google.rpc.Status`."""
    from google.rpc.status_pb2 import Status

    return Status(code=code, message=message).SerializeToString()


def status_json(code: int, message: str) -> bytes:
    """The same in JSON."""
    return json.dumps({"code": code, "message": message}).encode()


@lru_cache(maxsize=1)
def _request_types() -> dict[str, type[Message]]:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    return {"traces": ExportTraceServiceRequest, "metrics": ExportMetricsServiceRequest, "logs": ExportLogsServiceRequest}


def _with_hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_hex_ids(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return {key: b64decode(inner).hex() if key in _IDS else _with_hex_ids(inner) for key, inner in pairs}
    return value
