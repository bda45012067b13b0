"""`validate_trace_spans` against a backend on a real socket, and against the local store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import agentops
from agentops.config import configure_settings, settings
from agentops.exceptions import ApiServerException, InvalidApiKeyException, ValidationError
from agentops.validation import check_llm_spans, get_jwt_token, get_trace_details, get_trace_metrics
from tests.fakes.agentops_backend import FakeAgentOps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.openai_server import FakeOpenAI
    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

KEY = "0f6f0e3a-61f1-4c2f-9a58-1d7a3a0f7b11"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def backend() -> Iterator[FakeAgentOps]:
    before = settings()
    with FakeAgentOps(KEY) as server:
        configure_settings(endpoint=server.url)
        yield server
    configure_settings(endpoint=before.endpoint)


def test_a_trace_that_is_there(backend: FakeAgentOps, capsys: pytest.CaptureFixture[str]) -> None:
    backend.add(TRACE, ["invoke_workflow w", "chat gpt-4o"], total_tokens=12)
    result = agentops.validate_trace_spans(trace_id=TRACE, api_key=KEY)
    assert (result["trace_id"], result["span_count"], result["source"]) == (TRACE, 2, "agentops")
    assert (result["has_llm_spans"], result["llm_span_names"]) == (True, ["chat gpt-4o"])
    assert result["metrics"]["total_tokens"] == 12
    agentops.print_validation_summary(result)
    assert capsys.readouterr().out.splitlines() == [
        f"Trace {TRACE}: 2 spans (agentops)",
        "LLM calls: chat gpt-4o",
        "Tokens: 12, cost: 0.0000000",
    ]


def test_an_id_may_be_a_uuid_and_a_trace_may_arrive_late(backend: FakeAgentOps) -> None:
    backend.add(TRACE, ["x.session", "openai.chat.completion"], total_tokens=1, after=2)
    result = agentops.validate_trace_spans("0af76519-16cd-43dd-8448-eb211c80319c", retry_delay=0.01, api_key=KEY)
    assert result["has_llm_spans"]


@pytest.mark.parametrize(
    ("names", "arguments", "said"),
    [
        ([], {}, "has 0 spans, expected at least 1"),
        (["a", "b"], {"min_spans": 3}, "has 2 spans, expected at least 3"),
        (["a", "b"], {}, "no LLM spans among its 2 spans"),
    ],
)
def test_what_is_missing_is_said(backend: FakeAgentOps, names: list[str], arguments: dict[str, int], said: str) -> None:
    backend.add(TRACE, names)
    with pytest.raises(ValidationError, match=said):
        agentops.validate_trace_spans(TRACE, max_retries=2, retry_delay=0.01, api_key=KEY, **arguments)
    if names and not arguments:
        assert agentops.validate_trace_spans(TRACE, check_llm=False, api_key=KEY)["span_count"] == 2


def test_a_refused_key_and_a_backend_that_is_away(backend: FakeAgentOps) -> None:
    with pytest.raises(InvalidApiKeyException, match="HTTP 404"):
        agentops.validate_trace_spans(TRACE, api_key="11111111-1111-1111-1111-111111111111")
    backend.stop()
    with pytest.raises(ApiServerException, match="did not answer"):
        agentops.validate_trace_spans(TRACE, api_key=KEY)


def test_helpers(backend: FakeAgentOps) -> None:
    backend.add(TRACE, ["chat x"], total_tokens=3)
    token = get_jwt_token(KEY)
    assert [span["span_name"] for span in get_trace_details(TRACE, token)["spans"]] == ["chat x"]
    assert get_trace_metrics(TRACE, token)["total_tokens"] == 3
    with pytest.raises(ApiServerException, match="HTTP 400"):
        get_trace_details(TRACE, "another")
    assert check_llm_spans([{"span_name": "x", "span_attributes": {"gen_ai.request.model": "m"}}]) == (True, ["x"])


def test_without_a_trace() -> None:
    with pytest.raises(ValueError, match="no trace to validate"):
        agentops.validate_trace_spans(api_key=KEY)


LOCAL = """
import agentops, openai
agentops.init(auto_start_session=False)
with agentops.start_trace("w") as trace:
    openai.OpenAI().chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])
result = agentops.validate_trace_spans(trace_context=trace, retry_delay=0.05)
assert (result["span_count"], result["source"], result["llm_span_names"]) == (2, "local", ["chat gpt-4o"]), result
assert result["metrics"]["total_tokens"] > 0
agentops.print_validation_summary(result)
try:
    agentops.validate_trace_spans(trace_id="f" * 32, max_retries=1)
except agentops.ValidationError as error:
    print(error)
"""


def test_against_the_local_store(run_python: PythonRunner, openai_server: FakeOpenAI) -> None:
    done = run_python(LOCAL, env={"OPENAI_BASE_URL": openai_server.base_url, "OPENAI_API_KEY": "test"})
    assert "2 spans (local)" in done.stdout
    assert "has 0 spans, expected at least 1 (local)" in done.stdout


def test_where_nobody_can_be_asked_it_is_skipped(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    program = """
import agentops
session = agentops.init()
result = agentops.validate_trace_spans(trace_context=session)
assert result["validation_skipped"] and "neither" in result["reason"] and result["span_count"] == 0
"""
    run_python(program, env={"OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url})
