"""`agentops replay`: sessions that programs recorded on this machine, sent to a real receiver by the command."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from agentops.store.reader import read_sessions
from tests.fakes.otlp_sink import Behaviour

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

pytestmark = pytest.mark.e2e
COMMAND = "import sys\nfrom agentops.cli import main\nsys.exit(main(['replay', *sys.argv[1:]]))\n"
WORK = """
import agentops, logging, os, signal, sys, time
@agentops.tool
def look_up(what):
    logging.getLogger("app").warning("looking up %s", what)
    return what.upper()
agentops.init(auto_start_session=False)
for name in sys.argv[1:]:
    with agentops.start_trace(name, tags=["t"]):
        look_up(name)
"""
KILLED = "agentops.start_trace('killed')\nlook_up('last')\ntime.sleep(0.5)\nos.kill(os.getpid(), signal.SIGKILL)\n"


def replay(run_python: PythonRunner, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run_python(COMMAND, args=arguments, env=environment, check=False)


def test_everything_recorded_arrives_once_with_its_logs(run_python: PythonRunner, otlp_sink: OtlpSink, agentops_local_dir: Path) -> None:
    run_python(WORK, args=["one", "two"])
    done = replay(run_python, "--endpoint", otlp_sink.url, "--header", "x-tenant=a=b")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"4 spans of 2 traces sent to {otlp_sink.url}/v1/traces",
        f"2 log records sent to {otlp_sink.url}/v1/logs",
    ]
    assert sorted(span.name for span in otlp_sink.spans()) == [
        "execute_tool look_up",
        "execute_tool look_up",
        "invoke_workflow one",
        "invoke_workflow two",
    ]
    assert [log.body for log in otlp_sink.logs()] == ["looking up one", "looking up two"]
    (root,) = otlp_sink.spans("invoke_workflow one")
    (tool, _) = otlp_sink.spans("execute_tool look_up")
    assert root.attributes["agentops.session.end_state"] == "Success"
    assert tool.attributes["gen_ai.tool.call.result"] == '"ONE"'
    assert (tool.trace_id, tool.parent_span_id) == (root.trace_id, root.span_id)
    assert {request.headers["x-tenant"] for request in otlp_sink.requests} == {"a=b"}
    assert len(read_sessions(agentops_local_dir).sessions) == 2


def test_one_session_by_id_the_latest_or_a_file(run_python: PythonRunner, otlp_sink: OtlpSink, agentops_local_dir: Path) -> None:
    run_python(WORK, args=["one"])
    run_python(WORK, args=["two"])
    newest, oldest = read_sessions(agentops_local_dir).sessions
    assert replay(run_python, "latest", "--endpoint", f"{otlp_sink.url}/v1/traces", "--only", "traces").returncode == 0
    assert {span.trace_id for span in otlp_sink.spans()} == {newest.trace_id}
    assert otlp_sink.logs() == []
    otlp_sink.clear()
    assert replay(run_python, oldest.session_id[:13], OTEL_EXPORTER_OTLP_ENDPOINT=otlp_sink.url).returncode == 0
    assert {span.trace_id for span in otlp_sink.spans()} == {oldest.trace_id}
    assert len(otlp_sink.logs()) == 1
    otlp_sink.clear()
    files = sorted(agentops_local_dir.glob("*.jsonl"))
    assert replay(run_python, str(files[1]), str(files[1]), "--endpoint", otlp_sink.url).returncode == 0
    assert {span.trace_id for span in otlp_sink.spans()} == {newest.trace_id}
    assert len(otlp_sink.spans()) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_vanished_process_owes_its_root(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    run_python(WORK + KILLED, check=False)
    done = replay(run_python, "--endpoint", otlp_sink.url)
    assert (done.returncode, done.stdout.splitlines()[0][:18]) == (0, "2 spans of 1 trace")
    (root,) = otlp_sink.spans("invoke_workflow killed")
    (tool,) = otlp_sink.spans("execute_tool look_up")
    assert (root.parent_span_id, root.trace_id, root.span_id) == ("", tool.trace_id, tool.parent_span_id)
    assert root.attributes["agentops.session.end_state_reason"] == "the process vanished"
    assert root.end == tool.end
    assert root.resource["process.pid"] == tool.resource["process.pid"]


def test_what_is_not_taken_is_said_and_fails(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    run_python(WORK, args=["one"])
    otlp_sink.behave(Behaviour(status=401), path="/v1/logs")
    done = replay(run_python, "--endpoint", otlp_sink.url)
    assert done.returncode == 1
    assert "1 log record not taken: HTTP 401" in done.stderr
    assert done.stdout.splitlines()[0] == f"2 spans of 1 trace sent to {otlp_sink.url}/v1/traces"
    otlp_sink.behave(Behaviour(rejected=1, message="too old"))
    done = replay(run_python, "--endpoint", otlp_sink.url, "--only", "traces")
    assert done.returncode == 1
    assert "1 span not taken: rejected by the receiver" in done.stderr


def test_a_receiver_that_is_away_is_waited_for(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    run_python(WORK, args=["one"])
    otlp_sink.behave(Behaviour(status=503), times=3)
    assert replay(run_python, "--endpoint", otlp_sink.url).returncode == 0
    assert len(otlp_sink.spans()) == 2
    otlp_sink.behave(Behaviour(status=429, retry_after=60))
    done = replay(run_python, "--endpoint", otlp_sink.url, "--wait", "1")
    assert done.returncode == 1
    assert "HTTP 429" in done.stderr


def test_what_cannot_be_meant_is_said(run_python: PythonRunner, otlp_sink: OtlpSink, tmp_path: Path) -> None:
    nothing = replay(run_python, "--endpoint", otlp_sink.url)
    assert nothing.returncode == 2
    assert "No sessions recorded" in nothing.stderr
    run_python(WORK, args=["one"])
    assert "where to?" in replay(run_python).stderr
    assert "no session's id begins with it" in replay(run_python, "ffff", "--endpoint", otlp_sink.url).stderr
    assert "is not an http:// or https:// URL" in replay(run_python, "--endpoint", "localhost:4318").stderr
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId"')
    done = replay(run_python, str(torn), "--endpoint", otlp_sink.url)
    assert "skipped 1 line" in done.stderr
    assert otlp_sink.spans() == []
