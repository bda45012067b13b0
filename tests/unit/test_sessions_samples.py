"""Programs without sessions of their own, or with nothing that records them, run as they are against a real receiver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fakes.openai_server import FakeOpenAI
    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

SESSION_ID = """
import agentops
session_id = agentops.init()
# pass session_id to the other process
print(session_id)
assert agentops.init() is session_id
"""
OPEN = "Indeterminate"


def environment(sink: OtlpSink, **more: str) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", **more}


def test_what_init_returns_is_the_session_id(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    done = run_python(SESSION_ID, env=environment(otlp_sink))
    (root,) = otlp_sink.wait_for_spans(1)
    assert done.stdout.strip() == root.attributes["session.id"]


def test_a_program_that_knows_nothing_of_sessions_gets_one(
    run_python: PythonRunner, otlp_sink: OtlpSink, openai_server: FakeOpenAI
) -> None:
    program = """
import openai
client = openai.OpenAI()
for question in ("one", "two"):
    client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": question}])
"""
    env = environment(otlp_sink, OPENAI_BASE_URL=openai_server.base_url, OPENAI_API_KEY="test")
    run_python(program, env=env, instrument=True)
    spans = otlp_sink.wait_for_spans(3)
    (root,) = [span for span in spans if not span.parent_span_id]
    assert (root.name, root.attributes["agentops.session.end_state"]) == ("agentops.session", OPEN)
    assert {span.parent_span_id for span in spans if span is not root} == {root.span_id}
    otlp_sink.clear()
    run_python(program, env=env | {"AGENTOPS_AUTO_START_SESSION": "false"}, instrument=True)
    assert {span.name for span in otlp_sink.wait_for_spans(2)} == {"chat gpt-4o"}
    assert len(otlp_sink.spans()) == 2


@pytest.mark.parametrize(
    "variable", [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_SAMPLER", "always_off"), ("OTEL_TRACES_EXPORTER", "none")]
)
def test_where_nothing_is_recorded_sessions_work_as_well(run_python: PythonRunner, otlp_sink: OtlpSink, variable: tuple[str, str]) -> None:
    program = """
import agentops, uuid
session = agentops.init()
uuid.UUID(str(session))
with agentops.start_trace("w", tags={"a": 1}) as trace:
    trace.add_tags(["b"])
    assert trace.is_open
assert not trace.is_open and trace.session_id != session.session_id
agentops.end_trace(end_state="Fail")
assert not session.is_open
"""
    assert run_python(program, env=environment(otlp_sink) | dict([variable])).stderr == ""
    assert otlp_sink.spans() == []


def test_importing_loads_nothing_heavy(run_python: PythonRunner) -> None:
    program = """
import sys, agentops
heavy = ("opentelemetry.sdk", "msgspec", "rich", "openai", "agentops.sessions")
assert not [name for name in sys.modules if name.startswith(heavy)]
from agentops import *
assert init and Session is TraceContext and SUCCESS is TraceState.SUCCESS and __version__
assert not [name for name in sys.modules if name.startswith(heavy[:4])]
"""
    run_python(program)
