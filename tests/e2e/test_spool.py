"""Whole programs with AGENTOPS_SPOOL=true, whose receivers are away, and what arrives once they are back."""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.fakes.agentops_backend import AUTH, FakeAgentOps
from tests.fakes.otlp_sink import Behaviour, OtlpSink

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.process import PythonRunner

pytestmark = pytest.mark.e2e
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and forks")

INIT = "import agentops\nagentops.init(auto_start_session=False)\n"
WORK = (
    INIT
    + """
import logging, os, signal, sys, time
@agentops.tool
def look_up(what):
    logging.getLogger("app").warning("looking up %s", what)
with agentops.start_trace("job"):
    for number in range(3):
        look_up(str(number))
"""
)
SPANS = {"execute_tool look_up": 3, "invoke_workflow job": 1}
AT_AGENTOPS = {"look_up.tool": 3, "job.session": 1}
DOCTOR = "import sys\nfrom agentops.cli import main\nsys.exit(main(['doctor', '--init', '--no-sdks', *sys.argv[1:]]))\n"


def otlp(sink: OtlpSink, **more: str) -> dict[str, str]:
    return {"AGENTOPS_SPOOL": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "OTEL_METRICS_EXPORTER": "none", **more}


def counted(sink: OtlpSink) -> dict[str, int]:
    return dict(Counter(span.name for span in sink.spans()))


def waiting(local: Path) -> list[str]:
    return sorted(str(path.relative_to(local)) for path in (local / "spool").rglob("*.jsonl"))


@pytest.mark.parametrize("instrument", [True, False])
@pytest.mark.parametrize(
    "behaviour",
    [Behaviour(status=503), Behaviour(status=429, retry_after=30), Behaviour(status=500), Behaviour(drop=True), Behaviour(hang=True)],
)
def test_the_next_program_delivers_what_this_one_could_not(
    run_python: PythonRunner,
    otlp_sink: OtlpSink,
    agentops_backend: FakeAgentOps,
    agentops_local_dir: Path,
    behaviour: Behaviour,
    instrument: bool,
) -> None:
    environment = otlp(otlp_sink, **agentops_backend.env)
    for receiver in (otlp_sink, agentops_backend):
        receiver.behave(behaviour)
    began = time.monotonic()
    done = run_python(WORK, env=environment, instrument=instrument)
    assert time.monotonic() - began < 20
    assert done.stderr.count("Not everything could be sent before the end") == 1
    assert counted(otlp_sink) == counted(agentops_backend) == {}
    assert len(waiting(agentops_local_dir)) == 4
    for receiver in (otlp_sink, agentops_backend):
        receiver.release()
        receiver.behave(Behaviour())
    done = run_python(INIT, env=environment, instrument=instrument)
    assert done.stderr == ""
    assert counted(otlp_sink) == SPANS
    assert counted(agentops_backend) == AT_AGENTOPS
    assert len(otlp_sink.logs()) == len(agentops_backend.logs()) == 3
    assert waiting(agentops_local_dir) == []


@pytest.mark.parametrize("instrument", [True, False])
def test_nothing_is_different_where_everything_works(
    run_python: PythonRunner, otlp_sink: OtlpSink, agentops_backend: FakeAgentOps, agentops_local_dir: Path, instrument: bool
) -> None:
    plain = {name: value for name, value in otlp(otlp_sink, **agentops_backend.env).items() if name != "AGENTOPS_SPOOL"}
    run_python(WORK, env=plain, instrument=instrument)
    assert not (agentops_local_dir / "spool").exists()
    without = [sorted((span.name, span.kind, sorted(span.attributes)) for span in sink.spans()) for sink in (otlp_sink, agentops_backend)]
    for sink in (otlp_sink, agentops_backend):
        sink.clear()
    done = run_python(WORK, env=otlp(otlp_sink, **agentops_backend.env), instrument=instrument)
    assert done.stderr.replace("looking up 0\nlooking up 1\nlooking up 2\n", "") == ""
    spooled = [sorted((span.name, span.kind, sorted(span.attributes)) for span in sink.spans()) for sink in (otlp_sink, agentops_backend)]
    assert spooled == without
    assert counted(otlp_sink) == SPANS
    assert waiting(agentops_local_dir) == []
    assert agentops_backend.foreign_headers() == set()


def test_a_receiver_that_refuses_connections_gets_it_in_the_same_process(run_python: PythonRunner, agentops_local_dir: Path) -> None:
    with OtlpSink() as away:
        port = away.port
    program = run_python.start(WORK + "print('recorded', flush=True)\nsys.stdin.readline()\nagentops.flush()\n", env=otlp(away))
    assert program.stdout is not None
    assert program.stdout.readline() == "recorded\n"
    time.sleep(1.5)
    with OtlpSink(port) as back:
        back.wait_for_spans(4, 60)
        assert counted(back) == SPANS
        program.communicate("\n", timeout=60)
    assert program.returncode == 0
    assert waiting(agentops_local_dir) == []


def test_a_receiver_that_is_down_for_more_than_a_minute_gets_it_within_half_a_minute_of_its_return(run_python: PythonRunner) -> None:
    with OtlpSink() as away:
        port = away.port
    program = run_python.start(WORK + "print('recorded', flush=True)\nsys.stdin.readline()\n", env=otlp(away))
    assert program.stdout is not None
    assert program.stdout.readline() == "recorded\n"
    time.sleep(70)
    with OtlpSink(port) as back:
        back.wait_for_spans(4, 45)
        assert counted(back) == SPANS
        program.communicate("\n", timeout=60)
    assert program.returncode == 0


@pytest.mark.parametrize("seed", range(3))
def test_outages_of_all_kinds_while_it_records_cost_nothing_and_nothing_comes_twice(
    run_python: PythonRunner, otlp_sink: OtlpSink, agentops_backend: FakeAgentOps, seed: int
) -> None:
    rolled = random.Random(seed)
    code = """
logging.disable()
print("begun", flush=True)
number = 0
began = time.monotonic()
while time.monotonic() - began < 12:
    with agentops.start_trace(f"trace {number}"):
        look_up("x" * (number % 7) * 300)
    number += 1
    time.sleep(0.01)
print(number, flush=True)
"""
    environment = otlp(otlp_sink, **agentops_backend.env, OTEL_LOGS_EXPORTER="none")
    program = run_python.start(WORK + code, env=environment)
    assert program.stdout is not None
    assert program.stdout.readline() == "begun\n"
    # None of them takes anything, so that what comes twice was sent twice without need.
    failing = [Behaviour(status=status) for status in (429, 500, 502, 503, 504)] + [
        Behaviour(drop=True),
        Behaviour(status=429, retry_after=1),
    ]
    while program.poll() is None:
        for receiver in (otlp_sink, agentops_backend):
            receiver.behave(rolled.choice([Behaviour(), *failing]), path="/v1/traces")
        agentops_backend.max_request_bytes = rolled.choice([20 << 20, 20_000])
        time.sleep(rolled.uniform(0.1, 1.5))
    for receiver in (otlp_sink, agentops_backend):
        receiver.behave(Behaviour())
    number = int(program.communicate(timeout=30)[0].split()[-1])
    for _ in range(2):
        run_python(INIT, env=environment)
    assert counted(otlp_sink) == {"execute_tool look_up": 3 + number, "invoke_workflow job": 1} | {
        f"invoke_workflow trace {each}": 1 for each in range(number)
    }
    assert counted(agentops_backend) == {"look_up.tool": 3 + number, "job.session": 1} | {
        f"trace {each}.session": 1 for each in range(number)
    }


def test_a_slow_receiver_holds_nobody_up(run_python: PythonRunner, otlp_sink: OtlpSink, agentops_local_dir: Path) -> None:
    otlp_sink.behave(Behaviour(delay=1.0))
    timed = "began = time.monotonic()\nfor number in range(2000): look_up('x')\nprint(time.monotonic() - began)\n"
    with_spool = run_python(WORK + timed, env=otlp(otlp_sink, OTEL_LOGS_EXPORTER="none"))
    assert float(with_spool.stdout.split()[-1]) < 5
    otlp_sink.behave(Behaviour())
    run_python(INIT, env=otlp(otlp_sink))
    names = counted(otlp_sink)
    assert names["execute_tool look_up"] >= 2003
    assert len({span.span_id for span in otlp_sink.spans("execute_tool look_up")}) == 2003
    assert waiting(agentops_local_dir) == []


@pytest.mark.parametrize("instrument", [True, False])
def test_named_exporters_run_once_each_and_others_stay_as_they_are(
    run_python: PythonRunner, otlp_sink: OtlpSink, agentops_backend: FakeAgentOps, instrument: bool
) -> None:
    names = {"OTEL_TRACES_EXPORTER": "console,agentops,otlp", "OTEL_LOGS_EXPORTER": "otlp,agentops"}
    code = WORK + "print(os.environ['OTEL_TRACES_EXPORTER'], os.environ['OTEL_LOGS_EXPORTER'])\n"
    done = run_python(code, env=otlp(otlp_sink, **agentops_backend.env, **names), instrument=instrument)
    assert (counted(otlp_sink), counted(agentops_backend)) == (SPANS, AT_AGENTOPS)
    assert len(otlp_sink.logs()) == len(agentops_backend.logs()) == 3
    assert "console,agentops,otlp otlp,agentops" in done.stdout
    assert done.stdout.count('"name": "invoke_workflow job"') == 1
    assert done.stderr.count("is not spooled") == 1
    assert "the traces exporter console sends by itself and is not spooled: only OTLP over http/protobuf is" in done.stderr


def test_a_provider_that_is_joined_keeps_its_exporters(
    run_python: PythonRunner, otlp_sink: OtlpSink, agentops_backend: FakeAgentOps
) -> None:
    own = """
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
"""
    run_python(own + WORK, env=otlp(otlp_sink, **agentops_backend.env))
    assert (counted(otlp_sink), counted(agentops_backend)) == (SPANS, AT_AGENTOPS)


def test_a_tracer_provider_of_ours_beside_the_programs_own_meter_provider(
    run_python: PythonRunner, otlp_sink: OtlpSink, agentops_backend: FakeAgentOps, agentops_local_dir: Path
) -> None:
    own = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
metrics.set_meter_provider(MeterProvider())
"""
    for receiver in (otlp_sink, agentops_backend):
        receiver.behave(Behaviour(status=503))
    environment = otlp(otlp_sink, **agentops_backend.env, OTEL_LOGS_EXPORTER="none")
    run_python(own + WORK, env=environment)
    assert len(waiting(agentops_local_dir)) == 2
    for receiver in (otlp_sink, agentops_backend):
        receiver.behave(Behaviour())
    run_python(own + INIT, env=environment)
    assert (counted(otlp_sink), counted(agentops_backend)) == (SPANS, AT_AGENTOPS)


def test_an_exporter_that_somebody_else_builds_is_spooled_from_its_batches(
    run_python: PythonRunner, agentops_backend: FakeAgentOps, agentops_local_dir: Path
) -> None:
    own = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from agentops.export.backend import AgentOpsSpanExporter
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(AgentOpsSpanExporter()))
trace.set_tracer_provider(provider)
"""
    environment = {**agentops_backend.env, "AGENTOPS_SPOOL": "true", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    agentops_backend.behave(Behaviour(status=503))
    run_python(own + WORK, env=environment)
    assert len(waiting(agentops_local_dir)) == 1
    agentops_backend.behave(Behaviour())
    run_python(own + WORK, env=environment)
    assert counted(agentops_backend) == {name: 2 * count for name, count in AT_AGENTOPS.items()}


def test_the_settings_of_the_exporter_hold_for_its_spool(run_python: PythonRunner, agentops_local_dir: Path) -> None:
    with OtlpSink() as traces, OtlpSink() as logs:
        environment = {
            **otlp(traces, OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=f"{logs.url}/own/v1/logs"),
            "OTEL_EXPORTER_OTLP_HEADERS": "x-team=blue%20one,x-more=1",
            "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "x-team=red",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION": "deflate",
        }
        run_python(WORK, env=environment)
        assert counted(traces) == SPANS
        assert len(logs.logs()) == 3
        (request,) = [exchange.request for exchange in traces.exchanges][:1]
        assert (request.headers["x-team"], request.headers["x-more"], request.headers["content-encoding"]) == ("blue one", "1", "gzip")
        (request,) = [exchange.request for exchange in logs.exchanges][:1]
        assert (request.path, request.headers["x-team"], request.headers["content-encoding"]) == ("/own/v1/logs", "red", "deflate")
        assert "x-more" not in request.headers
    assert not [path for path in (agentops_local_dir / "spool").rglob("*") if path.is_file() and "red" in path.read_text()]


@posix
@pytest.mark.parametrize("instrument", [True, False])
def test_a_killed_program_owes_its_root_once(
    run_python: PythonRunner, otlp_sink: OtlpSink, agentops_backend: FakeAgentOps, agentops_local_dir: Path, instrument: bool
) -> None:
    code = WORK + "agentops.start_trace('open', tags=['t'])\nlook_up('last')\ntime.sleep(0.5)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    environment = otlp(otlp_sink, **agentops_backend.env, OTEL_SERVICE_NAME="the killed one")
    run_python(code, env=environment, instrument=instrument, check=False)
    for _ in range(2):
        run_python(INIT, env={**environment, "OTEL_SERVICE_NAME": "the next one"}, instrument=instrument)
    assert counted(otlp_sink) == {**SPANS, "execute_tool look_up": 4, "invoke_workflow open": 1}
    assert counted(agentops_backend) == {**AT_AGENTOPS, "look_up.tool": 4, "open.session": 1}
    (root,) = otlp_sink.spans("invoke_workflow open")
    last = max(otlp_sink.spans("execute_tool look_up"), key=lambda span: span.end)
    assert (root.trace_id, root.span_id, root.end) == (last.trace_id, last.parent_span_id, last.end)
    assert root.attributes["agentops.session.end_state"] == "Indeterminate"
    assert root.attributes["agentops.tags"] == ["t"]
    assert root.resource["service.name"] == "the killed one"
    assert waiting(agentops_local_dir) == []


@posix
def test_beside_the_local_store_the_root_comes_once_too(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    environment = otlp(otlp_sink, OTEL_TRACES_EXPORTER="otlp,agentops_local")
    run_python(WORK + "agentops.start_trace('open')\ntime.sleep(0.5)\nos.kill(os.getpid(), signal.SIGKILL)\n", env=environment, check=False)
    for name in ("first", "second"):
        run_python(INIT + f"agentops.start_trace({name!r}).end()\n", env=environment)
    assert counted(otlp_sink) == {**SPANS, "invoke_workflow open": 1, "invoke_workflow first": 1, "invoke_workflow second": 1}


@posix
def test_forks_and_workers_deliver_what_is_theirs(run_python: PythonRunner, otlp_sink: OtlpSink, agentops_local_dir: Path) -> None:
    code = """
import multiprocessing
def worker(number): look_up(str(number))
if __name__ == "__main__":
    session = agentops.start_trace("parent")
    look_up("before")
    pid = os.fork()
    if pid == 0:
        look_up("child")
        time.sleep(0.5)
        os._exit(0)
    os.waitpid(pid, 0)
    workers = [multiprocessing.get_context("fork").Process(target=worker, args=(number,)) for number in range(2)]
    for each in workers: each.start()
    for each in workers: each.join()
    session.end()
"""
    environment = otlp(otlp_sink, OTEL_LOGS_EXPORTER="none")
    run_python(WORK + code, env=environment)
    run_python(INIT, env=environment)
    assert counted(otlp_sink) == {**SPANS, "execute_tool look_up": 7, "invoke_workflow parent": 1}
    assert waiting(agentops_local_dir) == []


@posix
@pytest.mark.parametrize("ending", ["sys.exit(3)", "os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", "raise LookupError('x')"])
def test_every_ending_delivers(run_python: PythonRunner, otlp_sink: OtlpSink, agentops_local_dir: Path, ending: str) -> None:
    run_python(WORK + f"agentops.start_trace('open')\n{ending}\n", env=otlp(otlp_sink), check=False)
    assert counted(otlp_sink) == {**SPANS, "invoke_workflow open": 1}
    # SIGTERM leaves an empty marker and a file of which all has been sent; the next program finds nothing to send.
    run_python(INIT, env=otlp(otlp_sink))
    assert counted(otlp_sink) == {**SPANS, "invoke_workflow open": 1}
    assert waiting(agentops_local_dir) == []


@posix
@pytest.mark.parametrize(
    "obstacle",
    [
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n",
        "import os, pathlib\nfolder = pathlib.Path(os.environ['AGENTOPS_LOCAL_DIR'])\nfolder.write_text('in the way')\n",
    ],
)
def test_a_full_or_unwritable_disk_is_one_warning_and_everything_arrives(
    run_python: PythonRunner, otlp_sink: OtlpSink, agentops_backend: FakeAgentOps, obstacle: str
) -> None:
    work = "for number in range(200):\n    look_up('x' * 50)\n    time.sleep(0.001)\n"
    done = run_python(obstacle + WORK + work, env=otlp(otlp_sink, **agentops_backend.env))
    warnings = [line for line in done.stderr.splitlines() if not line.startswith("looking up")]
    assert len(warnings) == 1
    assert "cannot be written" in warnings[0]
    assert counted(otlp_sink) == {**SPANS, "execute_tool look_up": 203}
    assert counted(agentops_backend) == {**AT_AGENTOPS, "look_up.tool": 203}


def test_a_refused_key_keeps_everything_until_it_is_accepted(
    run_python: PythonRunner, agentops_backend: FakeAgentOps, agentops_local_dir: Path
) -> None:
    environment = {**agentops_backend.env, "AGENTOPS_SPOOL": "true", "OTEL_METRICS_EXPORTER": "none"}
    agentops_backend.tokens.revoke(agentops_backend.keys[0])
    done = run_python(WORK, env=environment)
    assert "kept in its spool" in done.stderr
    assert len(waiting(agentops_local_dir)) == 2
    kept = [path for path in (agentops_local_dir / "spool").rglob("*") if path.is_file()]
    assert not [path for path in kept if agentops_backend.keys[0] in path.read_text() or path.stat().st_mode & 0o077]
    agentops_backend.tokens.add(agentops_backend.keys[0])
    agentops_backend.behave(Behaviour(status=503), path=AUTH, times=1)
    run_python(INIT, env=environment)
    run_python(INIT, env=environment)
    assert counted(agentops_backend) == AT_AGENTOPS


@pytest.mark.parametrize(
    "settings", [{}, {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY", "AGENTOPS_REDACTOR": "secrets"}]
)
def test_what_is_not_to_be_recorded_does_not_reach_the_disk(
    run_python: PythonRunner, otlp_sink: OtlpSink, agentops_local_dir: Path, settings: dict[str, str]
) -> None:
    canary = "sk-proj-Zr4Wq8Lm2Xn6Vb1Ty5Hg9Kd3Pf7Sc0Ja"
    otlp_sink.behave(Behaviour(status=503))
    code = (
        INIT
        + f"@agentops.tool\ndef keep(secret):\n    raise ValueError(secret)\ntry:\n    keep({canary!r})\nexcept ValueError:\n    pass\n"
    )
    run_python(code, env=otlp(otlp_sink, **settings))
    kept = b"".join(path.read_bytes() for path in (agentops_local_dir / "spool").rglob("*.jsonl"))
    assert b"execute_tool keep" in kept
    assert canary.encode() not in kept


def test_another_account_gets_nothing_of_it(run_python: PythonRunner, otlp_sink: OtlpSink, agentops_local_dir: Path) -> None:
    otlp_sink.behave(Behaviour(status=503))
    run_python(WORK, env=otlp(otlp_sink, OTEL_EXPORTER_OTLP_HEADERS="api-key=one"))
    otlp_sink.behave(Behaviour())
    run_python(INIT, env=otlp(otlp_sink, OTEL_EXPORTER_OTLP_HEADERS="api-key=two"))
    assert counted(otlp_sink) == {}
    run_python(INIT, env=otlp(otlp_sink, OTEL_EXPORTER_OTLP_HEADERS="api-key=one"))
    assert counted(otlp_sink) == SPANS
    assert waiting(agentops_local_dir) == []


def test_the_doctor_shows_what_waits_and_sends_none_of_it(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    otlp_sink.behave(Behaviour(status=503))
    environment = otlp(otlp_sink, OTEL_LOGS_EXPORTER="none")
    run_python(WORK, env=environment)
    otlp_sink.behave(Behaviour(status=400), times=1)
    run_python(WORK, env=environment)
    otlp_sink.behave(Behaviour(status=503))
    run_python(WORK, env=environment)
    otlp_sink.behave(Behaviour())
    report = json.loads(run_python(DOCTOR, env=environment, args=["--json"], check=False).stdout)
    (spool,) = report["spools"]
    assert (spool["name"], spool["signal"], spool["used"]) == ("otlp", "traces", True)
    assert spool["url"] == f"{otlp_sink.url}/v1/traces"
    assert (spool["waiting"], spool["dropped"]) == (4, {"HTTP 400": 4})
    assert spool["oldest"] > "2026"
    codes = {finding["code"]: finding["severity"] for finding in report["findings"]}
    assert (codes["spool-waiting"], codes["spool-dropped"]) == ("note", "warning")
    text = run_python(DOCTOR, env={**environment, "AGENTOPS_SPOOL": "false"}, check=False).stdout
    assert "not in use, 4 waiting, the oldest since" in text
    assert "4 lost: HTTP 400" in text
    assert "and this program does not send there" in text
    sent = counted(otlp_sink)
    assert sum(sent.values()) == 4, sent


def test_what_was_delivered_and_lost_is_a_metric(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    otlp_sink.behave(Behaviour(rejected=1, message="no"), path="/v1/traces", times=1)
    environment = {name: value for name, value in otlp(otlp_sink).items() if name != "OTEL_METRICS_EXPORTER"}
    run_python(WORK + "agentops.flush()\nfrom opentelemetry import metrics\nmetrics.get_meter_provider().force_flush()\n", env=environment)
    (metric,) = otlp_sink.metrics("otel.sdk.exporter.span.exported")[-1:]
    values = {point.attributes.get("error.type", ""): point.value for point in metric.points}
    assert values["rejected"] == 1
    assert values[""] == 3
    assert otlp_sink.metrics("otel.sdk.exporter.log.exported")
