"""The AgentOps exporters against a receiver that behaves as badly as told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult

from agentops import config
from agentops.export.backend import AgentOpsSpanExporter, claim
from agentops.export.transport import beside
from agentops_instrumentors.core import guard
from tests.e2e.combinations import KEY
from tests.fakes.otlp_sink import Behaviour, OtlpSink

if TYPE_CHECKING:
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan


@pytest.fixture(autouse=True)
def nothing_said_nor_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_said", set())
    monkeypatch.setattr(config, "_current", None)


@pytest.fixture
def ended() -> list[ReadableSpan]:
    """One ended span."""
    span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("work")
    span.end()
    return [span]  # type: ignore[list-item]


def exporter(sink: OtlpSink, **how: object) -> AgentOpsSpanExporter:
    return AgentOpsSpanExporter(endpoint=f"{sink.url}/v1/traces", api_key=KEY, claimed=True, **how)  # type: ignore[arg-type]


def test_a_span_arrives_compressed_under_our_headers_alone(
    otlp_sink: OtlpSink, ended: list[ReadableSpan], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password other", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-vendor-key=secret")
    assert exporter(otlp_sink).export(ended) is SpanExportResult.SUCCESS
    (request,) = otlp_sink.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-encoding"] == "gzip"
    assert request.headers["user-agent"].startswith("agentops-opentelemetry/")
    assert "x-vendor-key" not in request.headers


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_pass_is_tried_again(
    otlp_sink: OtlpSink, ended: list[ReadableSpan], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    otlp_sink.behave(Behaviour(status=status), times=1)
    assert exporter(otlp_sink).export(ended) is SpanExportResult.SUCCESS
    assert len(otlp_sink.requests) == 2
    assert len(otlp_sink.spans()) == 1
    assert caplog.messages == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 500])
def test_what_is_refused_is_said_once_and_not_tried_again(
    otlp_sink: OtlpSink, ended: list[ReadableSpan], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    otlp_sink.behave(Behaviour(status=status))
    sending = exporter(otlp_sink)
    assert sending.export(ended) is SpanExportResult.FAILURE
    assert sending.export(ended) is SpanExportResult.FAILURE
    assert len(otlp_sink.requests) == 2
    (message,) = caplog.messages
    assert str(status) in message
    assert KEY not in message


def test_a_redirect_is_not_followed_with_the_key(otlp_sink: OtlpSink, ended: list[ReadableSpan]) -> None:
    with OtlpSink() as elsewhere:
        otlp_sink.behave(Behaviour(redirect=f"{elsewhere.url}/v1/traces"))
        assert exporter(otlp_sink).export(ended) is SpanExportResult.FAILURE
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    "behaviour", [Behaviour(hang=True), Behaviour(status=503), Behaviour(drop=True), Behaviour(status=503, retry_after=60)]
)
def test_the_deadline_holds_whatever_the_receiver_does(
    otlp_sink: OtlpSink, ended: list[ReadableSpan], behaviour: Behaviour, caplog: pytest.LogCaptureFixture
) -> None:
    otlp_sink.behave(behaviour)
    assert exporter(otlp_sink, timeout=0.5).export(ended) is SpanExportResult.FAILURE
    assert len(caplog.messages) == 1
    otlp_sink.behave(Behaviour())
    assert exporter(otlp_sink).export(ended) is SpanExportResult.SUCCESS


def test_shutdown_ends_the_waiting(otlp_sink: OtlpSink, ended: list[ReadableSpan]) -> None:
    sending = exporter(otlp_sink, timeout=60)
    sending.shutdown()
    assert sending.export(ended) is SpanExportResult.FAILURE
    assert otlp_sink.requests == []


def test_without_a_key_nothing_is_sent(otlp_sink: OtlpSink, ended: list[ReadableSpan], caplog: pytest.LogCaptureFixture) -> None:
    sending = AgentOpsSpanExporter(endpoint=f"{otlp_sink.url}/v1/traces", claimed=True)
    assert sending.export(ended) is SpanExportResult.FAILURE
    assert otlp_sink.requests == []
    assert "AGENTOPS_API_KEY" in caplog.messages[0]


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
