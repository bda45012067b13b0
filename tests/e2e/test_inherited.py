"""One session in several real processes, and what becomes of it when any of them is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from agentops.sessions.ids import root_span_id
from agentops.store.reader import find_session, read_sessions
from tests.fakes.otlp_sink import OtlpSink

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from agentops.store.sessions import StoredSession
    from tests.fakes.otlp_sink import SinkSpan
    from tests.fakes.process import PythonRunner

VANISHED = "the process vanished"
OWNER = """
import agentops, sys
from opentelemetry import trace
agentops.init(auto_start_session=False)
session = agentops.start_trace("job", tags=["nightly"])
trace.get_tracer("x").start_span("in the owner").end()
print(session, flush=True)
sys.stdin.readline()
session.end()
"""
JOINER = """
import agentops, sys
from opentelemetry import trace
session = agentops.init(inherited_session_id=sys.argv[1])
trace.get_tracer("x").start_span("in the joiner").end()
print(session, flush=True)
sys.stdin.readline()
trace.get_tracer("x").start_span("late in the joiner").end()
session.end("Fail")
"""
NEXT = "import agentops\nagentops.init(auto_start_session=False)\nagentops.start_trace('next').end()\n"


def both(sink: OtlpSink) -> dict[str, str]:
    """To the receiver and to the local store."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
        "OTEL_TRACES_EXPORTER": "otlp,agentops_local",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }


def said(process: subprocess.Popen[str]) -> str:
    """The next line of the program."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, process.communicate()[1]
    return line


def go_on(process: subprocess.Popen[str]) -> None:
    """Let the program run to its end."""
    _, errors = process.communicate("\n", 30)
    assert (process.returncode, errors) == (0, "")


def kill(process: subprocess.Popen[str], folder: Path, spans: int) -> None:
    """SIGKILL, once what was recorded so far is in the store."""
    deadline = time.monotonic() + 10
    while sum(len(session.spans) for session in read_sessions(folder).sessions) < spans and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait(30)


def assert_one_root(session: StoredSession, state: str, reason: str) -> None:
    """The store holds the session's root, whole and once."""
    assert (session.state, session.reason, session.name, session.tags, session.running) == (state, reason, "job", ("nightly",), False)
    assert not session.root.reconstructed
    assert session.root.span_id == f"{root_span_id(int(session.trace_id, 16)):016x}"
    children = [span for span in session.spans if span is not session.root]
    assert {span.parent_id for span in children} == {session.root.span_id}
    assert {span.attributes["session.id"] for span in session.spans} == {session.session_id}
    if reason == VANISHED:
        assert session.end == max(span.end for span in children)


def in_store(folder: Path, name: str) -> int:
    """How often a span of this name stands in the store's files."""
    return sum(file.read_text(encoding="utf-8").count(f'"name":"{name}"') for file in folder.glob("*.jsonl"))


def test_two_processes_given_only_the_id_are_one_session(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    owner = run_python.start(OWNER, env=both(otlp_sink))
    session_id = said(owner)
    joiner = run_python.start(JOINER, env=both(otlp_sink), args=[session_id])
    assert said(joiner) == session_id
    go_on(joiner)
    go_on(owner)
    spans = otlp_sink.wait_for_spans(4)
    (root,) = [span for span in spans if not span.parent_span_id]
    assert len(spans) == 4
    assert (root.name, root.attributes["agentops.session.end_state"]) == ("invoke_workflow job", "Success")
    assert {span.trace_id for span in spans} == {UUID(session_id).hex}
    assert {span.attributes["session.id"] for span in spans} == {session_id}
    assert {span.parent_span_id for span in spans if span is not root} == {root.span_id}


def test_a_traceparent_joins_under_any_span_of_the_session(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    trace_id, span_id = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    script = JOINER.replace("agentops.init(", "agentops.start_session(")
    joiner = run_python.start(script, env=both(otlp_sink), args=[f"00-{trace_id}-{span_id}-01"])
    assert said(joiner) == str(UUID(trace_id))
    go_on(joiner)
    for span in otlp_sink.wait_for_spans(2):
        assert (span.trace_id, span.parent_span_id, span.attributes["session.id"]) == (trace_id, span_id, str(UUID(trace_id)))


def test_a_joiner_samples_as_the_owner_did(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    script = (
        "import agentops, subprocess, sys\nfrom opentelemetry import trace\nagentops.init(auto_start_session=False)\n"
        "for given in sys.argv[1:]:\n    session = agentops.start_session(inherited_session_id=given)\n"
        "    trace.get_tracer('x').start_span('joined').end()\n    session.end()\n"
    )
    ids = [f"{number:032x}" for number in (2**63, 2**64 - 1, 2**64 + 5, 2**127 + 7)]
    env = both(otlp_sink) | {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}
    run_python(script, env=env, args=ids)
    kept = {f"{number:032x}" for number in (2**64 + 5, 2**127 + 7)}
    assert {span.trace_id for span in otlp_sink.wait_for_spans(2)} == kept


def test_what_is_no_session_is_said_once_and_starts_one(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    script = (
        "import agentops\nagentops.init(auto_start_session=False)\n"
        "for given in ('no id', '0' * 32, '00-' + '0' * 32 + '-b7ad6b7169203331-01', '', 'no id'):\n"
        "    agentops.start_session(inherited_session_id=given).end()\n"
    )
    done = run_python(script, env=both(otlp_sink))
    assert done.stderr.count("a UUID or 32 hexadecimal digits") == 4
    assert len({span.trace_id for span in otlp_sink.wait_for_spans(5)}) == 5


def test_a_provider_that_is_not_the_sdks_needs_the_traceparent(run_python: PythonRunner) -> None:
    script = (
        "import agentops\nfrom opentelemetry import trace\n"
        "trace.set_tracer_provider(trace.NoOpTracerProvider())\nagentops.init(auto_start_session=False)\n"
        "given = '0af76519-16cd-43dd-8448-eb211c80319c'\n"
        "assert str(agentops.start_session(inherited_session_id=given)) != given\n"
        "assert str(agentops.start_session(inherited_session_id='00-' + given.replace('-', '') + '-b7ad6b7169203331-01')) == given\n"
    )
    assert "W3C traceparent" in run_python(script).stderr


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_the_owner_is_killed_and_the_survivor_ends_the_session(
    run_python: PythonRunner, otlp_sink: OtlpSink, agentops_local_dir: Path
) -> None:
    owner = run_python.start(OWNER, env=both(otlp_sink))
    session_id = said(owner)
    joiner = run_python.start(JOINER, env=both(otlp_sink), args=[session_id])
    said(joiner)
    kill(owner, agentops_local_dir, 3)
    assert owner.returncode == -signal.SIGKILL
    run_python(NEXT, env=both(otlp_sink))
    assert in_store(agentops_local_dir, "invoke_workflow job") == 0
    go_on(joiner)
    session = find_session(agentops_local_dir, session_id)
    assert {span.name for span in session.spans} == {"invoke_workflow job", "in the owner", "in the joiner", "late in the joiner"}
    assert_one_root(session, "Indeterminate", VANISHED)
    assert_arrived_once(otlp_sink, session)
    assert not list((agentops_local_dir / "open").iterdir())
    run_python(NEXT, env=both(otlp_sink))
    assert in_store(agentops_local_dir, "invoke_workflow job") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_survivor_that_is_terminated_ends_the_session_too(
    run_python: PythonRunner, otlp_sink: OtlpSink, agentops_local_dir: Path
) -> None:
    owner = run_python.start(OWNER, env=both(otlp_sink))
    session_id = said(owner)
    joiner = run_python.start(JOINER, env=both(otlp_sink), args=[session_id])
    said(joiner)
    kill(owner, agentops_local_dir, 3)
    joiner.terminate()
    assert joiner.wait(30) == -signal.SIGTERM
    session = find_session(agentops_local_dir, session_id)
    assert_one_root(session, "Indeterminate", VANISHED)
    assert_arrived_once(otlp_sink, session)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_joiner_is_killed_and_the_owner_ends_the_session(run_python: PythonRunner, otlp_sink: OtlpSink, agentops_local_dir: Path) -> None:
    owner = run_python.start(OWNER, env=both(otlp_sink))
    session_id = said(owner)
    joiner = run_python.start(JOINER, env=both(otlp_sink), args=[session_id])
    said(joiner)
    kill(joiner, agentops_local_dir, 3)
    run_python(NEXT, env=both(otlp_sink))
    go_on(owner)
    assert_one_root(find_session(agentops_local_dir, session_id), "Success", "")
    assert in_store(agentops_local_dir, "invoke_workflow job") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_both_are_killed_and_of_many_next_processes_one_ends_the_session(
    run_python: PythonRunner, otlp_sink: OtlpSink, agentops_local_dir: Path
) -> None:
    owner = run_python.start(OWNER, env=both(otlp_sink))
    session_id = said(owner)
    joiner = run_python.start(JOINER, env=both(otlp_sink), args=[session_id])
    said(joiner)
    kill(joiner, agentops_local_dir, 3)
    kill(owner, agentops_local_dir, 3)
    for process in [run_python.start(NEXT, env=both(otlp_sink)) for _ in range(6)]:
        go_on(process)
    session = find_session(agentops_local_dir, session_id)
    assert_one_root(session, "Indeterminate", VANISHED)
    assert in_store(agentops_local_dir, "invoke_workflow job") == 1
    assert_arrived_once(otlp_sink, session)
    assert not list((agentops_local_dir / "open").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_process_that_sends_elsewhere_leaves_the_root_to_one_that_sends_there(
    run_python: PythonRunner, otlp_sink: OtlpSink, agentops_local_dir: Path
) -> None:
    owner = run_python.start(OWNER, env=both(otlp_sink))
    session_id = said(owner)
    kill(owner, agentops_local_dir, 2)
    with OtlpSink() as elsewhere:
        run_python(NEXT, env=both(elsewhere))
        run_python(NEXT)
        assert [span.name for span in elsewhere.spans()] == ["invoke_workflow next"]
    assert in_store(agentops_local_dir, "invoke_workflow job") == 0
    run_python(NEXT, env=both(otlp_sink))
    session = find_session(agentops_local_dir, session_id)
    assert_one_root(session, "Indeterminate", VANISHED)
    assert_arrived_once(otlp_sink, session)


def assert_arrived_once(sink: OtlpSink, session: StoredSession) -> None:
    """The receiver has the same root, once."""

    def roots() -> list[SinkSpan]:
        return [span for span in sink.spans() if span.trace_id == session.trace_id and not span.parent_span_id]

    sink.wait_for(roots)
    (root,) = roots()
    assert (root.span_id, root.name, root.start, root.end) == (
        session.root.span_id,
        session.root.name,
        session.root.start,
        session.root.end,
    )
    assert root.attributes["agentops.session.end_state_reason"] == VANISHED


def test_init_again_with_the_same_session_returns_it(run_python: PythonRunner) -> None:
    script = (
        "import agentops\ngiven = '0af76519-16cd-43dd-8448-eb211c80319c'\n"
        "first = agentops.init(inherited_session_id=given)\nassert str(first) == given\n"
        "assert agentops.init(inherited_session_id=given.upper()) is first is agentops.init()\n"
        "other = agentops.init(inherited_session_id='1' * 32)\nassert other is not first\nassert other.is_open\n"
        "other.end()\nassert str(agentops.init()) not in (given, str(other))\n"
    )
    run_python(script)
