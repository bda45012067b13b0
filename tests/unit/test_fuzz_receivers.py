"""Whatever an OTLP receiver answers: exporting never raises or waits, shutting down ends in time, and every span is accounted for."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult

from agentops import config
from agentops.doctor import answers
from agentops.export.backend import AgentOpsSpanExporter
from agentops.export.transport import partial_success
from tests.fakes.http import HttpServer, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

USUAL = 25
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", USUAL))
PATIENCE = 0.3
KEY = "00000000-1111-2222-3333-{:012d}"


def acknowledgement(rejected: int, message: str) -> bytes:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = rejected
    answer.partial_success.error_message = message
    return answer.SerializeToString()


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.builds(acknowledgement, st.integers(-(2**63), 2**63 - 1), TEXT),
    st.sampled_from(
        [
            b"",
            b"{}",
            b'{"token": 1}',
            b'{"token": "a.b.c"}',
            b'{"token": "a\\nb"}',
            b'{"partialSuccess": {"rejectedSpans": "1"}}',
            b"[" * 500,
        ]
    ),
)
HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "Location", "Content-Type", "Content-Encoding", "Set-Cookie"]),
    st.sampled_from(
        ["0", "-1", "1e999", "nan", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", "gzip", "/elsewhere", "http://[::1", "application/json"]
    ),
    max_size=3,
)
REPLIES = st.one_of(
    st.builds(lambda status, headers, body: Reply(status=status, headers=headers, body=body), st.integers(200, 599), HEADERS, BODIES),
    st.builds(
        lambda position, abortive: Reply(body=b"x" * 9, disconnect_after=position, abortive=abortive), st.integers(-1, 1), st.booleans()
    ),
    st.builds(lambda data: Reply(verbatim=data), st.binary(max_size=60)),
)


class Strange(HttpServer):
    """Gives out tokens and takes spans as it was told to, over and over."""

    def __init__(self) -> None:
        super().__init__()
        self.token = self.taken = Reply()

    def respond(self, request: Request) -> Reply:
        return replace(self.token if "token" in request.path else self.taken)


@pytest.fixture(scope="module")
def strange() -> Iterator[Strange]:
    with Strange() as server:
        yield server


@pytest.fixture(scope="module")
def spans() -> list[ReadableSpan]:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("agentops.fuzz")
    made: list[Any] = []
    for name in ("one", "two"):
        span: Any = tracer.start_span(name)
        span.end()
        made.append(span)
    return made


@pytest.fixture
def endpoint(strange: Strange, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AGENTOPS_API_ENDPOINT", strange.url)
    monkeypatch.setattr(config, "_current", None)
    return f"{strange.url}/v1/traces"


keys = iter(range(10**9))


@settings(derandomize=EXAMPLES == USUAL, max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(token=st.one_of(st.just(Reply.json({"token": "a.b.c", "project_id": "p"})), REPLIES), taken=REPLIES)
def test_every_answer_is_taken_and_every_span_is_accounted_for(
    token: Reply, taken: Reply, strange: Strange, spans: list[ReadableSpan], endpoint: str
) -> None:
    strange.token, strange.taken = token, taken
    exporter = AgentOpsSpanExporter(endpoint=endpoint, api_key=KEY.format(next(keys)), timeout=PATIENCE, claimed=True)
    assert exporter.export(spans) is SpanExportResult.SUCCESS
    assert exporter.force_flush(PATIENCE * 200) in (True, False)
    started = time.monotonic()
    exporter.shutdown(timeout_millis=PATIENCE * 100)
    assert time.monotonic() - started < 5
    counts = exporter.counts()
    assert counts.delivered + sum(counts.dropped.values()) + counts.waiting == len(spans)
    assert exporter.export(spans) is SpanExportResult.FAILURE


@settings(derandomize=True, max_examples=200, deadline=None)
@given(body=BODIES, signal=st.sampled_from(["traces", "metrics", "logs"]))
def test_any_acknowledgement_is_read(body: bytes, signal: str) -> None:
    rejected, message = partial_success(signal, body)
    assert isinstance(rejected, int)
    assert isinstance(message, str)


@settings(derandomize=EXAMPLES == USUAL, max_examples=EXAMPLES, deadline=None)
@given(reply=REPLIES)
def test_the_doctor_takes_any_answer(reply: Reply, strange: Strange) -> None:
    strange.taken = reply
    found = answers.ask(f"{strange.url}/v1/traces", b"", {}, 2)
    assert found.said
    assert answers.refused(found, "traces", "VARIABLE", "HEADERS")


def test_a_good_answer_is_a_delivery(strange: Strange, spans: list[ReadableSpan], endpoint: str) -> None:
    strange.token, strange.taken = Reply.json({"token": "a.b.c", "project_id": "p"}), Reply()
    exporter = AgentOpsSpanExporter(endpoint=endpoint, api_key=KEY.format(next(keys)), claimed=True)
    exporter.export(spans)
    assert exporter.force_flush()
    assert exporter.counts().delivered == len(spans)
    exporter.shutdown()
