"""Programs as AgentOps users write them, run as they are, against a real receiver."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fakes.openai_server import FakeOpenAI
    from tests.fakes.otlp_sink import OtlpSink, SinkSpan
    from tests.fakes.process import PythonRunner

SINGLE_TRACE = """
import agentops

agentops.init()
trace_context = agentops.start_trace("my_workflow")
# Your agent logic here
agentops.end_trace(trace_context, "Success")
"""
CONCURRENT_TRACES = """
import agentops

agentops.init(auto_start_session=False)
trace_1 = agentops.start_trace("workflow_1", tags=["experiment_a"])
trace_2 = agentops.start_trace("workflow_2", tags=["experiment_b"])

# Work with both traces concurrently
agentops.end_trace(trace_1, "Success")
agentops.end_trace(trace_2, "Success")
"""
CONTEXT_MANAGER = """
import agentops

agentops.init(auto_start_session=False)
with agentops.start_trace("my_workflow") as trace:
    # Your agent logic here
    # Trace automatically ends when exiting the context
    pass
"""
LEGACY_SINGLE = """
import agentops
agentops.init()
agentops.end_session(end_state='Success')
"""
LEGACY_MULTIPLE = """
import agentops
agentops.init(auto_start_session=False)
session_1 = agentops.start_session(tags=["session_1"])
session_2 = agentops.start_session(tags=["session_2"])

session_1.end_session(end_state='Success')
session_2.end_session(end_state='Success')
"""
END_ALL = """
import agentops
agentops.init(auto_start_session=False)
trace_1 = agentops.start_trace("user_query_1")
trace_2 = agentops.start_trace("user_query_2")
trace_3 = agentops.start_trace("background_task")
# End all active traces
agentops.end_trace(end_state="Success")
"""
SESSION_ID = """
import agentops
session_id = agentops.init()
# pass session_id to the other process
print(session_id)
assert agentops.init() is session_id
"""
LLM_CALLS = """
import agentops
import openai

agentops.init()
client = openai.OpenAI()

trace_1 = agentops.start_trace("query_1")
response_1 = client.chat.completions.create(
    model="gpt-3.5-turbo",
    messages=[{"role": "user", "content": "Hello from trace 1"}]
)

trace_2 = agentops.start_trace("query_2")
response_2 = client.chat.completions.create(
    model="gpt-3.5-turbo",
    messages=[{"role": "user", "content": "Hello from trace 2"}]
)

agentops.end_trace(trace_1, "Success")
agentops.end_trace(trace_2, "Success")
"""
SUCCESS, OPEN = "Success", "Indeterminate"


def environment(sink: OtlpSink, **more: str) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", **more}


def assert_independent(spans: list[SinkSpan]) -> None:
    """Each a root with a trace and a session id of its own."""
    assert not [span.name for span in spans if span.parent_span_id]
    assert len({span.trace_id for span in spans}) == len(spans)
    for span in spans:
        assert uuid.UUID(span.attributes["session.id"]).hex == span.trace_id


@pytest.mark.parametrize(
    ("program", "states"),
    [
        (SINGLE_TRACE, {"agentops.session": OPEN, "invoke_workflow my_workflow": SUCCESS}),
        (CONCURRENT_TRACES, {"invoke_workflow workflow_1": SUCCESS, "invoke_workflow workflow_2": SUCCESS}),
        (CONTEXT_MANAGER, {"invoke_workflow my_workflow": SUCCESS}),
        (LEGACY_SINGLE, {"agentops.session": SUCCESS}),
        (
            END_ALL,
            {
                "invoke_workflow user_query_1": SUCCESS,
                "invoke_workflow user_query_2": SUCCESS,
                "invoke_workflow background_task": SUCCESS,
            },
        ),
    ],
    ids=["single trace", "concurrent traces", "context manager", "legacy single", "end all"],
)
def test_sample(run_python: PythonRunner, otlp_sink: OtlpSink, program: str, states: dict[str, str]) -> None:
    done = run_python(program, env=environment(otlp_sink))
    assert done.stderr == ""
    spans = otlp_sink.wait_for_spans(len(states))
    assert {span.name: span.attributes["agentops.session.end_state"] for span in spans} == states
    assert len(spans) == len(states)
    assert_independent(spans)


def test_legacy_sessions_carry_their_tags(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    run_python(LEGACY_MULTIPLE, env=environment(otlp_sink, AGENTOPS_DEFAULT_TAGS="nightly, blue"))
    spans = otlp_sink.wait_for_spans(2)
    assert_independent(spans)
    assert [list(span.attributes["agentops.tags"]) for span in spans] == [
        ["nightly", "blue", "session_1"],
        ["nightly", "blue", "session_2"],
    ]


def test_what_init_returns_is_the_session_id(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    done = run_python(SESSION_ID, env=environment(otlp_sink))
    (root,) = otlp_sink.wait_for_spans(1)
    assert done.stdout.strip() == root.attributes["session.id"]


@pytest.mark.parametrize("instrument", [False, True], ids=["by init", "under opentelemetry-instrument"])
def test_llm_calls_are_in_the_trace_they_were_made_in(
    run_python: PythonRunner, otlp_sink: OtlpSink, openai_server: FakeOpenAI, instrument: bool
) -> None:
    env = environment(otlp_sink, OPENAI_BASE_URL=openai_server.base_url, OPENAI_API_KEY="test")
    run_python(LLM_CALLS, env=env, instrument=instrument)
    spans = otlp_sink.wait_for_spans(5)
    roots = {span.name: span for span in spans if not span.parent_span_id}
    assert set(roots) == {"agentops.session", "invoke_workflow query_1", "invoke_workflow query_2"}
    assert_independent(list(roots.values()))
    chats = sorted((span for span in spans if span.parent_span_id), key=lambda span: span.start)
    assert [chat.name for chat in chats] == ["chat gpt-3.5-turbo"] * 2
    for chat, root in zip(chats, ("invoke_workflow query_1", "invoke_workflow query_2"), strict=True):
        assert chat.parent_span_id == roots[root].span_id
        assert chat.trace_id == roots[root].trace_id
        assert chat.attributes["session.id"] == roots[root].attributes["session.id"]


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
