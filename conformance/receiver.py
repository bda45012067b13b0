"""An OTLP/HTTP receiver that keeps what arrives as OTLP JSON lines, one file a signal and scenario."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final, cast

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.fakes.http import HttpServer, Reply, Request

if TYPE_CHECKING:
    from pathlib import Path

_MESSAGES: Final = {"traces": ExportTraceServiceRequest, "metrics": ExportMetricsServiceRequest, "logs": ExportLogsServiceRequest}
_IDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})


class Receiver(HttpServer):
    """The receiver. `file` is where the next export goes; `url` is for OTEL_EXPORTER_OTLP_*_ENDPOINT with a signal's path."""

    def __init__(self, file: Path) -> None:
        super().__init__(recording=False)
        self.file = file

    def respond(self, request: Request) -> Reply:
        message = _MESSAGES[request.path.rpartition("/")[2]]()
        body = gzip.decompress(request.body) if request.headers.get("content-encoding") == "gzip" else request.body
        message.ParseFromString(body)
        decoded = _with_hex_ids(MessageToDict(message, use_integers_for_enums=True))
        with self.file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(decoded) + "\n")
        return Reply(headers={"content-type": "application/x-protobuf"})


def _with_hex_ids(value: Any) -> Any:
    """JSON of protobuf has ids in base64, OTLP JSON in hex."""
    if isinstance(value, list):
        return [_with_hex_ids(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return {key: b64decode(inner).hex() if key in _IDS else _with_hex_ids(inner) for key, inner in pairs}
    return value
