"""The AgentOps exporters against a backend that enforces its protocol and behaves as badly as told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult

from agentops import config
from agentops.export import tokens
from agentops.export.backend import AgentOpsLogExporter, AgentOpsMetricExporter, AgentOpsSpanExporter, claim
from agentops.export.transport import beside
from agentops_instrumentors.core import guard
from tests.fakes.agentops_backend import AUTH, FakeAgentOps
from tests.fakes.otlp_sink import Behaviour, OtlpSink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

OTHER_KEY = "99999999-9999-4999-8999-999999999999"


@pytest.fixture(autouse=True)
def nothing_said_nor_set(agentops_backend: FakeAgentOps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_said", set())
    monkeypatch.setattr(tokens, "_known", {})
    monkeypatch.setattr(config, "_current", config.Settings(endpoint=agentops_backend.url))


@pytest.fixture
def ended() -> list[ReadableSpan]:
    """One ended span."""
    return spans(1)


@pytest.fixture
def sending(agentops_backend: FakeAgentOps) -> Iterator[AgentOpsSpanExporter]:
    exporter = made(agentops_backend)
    yield exporter
    agentops_backend.release()
    exporter.shutdown(100)


def spans(count: int, **attributes: Any) -> list[ReadableSpan]:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("agentops.test")
    found = [tracer.start_span(f"work {number}", attributes=attributes) for number in range(count)]
    for span in found:
        span.end()
    return found  # type: ignore[return-value]


def made(backend: OtlpSink, key: str = "", **how: Any) -> AgentOpsSpanExporter:
    key = key or backend.keys[0]  # type: ignore[attr-defined]
    return AgentOpsSpanExporter(endpoint=f"{backend.url}/v1/traces", api_key=key, claimed=True, **how)


def test_the_key_buys_a_token_and_the_token_goes_with_the_data(
    agentops_backend: FakeAgentOps,
    sending: AgentOpsSpanExporter,
    ended: list[ReadableSpan],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password other", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-vendor-key=secret")
    assert sending.export(ended) is SpanExportResult.SUCCESS
    assert sending.export(ended) is SpanExportResult.SUCCESS
    assert sending.force_flush()
    asked, *sent = agentops_backend.requests
    assert (asked.method, asked.path, asked.json()) == ("POST", AUTH, {"api_key": agentops_backend.keys[0]})
    assert "authorization" not in asked.headers
    (token,) = agentops_backend.tokens.given
    assert [request.headers["authorization"] for request in sent] == [f"Bearer {token}"] * 2
    assert {request.headers["content-encoding"] for request in sent} == {"gzip"}
    assert all(request.headers["user-agent"].startswith("agentops-opentelemetry/") for request in [asked, *sent])
    assert agentops_backend.foreign_headers() == set()
    project = agentops_backend.tokens.project(agentops_backend.keys[0])
    assert {span.resource["agentops.project.id"] for span in agentops_backend.spans()} == {project}
    assert sending.counts().delivered == 2
    assert caplog.messages == []


def test_metrics_and_logs_speak_the_same_protocol(agentops_backend: FakeAgentOps) -> None:
    own: dict[str, Any] = {"api_key": agentops_backend.keys[0], "claimed": True}
    reader = PeriodicExportingMetricReader(AgentOpsMetricExporter(endpoint=f"{agentops_backend.url}/v1/metrics", **own))
    meters = MeterProvider([reader], shutdown_on_exit=False)
    meters.get_meter("m").create_counter("things").add(1)
    loggers = LoggerProvider(shutdown_on_exit=False)
    loggers.add_log_record_processor(SimpleLogRecordProcessor(AgentOpsLogExporter(endpoint=f"{agentops_backend.url}/v1/logs", **own)))
    loggers.get_logger("l").emit(LogRecord(body="said", severity_number=SeverityNumber.INFO))
    assert meters.force_flush()
    meters.shutdown()
    loggers.shutdown()
    metric = agentops_backend.metrics("things")[-1]
    (log,) = agentops_backend.logs()
    assert (metric.points[0].value, log.body) == (1, "said")
    assert agentops_backend.authentications == 1


def test_what_is_exported_before_the_first_token_waits_for_it(
    agentops_backend: FakeAgentOps, sending: AgentOpsSpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    agentops_backend.behave(Behaviour(status=503, retry_after=1), AUTH, times=1)
    began = time.monotonic()
    for span in spans(20):
        assert sending.export([span]) is SpanExportResult.SUCCESS
    assert time.monotonic() - began < 1
    assert sending.force_flush()
    assert len(agentops_backend.spans()) == 20
    assert [request for request in agentops_backend.requests if request.path != AUTH and "authorization" not in request.headers] == []
    (message,) = caplog.messages
    assert "kept for later" in message
    assert "503" in message


def test_an_expired_token_is_renewed_once(
    agentops_backend: FakeAgentOps, sending: AgentOpsSpanExporter, ended: list[ReadableSpan], caplog: pytest.LogCaptureFixture
) -> None:
    sending.export(ended)
    assert sending.force_flush()
    agentops_backend.tokens.expire()
    sending.export(ended)
    assert sending.force_flush()
    assert len(agentops_backend.spans()) == 2
    assert agentops_backend.authentications == 2
    assert caplog.messages == []


def test_a_revoked_key_is_said_once_and_asked_for_once_more(
    agentops_backend: FakeAgentOps, sending: AgentOpsSpanExporter, ended: list[ReadableSpan], caplog: pytest.LogCaptureFixture
) -> None:
    sending.export(ended)
    assert sending.force_flush()
    agentops_backend.tokens.revoke(agentops_backend.keys[0])
    for _ in range(3):
        sending.export(ended)
    assert sending.force_flush()
    assert agentops_backend.authentications == 2
    assert sending.counts().dropped == {"the API key is refused": 3}
    (message,) = caplog.messages
    assert "was revoked; set AGENTOPS_API_KEY to a new one" in message
    assert agentops_backend.keys[0] not in message


@pytest.mark.parametrize(
    ("key", "said"), [("not-a-key", "is malformed: set AGENTOPS_API_KEY"), (OTHER_KEY, "does not know the API key 9999…(36 characters)")]
)
def test_a_key_that_is_refused_is_said_once_with_what_to_do(
    agentops_backend: FakeAgentOps, ended: list[ReadableSpan], key: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    sending = made(agentops_backend, key)
    sending.export(ended)
    sending.export(ended)
    sending.shutdown()
    assert agentops_backend.authentications == 1
    assert agentops_backend.counts().keys() == {AUTH}
    (message,) = caplog.messages
    assert said in message
    assert key not in message
    assert sending.counts().dropped == {"the API key is refused": 2}


def test_a_fresh_token_that_is_refused_too_is_the_end_of_it(
    agentops_backend: FakeAgentOps, sending: AgentOpsSpanExporter, ended: list[ReadableSpan], caplog: pytest.LogCaptureFixture
) -> None:
    agentops_backend.behave(Behaviour(status=403), "/v1/traces")
    sending.export(ended)
    sending.export(ended)
    assert sending.force_flush()
    assert (agentops_backend.counts()["/v1/traces"], agentops_backend.authentications) == (2, 2)
    (message,) = caplog.messages
    assert "AGENTOPS_API_ENDPOINT" in message
    assert "AGENTOPS_EXPORTER_ENDPOINT" in message


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"token": ""}', b'{"token": "a\\nb"}', b'{"token": 5}', b"\xff"])
def test_an_answer_without_a_token_is_tried_again(
    agentops_backend: FakeAgentOps, sending: AgentOpsSpanExporter, ended: list[ReadableSpan], answer: bytes
) -> None:
    agentops_backend.behave(Behaviour(message=answer.decode("latin-1")), AUTH, times=1)
    sending.export(ended)
    assert sending.force_flush()
    assert len(agentops_backend.spans()) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(
    agentops_backend: FakeAgentOps, sending: AgentOpsSpanExporter, ended: list[ReadableSpan], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    agentops_backend.behave(Behaviour(status=status), times=1)
    sending.export(ended)
    assert sending.force_flush()
    assert agentops_backend.counts()["/v1/traces"] == 2
    assert len(agentops_backend.spans()) == 1
    (message,) = caplog.messages
    assert str(status) in message


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_what_is_refused_is_said_once_and_not_tried_again(
    agentops_backend: FakeAgentOps, sending: AgentOpsSpanExporter, ended: list[ReadableSpan], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    agentops_backend.behave(Behaviour(status=status))
    sending.export(ended)
    sending.export(ended)
    assert sending.force_flush()
    assert agentops_backend.counts()["/v1/traces"] == 2
    (message,) = caplog.messages
    assert f"HTTP {status}" in message
    assert sending.counts().dropped == {f"HTTP {status}": 2}


def test_a_redirect_is_said_and_not_followed_with_the_token(
    agentops_backend: FakeAgentOps, sending: AgentOpsSpanExporter, ended: list[ReadableSpan], caplog: pytest.LogCaptureFixture
) -> None:
    with OtlpSink() as elsewhere:
        agentops_backend.behave(Behaviour(redirect=f"{elsewhere.url}/v1/traces"))
        sending.export(ended)
        assert sending.force_flush()
        assert elsewhere.requests == []
        assert f"redirects to {elsewhere.url}/v1/traces, which is not followed" in caplog.text
        assert sending.counts().dropped == {"HTTP 307": 1}


def test_an_api_endpoint_that_redirects_gets_no_key_carried_on(
    agentops_backend: FakeAgentOps, sending: AgentOpsSpanExporter, ended: list[ReadableSpan], caplog: pytest.LogCaptureFixture
) -> None:
    with OtlpSink() as elsewhere:
        agentops_backend.behave(Behaviour(redirect=elsewhere.url), AUTH)
        sending.export(ended)
        assert sending.force_flush()
        assert elsewhere.requests == []
    (message,) = caplog.messages
    assert "set AGENTOPS_API_ENDPOINT" in message


def test_a_partial_success_is_reported_and_counted(
    agentops_backend: FakeAgentOps, sending: AgentOpsSpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    agentops_backend.behave(Behaviour(rejected=2, message="too old"))
    sending.export(spans(3))
    sending.export(spans(3))
    assert sending.force_flush()
    (message,) = caplog.messages
    assert "rejected 2 spans: too old" in message
    assert (sending.counts().delivered, sending.counts().dropped) == (2, {"rejected by the receiver": 4})


def test_a_warning_beside_a_success_is_passed_on(
    agentops_backend: FakeAgentOps, sending: AgentOpsSpanExporter, ended: list[ReadableSpan], caplog: pytest.LogCaptureFixture
) -> None:
    agentops_backend.behave(Behaviour(message="the quota is nearly used up"))
    sending.export(ended)
    assert sending.force_flush()
    assert "the quota is nearly used up" in caplog.text
    assert sending.counts().delivered == 1


def test_a_batch_beyond_the_receivers_limit_arrives_in_parts(
    agentops_backend: FakeAgentOps, sending: AgentOpsSpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    agentops_backend.max_request_bytes = 4000
    sending.export(spans(50, text="x" * 300))
    assert sending.force_flush()
    assert len({span.span_id for span in agentops_backend.spans()}) == len(agentops_backend.spans()) == 50
    assert caplog.messages == []


def test_a_span_beyond_the_limit_arrives_cut(
    agentops_backend: FakeAgentOps, sending: AgentOpsSpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    agentops_backend.max_request_bytes = 6000
    sending.export(spans(1, long="é" * 50_000, short="kept"))
    assert sending.force_flush()
    (span,) = agentops_backend.spans()
    assert span.attributes["short"] == "kept"
    assert "bytes cut)" in span.attributes["long"]
    (message,) = caplog.messages
    assert "longest texts are cut" in message


@pytest.mark.parametrize(
    "behaviour", [Behaviour(hang=True), Behaviour(status=503), Behaviour(drop=True), Behaviour(status=503, retry_after=60)]
)
@pytest.mark.parametrize("path", [AUTH, "/v1/traces"])
def test_the_deadline_holds_whatever_the_receiver_does_and_nothing_is_lost_before(
    agentops_backend: FakeAgentOps, ended: list[ReadableSpan], behaviour: Behaviour, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    agentops_backend.behave(behaviour, path)
    sending = made(agentops_backend, timeout=0.4)
    assert sending.export(ended) is SpanExportResult.SUCCESS
    assert not sending.force_flush(50)
    assert sending.counts().waiting == 1
    sending.shutdown()
    assert sending.counts().dropped == {"not sent before the end": 1}
    assert len(caplog.messages) <= 2
    assert "1 spans for AgentOps could not be sent before the end" in caplog.messages[-1]
    assert sending.export(ended) is SpanExportResult.FAILURE


def test_what_waits_arrives_when_the_receiver_is_back(
    agentops_backend: FakeAgentOps, sending: AgentOpsSpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    agentops_backend.behave(Behaviour(drop=True), "/v1/traces", times=2)
    for span in spans(5):
        sending.export([span])
    assert sending.force_flush()
    assert len(agentops_backend.spans()) == 5
    assert len(caplog.messages) == 1


def test_without_a_key_nothing_is_sent(agentops_backend: FakeAgentOps, ended: list[ReadableSpan], caplog: pytest.LogCaptureFixture) -> None:
    sending = AgentOpsSpanExporter(endpoint=f"{agentops_backend.url}/v1/traces", claimed=True)
    assert sending.export(ended) is SpanExportResult.FAILURE
    sending.shutdown()
    assert agentops_backend.requests == []
    assert "AGENTOPS_API_KEY" in caplog.messages[0]


def test_a_certificate_bundle_that_is_none_is_named(
    agentops_backend: FakeAgentOps, ended: list[ReadableSpan], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    monkeypatch.setattr(config, "_current", config.Settings(endpoint=agentops_backend.url.replace("http://", "https://")))
    sending = made(agentops_backend, timeout=0.2)
    sending.export(ended)
    sending.shutdown()
    assert "REQUESTS_CA_BUNDLE='/nowhere/ca.pem' is no certificate bundle" in caplog.messages[0]


@pytest.mark.parametrize("endpoint", ["http://[::1", "http://127.0.0.1:99999", "https://127.0.0.1:1"])
def test_an_endpoint_that_cannot_be_used_is_named_and_nothing_is_raised(
    ended: list[ReadableSpan], endpoint: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(config, "_current", config.Settings(endpoint=endpoint))
    sending = AgentOpsSpanExporter(api_key=OTHER_KEY, timeout=0.2, claimed=True)
    assert sending.export(ended) is SpanExportResult.SUCCESS
    sending.shutdown()
    assert endpoint in caplog.messages[0]


def test_an_exporter_is_claimed_once() -> None:
    while claim(AgentOpsSpanExporter):
        pass
    kept = AgentOpsSpanExporter()
    assert [claim(AgentOpsSpanExporter), claim(AgentOpsSpanExporter)] == [True, False]
    del kept


@pytest.mark.parametrize(
    ("traces", "signal", "expected"),
    [
        ("https://otlp.agentops.ai/v1/traces", "metrics", "https://otlp.agentops.ai/v1/metrics"),
        ("http://h:1/v1/traces/", "traces", "http://h:1/v1/traces"),
        ("http://h:1/base", "logs", "http://h:1/base/v1/logs"),
    ],
)
def test_metrics_and_logs_go_beside_the_traces(traces: str, signal: str, expected: str) -> None:
    assert beside(traces, signal) == expected
