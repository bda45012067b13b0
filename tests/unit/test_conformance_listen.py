"""The OTLP/HTTP endpoint: real exporters send to it, and raw requests of every sort get the answer the protocol has for them."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import zlib
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from agentops_conformance import listen
from agentops_conformance.listen import Listener
from agentops_conformance.otlp import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

JSON = {"content-type": "application/json"}
PROTOBUF = {"content-type": "application/x-protobuf"}
SPAN = {"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174", "name": "chat m", "kind": 3, "unheardOf": 1}
TRACES = json.dumps({"resourceSpans": [{"scopeSpans": [{"scope": {"name": "s"}, "spans": [SPAN]}]}]}, indent=2).encode()


class Endpoint(Listener):
    """A listener with what it received."""

    def __init__(self) -> None:
        self.collector = Collector()
        self.lines: list[bytes] = []
        super().__init__(self.keep)

    def keep(self, line: bytes) -> bool:
        self.lines.append(line)
        return self.collector.add(line, "a test")

    def post(self, body: bytes, headers: dict[str, str], path: str = "/v1/traces") -> tuple[int, str, bytes]:
        """The answer's status, content type and body."""
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=10)
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers["content-type"], content


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as served:
        yield served


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate])
def test_every_signal_of_a_real_sdk_arrives(endpoint: Endpoint, compression: Compression) -> None:
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{endpoint.url}/v1/traces", compression=compression)))
    meters = MeterProvider(
        [PeriodicExportingMetricReader(OTLPMetricExporter(f"{endpoint.url}/v1/metrics", compression=compression), float("inf"))]
    )
    loggers = LoggerProvider()
    loggers.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{endpoint.url}/v1/logs", compression=compression)))
    with tracers.get_tracer("lib", "1.2").start_as_current_span("chat m", kind=SpanKind.CLIENT) as span:
        span.set_attribute("gen_ai.response.finish_reasons", ["stop"])
        loggers.get_logger("lib").emit(event_name="an.event", attributes={"a.b": 1})
        span.set_status(StatusCode.ERROR)
    meters.get_meter("lib").create_histogram("a.b", "s").record(0.5, {"c.d": True})
    assert meters.force_flush()
    for provider in (tracers, meters, loggers):
        provider.shutdown()

    got = endpoint.collector.telemetry()
    (span_read,), (record,), (metric,) = got.spans, got.records, got.metrics
    context = span.get_span_context()
    assert (span_read.trace_id, span_read.span_id) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert (span_read.kind, span_read.status, span_read.scope.name, span_read.scope.version) == ("client", "error", "lib", "1.2")
    assert span_read.attributes == {"gen_ai.response.finish_reasons": ["stop"]}
    assert (record.name, record.attributes, record.trace_id) == ("an.event", {"a.b": 1}, span_read.trace_id)
    assert (metric.name, metric.unit, metric.instrument, metric.points[0].attributes) == ("a.b", "s", "histogram", {"c.d": True})
    assert not got.unreadable


def test_what_is_handed_on_is_a_line_of_otlp_json_whatever_it_came_in(endpoint: Endpoint) -> None:
    message = ExportTraceServiceRequest()
    span = message.resource_spans.add().scope_spans.add().spans.add(name="chat m", trace_id=b"t" * 16, span_id=b"s" * 8)
    span.attributes.add(key="raw").value.bytes_value = b"\0\1"
    assert endpoint.post(message.SerializeToString(), PROTOBUF)[0] == 200
    assert endpoint.post(TRACES, JSON)[0] == 200
    first, second = (json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][0] for line in endpoint.lines)
    assert not any(b"\n" in line for line in endpoint.lines)
    assert (first["traceId"], first["spanId"]) == ((b"t" * 16).hex(), (b"s" * 8).hex())
    assert first["attributes"] == [{"key": "raw", "value": {"bytesValue": "AAE="}}]
    assert second == SPAN


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
def test_json_is_taken_with_every_encoding_and_answered_in_json(endpoint: Endpoint, encoding: str) -> None:
    body = {"gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}[encoding](TRACES)
    headers = {"content-type": "application/json; charset=utf-8", "content-encoding": encoding}
    assert endpoint.post(body, headers) == (200, "application/json", b"{}")
    (span,) = endpoint.collector.telemetry().spans
    assert (span.name, span.kind, span.trace_id) == ("chat m", "client", "5b8efff798038103d269b633813fc60c")


def test_protobuf_is_answered_in_protobuf_and_an_empty_export_is_one(endpoint: Endpoint) -> None:
    assert endpoint.post(b"", PROTOBUF) == (200, "application/x-protobuf", b"")


def test_a_body_in_chunks_is_read_and_the_connection_goes_on(endpoint: Endpoint) -> None:
    connection = HTTPConnection(endpoint.url.removeprefix("http://"), timeout=10)
    for _ in range(2):
        pieces = [TRACES[:10], TRACES[10:]]
        connection.request("POST", "/v1/traces", iter(pieces), {**JSON, "transfer-encoding": "chunked"}, encode_chunked=True)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"{}")
    connection.close()
    assert len(endpoint.collector.telemetry().spans) == 2


@pytest.mark.parametrize(
    ("body", "headers", "path", "status"),
    [
        (b"\xff\xff garbage", {}, "/v1/traces", 400),
        (b"never compressed", {"content-encoding": "gzip"}, "/v1/traces", 400),
        (gzip.compress(b"x" * 1000, mtime=0)[:20], {"content-encoding": "gzip"}, "/v1/traces", 400),
        (b"", {"content-encoding": "zstd"}, "/v1/traces", 415),
        (b"", {}, "/v1/profiles", 404),
        (b"", {}, "/", 404),
    ],
)
def test_a_refusal_says_why_in_what_the_client_speaks(
    endpoint: Endpoint, body: bytes, headers: dict[str, str], path: str, status: int
) -> None:
    code, kind, answer = endpoint.post(body, {**PROTOBUF, **headers}, path)
    refusal = Status.FromString(answer)
    assert (code, kind) == (status, "application/x-protobuf")
    assert refusal.code
    assert refusal.message

    code, kind, answer = endpoint.post(body, {**JSON, **headers}, path)
    assert (code, kind) == (status, "application/json")
    assert json.loads(answer).keys() == {"code", "message"}
    assert not endpoint.collector.telemetry().spans


@pytest.mark.parametrize(
    "body", [b"[]", b"{", b'{"resourceSpans": 1}', b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"kind": "X"}]}]}]}']
)
def test_json_that_is_not_otlp_is_refused(endpoint: Endpoint, body: bytes) -> None:
    assert endpoint.post(body, JSON)[0] == 400


def test_other_content_and_other_methods_are_refused(endpoint: Endpoint) -> None:
    assert endpoint.post(b"x", {"content-type": "text/plain"})[:2] == (415, "application/json")
    connection = HTTPConnection(endpoint.url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/v1/traces")
    assert connection.getresponse().status == 405
    connection.close()


def test_too_much_is_refused_before_it_is_read_and_before_it_is_inflated(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "_MAX_BYTES", 1000)
    assert endpoint.post(b"x" * 1001, JSON)[0] == 413
    assert endpoint.post(gzip.compress(b"x" * 100_000), {**JSON, "content-encoding": "gzip"})[0] == 413
    assert endpoint.post(TRACES, JSON)[0] == 200


def test_a_client_that_breaks_off_leaves_no_trace(endpoint: Endpoint, capfd: pytest.CaptureFixture[str]) -> None:
    host, _, port = endpoint.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"POST /v1/traces HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
    assert endpoint.post(TRACES, JSON)[0] == 200
    assert len(endpoint.collector.telemetry().spans) == 1
    assert capfd.readouterr() == ("", "")


def test_many_clients_at_once_lose_nothing_and_a_stop_waits_for_requests_under_way() -> None:
    with Endpoint() as served:
        threads = [threading.Thread(target=lambda: [served.post(TRACES, JSON) for _ in range(10)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(served.collector.telemetry().spans) == 40


def test_an_address_in_use_is_an_oserror(endpoint: Endpoint) -> None:
    with pytest.raises(OSError):
        Listener(lambda _: True, port=int(endpoint.url.rpartition(":")[2]))


def test_it_listens_on_ipv6_too() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with Listener(lambda _: True, "::1") as served:
        assert served.url.startswith("http://[::1]:")
        connection = HTTPConnection("::1", int(served.url.rpartition(":")[2]), timeout=10)
        connection.request("POST", "/v1/traces", b"", PROTOBUF)
        assert connection.getresponse().status == 200
        connection.close()
