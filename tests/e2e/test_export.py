"""Whole programs against a backend with AgentOps' protocol, and what its dashboard then shows."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.fakes import agentops_dashboard as dashboard
from tests.fakes.agentops_backend import AUTH
from tests.fakes.otlp_sink import Behaviour

if TYPE_CHECKING:
    from tests.fakes.agentops_backend import FakeAgentOps
    from tests.fakes.openai_server import FakeOpenAI
    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

QUIET = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
WORK = """
import agentops, openai

@agentops.tool
def search(query):
    return {"hits": [query]}

@agentops.agent(name="researcher")
def research(question):
    search(question)
    messages = [{"role": "system", "content": "be kind"}, {"role": "user", "content": question}]
    return openai.OpenAI().chat.completions.create(model="gpt-4o", messages=messages).choices[0].message.content

@agentops.operation
def fetch(fails):
    if fails:
        raise ValueError("no luck")

agentops.init(auto_start_session=False)
with agentops.start_trace("good", tags=["a", "b"]):
    research("why")
try:
    with agentops.start_trace("bad"):
        fetch(True)
except ValueError:
    pass
left = agentops.start_trace("left open")
"""


def vendor(openai_server: FakeOpenAI) -> dict[str, str]:
    return {"OPENAI_BASE_URL": openai_server.base_url, "OPENAI_API_KEY": "test"}


@pytest.mark.parametrize("instrument", [True, False])
def test_the_dashboard_shows_sessions_agents_tools_chats_tokens_and_cost(
    run_python: PythonRunner, agentops_backend: FakeAgentOps, openai_server: FakeOpenAI, instrument: bool
) -> None:
    done = run_python(WORK, env={**agentops_backend.env, **vendor(openai_server)}, instrument=instrument)
    assert done.stderr == ""
    rows = agentops_backend.trace_list()
    assert [(row.name, row.tags, row.spans, row.errors) for row in rows] == [
        ("good.session", ["a", "b"], 4, 0),
        ("bad.session", [], 2, 2),
        ("left open.session", [], 1, 0),
    ]
    found = dashboard.metrics(agentops_backend.trace(rows[0].trace_id))
    (usage,) = [exchange.reply.payload["usage"] for exchange in openai_server.exchanges if exchange.reply]
    billed = (usage["prompt_tokens"], usage["completion_tokens"], usage["prompt_tokens"] + usage["completion_tokens"])
    assert (found["prompt_tokens"], found["completion_tokens"], found["total_tokens"]) == billed
    assert float(found["total_cost"]) > 0
    states = [span.status_code for row in rows for span in agentops_backend.trace(row.trace_id) if span.name == row.name]
    assert states == ["OK", "ERROR", "UNSET"]
    good = {dashboard.visual_type(span): span for span in agentops_backend.trace(rows[0].trace_id)}
    assert good.keys() == {"session", "agent", "tool", "llm"}
    assert dashboard.tool_panel(good["tool"]) == dashboard.ToolPanel("search", '{"query":"why"}', '{"hits":["why"]}', "succeeded")
    assert dashboard.agent_panel(good["agent"]).name == "researcher"
    model, prompts, completions = dashboard.chat(good["llm"])
    assert model.startswith("gpt-4o")
    assert [(message.role, message.content) for message in prompts] == [("system", "be kind"), ("user", "why")]
    assert [(message.role, message.finish_reason) for message in completions] == [("assistant", "stop")]
    assert "why" in completions[0].content
    assert [dashboard.visual_type(span) for span in agentops_backend.trace(rows[1].trace_id)] == ["error", "error"]
    assert agentops_backend.foreign_headers() == set()
    assert agentops_backend.authentications == 1


@pytest.mark.parametrize("exporters", [{}, {"OTEL_TRACES_EXPORTER": "agentops,otlp"}])
def test_a_receiver_beside_it_sees_the_conventions_alone(
    run_python: PythonRunner, agentops_backend: FakeAgentOps, openai_server: FakeOpenAI, otlp_sink: OtlpSink, exporters: dict[str, str]
) -> None:
    env = {**agentops_backend.env, **vendor(openai_server), **QUIET, "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url, **exporters}
    run_python(WORK, env=env)
    assert len(agentops_backend.spans()) == len(otlp_sink.spans()) == 7
    expected = {"chat gpt-4o", "execute_tool search", "invoke_agent researcher", "operation fetch"}
    expected |= {f"invoke_workflow {name}" for name in ("good", "bad", "left open")}
    assert {span.name for span in otlp_sink.spans()} == expected
    older = ("gen_ai.prompt.", "gen_ai.completion.", "gen_ai.usage.prompt_tokens", "gen_ai.system", "tool.", "operation.")
    assert [name for span in otlp_sink.spans() for name in span.attributes if name.startswith(older)] == []
    assert not any("authorization" in request.headers for request in otlp_sink.requests)


def test_validation_asks_the_backend(run_python: PythonRunner, agentops_backend: FakeAgentOps, openai_server: FakeOpenAI) -> None:
    program = f"""{WORK}
result = agentops.validate_trace_spans(trace_context=left, check_llm=False, min_spans=0, max_retries=1)
assert result["source"] == "agentops", result
with agentops.start_trace("checked") as trace:
    research("who")
result = agentops.validate_trace_spans(trace_context=trace, min_spans=4)
agentops.print_validation_summary(result)
assert result["has_llm_spans"] and result["metrics"]["total_tokens"] > 0
"""
    done = run_python(program, env={**agentops_backend.env, **vendor(openai_server), **QUIET})
    assert "4 spans (agentops)" in done.stdout
    assert "LLM calls: chat gpt-4o" in done.stdout


SLOW = """
import time, agentops
agentops.init(auto_start_session=False)
for number in range(20):
    with agentops.start_trace(f"quick {number}"):
        pass
print(time.time_ns())
"""


def test_nothing_waits_for_a_slow_authentication_and_nothing_is_lost(run_python: PythonRunner, agentops_backend: FakeAgentOps) -> None:
    agentops_backend.behave(Behaviour(delay=3), AUTH)
    done = run_python(SLOW, env={**agentops_backend.env, **QUIET})
    answered = agentops_backend.exchanges[0].ended
    assert answered is not None
    assert int(done.stdout) < answered
    assert done.stderr == ""
    assert len(agentops_backend.spans()) == 20


def test_flushing_delivers_whoever_built_the_exporter(run_python: PythonRunner, agentops_backend: FakeAgentOps) -> None:
    program = """
import agentops, os
agentops.init(auto_start_session=False)
agentops.start_trace("job").end()
{flush}
os._exit(0)
"""
    agentops_backend.behave(Behaviour(delay=0.3), "/v1/traces")
    own, named = agentops_backend.env | QUIET, agentops_backend.env | QUIET | {"OTEL_TRACES_EXPORTER": "agentops"}
    run_python(program.format(flush="agentops.flush()"), env=named)
    assert len(agentops_backend.spans()) == 1
    run_python(program.format(flush="from opentelemetry import trace; trace.get_tracer_provider().force_flush()"), env=own)
    assert len(agentops_backend.spans()) == 2


FORKING = """
import agentops, os, time
agentops.init(auto_start_session=False)
agentops.start_trace("before").end()
if {flushed}:
    agentops.flush()
child = os.fork()
agentops.start_trace("child" if child == 0 else "parent").end()
if child == 0:
    agentops.flush()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.parametrize("flushed", [True, False])
def test_a_forked_child_sends_its_own_and_its_parents_stay_the_parents(
    run_python: PythonRunner, agentops_backend: FakeAgentOps, flushed: bool
) -> None:
    run_python(FORKING.format(flushed=flushed), env={**agentops_backend.env, **QUIET})
    assert sorted(span.name for span in agentops_backend.spans()) == ["before.session", "child.session", "parent.session"]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("99999999-9999-4999-8999-999999999999", "AgentOps does not know the API key 9999…(36 characters): check AGENTOPS_API_KEY"),
        ("wrong-key-of-mine", "AgentOps says that the API key wron…(17 characters) is malformed: set AGENTOPS_API_KEY"),
    ],
)
def test_a_wrong_key_is_said_in_a_line_and_the_program_runs_on(
    run_python: PythonRunner, agentops_backend: FakeAgentOps, key: str, said: str
) -> None:
    done = run_python(SLOW, env={**agentops_backend.env, "AGENTOPS_API_KEY": key})
    assert done.stdout.strip().isdecimal()
    assert [line for line in done.stderr.splitlines() if said in line] == [done.stderr.splitlines()[-1]]
    assert key not in done.stderr
    assert agentops_backend.authentications == 1
    assert agentops_backend.spans() == []
