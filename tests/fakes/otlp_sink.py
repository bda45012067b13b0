"""A real OTLP/HTTP receiver (protobuf, plain, gzip or deflate) that keeps what it accepted and behaves as badly as told."""

from __future__ import annotations

import gzip
import threading
import zlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.fakes.http import HttpServer, Reply, Request
from tests.fakes.otlp_values import SinkLog, SinkMetric, SinkPoint, SinkSpan, decode_logs, decode_metrics, decode_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Behaviour", "OtlpSink", "SinkLog", "SinkMetric", "SinkPoint", "SinkSpan"]

_SIGNALS: Final = ("/v1/traces", "/v1/metrics", "/v1/logs")
_HEADERS: Final = {"content-type": "application/x-protobuf"}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the sink treats an export. Only a 2xx without `redirect` and `hang` accepts its data.

    `delay` is in seconds; `rejected` and `message` make a partial_success; `drop` closes the connection without an answer.
    """

    status: int = 200
    delay: float = 0.0
    hang: bool = False
    drop: bool = False
    redirect: str = ""
    rejected: int = 0
    message: str = ""
    retry_after: int | None = None


class OtlpSink(HttpServer):
    """The receiver. `url` goes into OTEL_EXPORTER_OTLP_ENDPOINT; any path that ends in /v1/<signal> is served."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self._lock = threading.Lock()
        self._spans: list[SinkSpan] = []
        self._metrics: list[SinkMetric] = []
        self._logs: list[SinkLog] = []
        self._behaviours: dict[str, tuple[Behaviour, int | None]] = {}

    def behave(self, behaviour: Behaviour, path: str = "", times: int | None = None) -> None:
        """Treat exports to `path` (a signal's, such as /v1/traces; "" for all) so, from now on or for so many exports."""
        with self._lock:
            for signal in [path] if path else _SIGNALS:
                self._behaviours[signal] = (behaviour, times)

    def spans(self, name: str | None = None) -> list[SinkSpan]:
        """Accepted spans in order of arrival; copies count as often as they came."""
        with self._lock:
            return [span for span in self._spans if name is None or span.name == name]

    def metrics(self, name: str | None = None) -> list[SinkMetric]:
        with self._lock:
            return [metric for metric in self._metrics if name is None or metric.name == name]

    def logs(self, event_name: str | None = None) -> list[SinkLog]:
        with self._lock:
            return [log for log in self._logs if event_name is None or log.event_name == event_name]

    def wait_for_spans(self, count: int = 1, timeout: float = 10) -> list[SinkSpan]:
        """The spans once there are so many; AssertionError otherwise."""
        arrived = self.wait_for(lambda: len(self.spans()) >= count, timeout)
        assert arrived, f"{len(self.spans())} of {count} spans arrived in {timeout} s: {[span.name for span in self.spans()]}"
        return self.spans()

    def counts(self) -> Counter[str]:
        """Requests by path, refused ones included."""
        return Counter(request.path for request in self.requests)

    def clear(self) -> None:
        with self._lock:
            for kept in (self._spans, self._metrics, self._logs, self.exchanges):
                kept.clear()

    def respond(self, request: Request) -> Reply:
        signal = next((path for path in _SIGNALS if request.path.endswith(path)), None)
        if signal is None:
            return Reply(status=404)
        behaviour = self._next_behaviour(signal)
        if behaviour.redirect:
            return Reply(status=307, headers={"location": behaviour.redirect}, delay=behaviour.delay)
        if not 200 <= behaviour.status < 300 or behaviour.hang or behaviour.drop:
            headers = {} if behaviour.retry_after is None else {"retry-after": str(behaviour.retry_after)}
            return Reply(
                status=behaviour.status if behaviour.status >= 300 else 503,
                headers={**_HEADERS, **headers},
                delay=behaviour.delay,
                hang_after=-1 if behaviour.hang else None,
                disconnect_after=-1 if behaviour.drop else None,
            )
        if not request.headers.get("content-type", "").startswith("application/x-protobuf"):
            return Reply(status=415)
        try:
            self._accept_data(signal, inflated(request), self.resource_attributes(request))
        except (DecodeError, OSError, EOFError, zlib.error):
            return Reply(status=400)
        return Reply(status=behaviour.status, headers=_HEADERS, body=_acknowledgement(signal, behaviour), delay=behaviour.delay)

    def _next_behaviour(self, signal: str) -> Behaviour:
        with self._lock:
            behaviour, times = self._behaviours.get(signal, (Behaviour(), None))
            if times is not None:
                if times <= 0:
                    return Behaviour()
                self._behaviours[signal] = (behaviour, times - 1)
            return behaviour

    def resource_attributes(self, request: Request) -> Mapping[str, Any]:
        """What the receiver itself adds to the resources of a request."""
        return {}

    def _accept_data(self, signal: str, data: bytes, resource: Mapping[str, Any]) -> None:
        kept, decode = {
            "/v1/traces": (self._spans, decode_spans),
            "/v1/metrics": (self._metrics, decode_metrics),
            "/v1/logs": (self._logs, decode_logs),
        }[signal]
        _extend(self._lock, kept, [replace(one, resource={**one.resource, **resource}) if resource else one for one in decode(data)])


def _extend(lock: threading.Lock, kept: list, more: list) -> None:
    with lock:
        kept.extend(more)


def inflated(request: Request) -> bytes:
    """The body without its compression."""
    inflate: Callable[[bytes], bytes] | None = {"gzip": gzip.decompress, "deflate": zlib.decompress}.get(
        request.headers.get("content-encoding", "")
    )
    return inflate(request.body) if inflate else request.body


def _acknowledgement(signal: str, behaviour: Behaviour) -> bytes:
    if not behaviour.rejected and not behaviour.message:
        return b""
    if signal == "/v1/traces":
        answer = ExportTraceServiceResponse()
        answer.partial_success.rejected_spans = behaviour.rejected
    elif signal == "/v1/metrics":
        answer = ExportMetricsServiceResponse()
        answer.partial_success.rejected_data_points = behaviour.rejected
    else:
        answer = ExportLogsServiceResponse()
        answer.partial_success.rejected_log_records = behaviour.rejected
    answer.partial_success.error_message = behaviour.message
    return answer.SerializeToString()
