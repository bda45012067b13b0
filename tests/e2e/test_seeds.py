"""Every program in `seeds`, run as it is, and the exact tree of spans it leaves at a receiver."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from tests.e2e import seeds

if TYPE_CHECKING:
    from tests.fakes.openai_server import FakeOpenAI
    from tests.fakes.otlp_sink import OtlpSink, SinkSpan
    from tests.fakes.process import PythonRunner

END_STATE = "agentops.session.end_state"
SUCCESS, OPEN = "Success", "Indeterminate"


def environment(sink: OtlpSink, **more: str) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", **more}


def tree(spans: list[SinkSpan], parent: str = "") -> list[tuple]:
    """(name, end state, children) of each span, in the order of their starts; those below nobody are not in it."""
    below = sorted((span for span in spans if span.parent_span_id == parent), key=lambda span: span.start)
    return [(span.name, span.attributes.get(END_STATE), tree(spans, span.span_id)) for span in below]


def arrived(sink: OtlpSink, expected: list[tuple]) -> list[SinkSpan]:
    """The spans, once as many as `expected` have arrived, which are then exactly these."""
    spans = sink.wait_for_spans(size(expected))
    assert tree(spans) == expected
    assert len(spans) == size(expected)
    for span in spans:
        assert uuid.UUID(span.attributes["session.id"]).hex == span.trace_id
    roots = [span for span in spans if not span.parent_span_id]
    assert len({span.trace_id for span in spans}) == len(roots)
    return spans


def size(expected: list[tuple]) -> int:
    return sum(1 + size(children) for _, _, children in expected)


def root(name: str, state: str = SUCCESS, *children: tuple) -> tuple:
    return (name, state, list(children))


WORKFLOW = "invoke_workflow my_workflow"
SAMPLES = {
    "single trace": (seeds.SINGLE_TRACE, [root("agentops.session", OPEN), root(WORKFLOW)]),
    "single trace, no blank line": (seeds.SINGLE_TRACE_WITHOUT_BLANK, [root("agentops.session", OPEN), root(WORKFLOW)]),
    "multiple concurrent traces": (
        seeds.MULTIPLE_CONCURRENT_TRACES,
        [root("invoke_workflow workflow_1"), root("invoke_workflow workflow_2")],
    ),
    "concurrent traces": (
        seeds.CONCURRENT_TRACES_WITHOUT_TAGS,
        [root("invoke_workflow workflow_1"), root("invoke_workflow workflow_2")],
    ),
    "context manager": (seeds.CONTEXT_MANAGER, [root(WORKFLOW)]),
    "legacy single session": (seeds.LEGACY_SINGLE_SESSION, [root("agentops.session")]),
    "legacy multiple sessions": (seeds.LEGACY_MULTIPLE_SESSIONS, [root("agentops.session"), root("agentops.session")]),
    "starting traces": (
        seeds.IMPORT + seeds.STARTING_TRACES,
        [root(f"invoke_workflow {name}", OPEN) for name in ("user_query_1", "user_query_2", "background_task")],
    ),
    "ending traces": (
        seeds.IMPORT + seeds.STARTING_TRACES + seeds.ENDING_TRACES,
        [root(f"invoke_workflow {name}") for name in ("user_query_1", "user_query_2", "background_task")],
    ),
    "decorators, defined": (seeds.USING_DECORATORS, []),
    "decorators, not initialised": (seeds.DECORATED_WORKFLOW, []),
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_sample(run_python: PythonRunner, otlp_sink: OtlpSink, sample: str) -> None:
    program, expected = SAMPLES[sample]
    done = run_python(program, env=environment(otlp_sink))
    assert (done.stdout, done.stderr) == ("", "")
    arrived(otlp_sink, expected)


@pytest.mark.parametrize(
    ("program", "tags"),
    [
        (seeds.MULTIPLE_CONCURRENT_TRACES, [["nightly", "experiment_a"], ["nightly", "experiment_b"]]),
        (seeds.LEGACY_MULTIPLE_SESSIONS, [["nightly", "session_1"], ["nightly", "session_2"]]),
    ],
    ids=["traces", "sessions"],
)
def test_each_carries_its_own_tags(run_python: PythonRunner, otlp_sink: OtlpSink, program: str, tags: list[list[str]]) -> None:
    run_python(program, env=environment(otlp_sink, AGENTOPS_DEFAULT_TAGS="nightly"))
    spans = sorted(otlp_sink.wait_for_spans(2), key=lambda span: span.start)
    assert [list(span.attributes["agentops.tags"]) for span in spans] == tags


def test_a_decorated_workflow(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    run_python(seeds.DECORATED_WORKFLOW, env=environment(otlp_sink), instrument=True)
    arrived(otlp_sink, [root(WORKFLOW)])


def test_decorators_in_use(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    run_python(seeds.USING_DECORATORS + "agentops.init()\n" + seeds.USING_THEM, env=environment(otlp_sink))
    arrived(
        otlp_sink,
        [root("agentops.session", OPEN, ("invoke_agent MyAgent", None, [])), root(WORKFLOW)],
    )


@pytest.mark.parametrize("instrument", [False, True], ids=["by init", "under opentelemetry-instrument"])
def test_llm_calls_fall_into_the_right_trace(
    run_python: PythonRunner, otlp_sink: OtlpSink, openai_server: FakeOpenAI, instrument: bool
) -> None:
    env = environment(otlp_sink, OPENAI_BASE_URL=openai_server.base_url, OPENAI_API_KEY="test")
    run_python(seeds.LLM_CALL_TRACKING, env=env, instrument=instrument)
    chat = ("chat gpt-3.5-turbo", None, [])
    arrived(
        otlp_sink,
        [
            root("agentops.session", OPEN),
            root("invoke_workflow query_1", SUCCESS, chat),
            root("invoke_workflow query_2", SUCCESS, chat),
        ],
    )


@pytest.mark.parametrize("inherit", [seeds.INHERIT_BY_INIT, seeds.INHERIT_BY_START_SESSION], ids=["init", "start_session"])
def test_two_processes_contribute_to_one_session(
    run_python: PythonRunner, otlp_sink: OtlpSink, openai_server: FakeOpenAI, inherit: str
) -> None:
    env = environment(otlp_sink, OPENAI_BASE_URL=openai_server.base_url, OPENAI_API_KEY="test")
    first = run_python(seeds.FIRST_PROCESS + "print(session_id)\n", env=env)
    given = first.stdout.strip()
    call = "import openai\nopenai.OpenAI().chat.completions.create(model='gpt-4o', messages=[{'role': 'user', 'content': 'hello'}])\n"
    other = seeds.OTHER_PROCESS.replace("retrieve_session_id()", repr(given)) + seeds.IMPORT + inherit.replace("<id>", "session_id") + call
    run_python(other, env=env)
    spans = arrived(otlp_sink, [root("agentops.session", OPEN, ("chat gpt-4o", None, []))])
    assert {span.attributes["session.id"] for span in spans} == {given}


def test_joining_twice_is_joining_once(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    given = run_python(seeds.FIRST_PROCESS + "print(session_id)\n", env=environment(otlp_sink)).stdout.strip()
    program = f"""
import agentops
session = agentops.init(inherited_session_id="{given}")
assert agentops.init(inherited_session_id="{given}") is session
assert agentops.init(inherited_session_id=session) is session
assert str(session) == "{given}"
"""
    assert run_python(program, env=environment(otlp_sink)).stderr == ""
    arrived(otlp_sink, [root("agentops.session", OPEN)])
