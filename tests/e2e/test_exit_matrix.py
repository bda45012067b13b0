"""Every way a process can end: what ended before is kept, what is open gets the state it should, whoever started the process."""

from __future__ import annotations

import itertools
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from agentops.store.reader import read_sessions
from tests.fakes.agentops_backend import AUTH, FakeAgentOps
from tests.fakes.otlp_sink import Behaviour

if TYPE_CHECKING:
    from pathlib import Path

    from agentops.store.sessions import StoredSession
    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and forks")

LOCAL = """
import agentops, os, signal, sys, time
from opentelemetry import trace
agentops.init(auto_start_session=False)
tracer = trace.get_tracer("x")
agentops.start_trace("ended").end()
session = agentops.start_trace("open")
for number in range(100): tracer.start_span("work").end()
"""
WRITTEN = "time.sleep(0.5)\n"
ENDINGS = {
    "normal exit": ("", "Indeterminate", ""),
    "sys.exit": ("sys.exit(3)", "Indeterminate", ""),
    "uncaught exception": ("raise LookupError('x')", "Fail", "LookupError: x"),
    "SIGINT": ("os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", "Fail", "KeyboardInterrupt"),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", "Indeterminate", "SIGTERM"),
    "os._exit": (WRITTEN + "os._exit(0)", "Indeterminate", "the process vanished"),
    "SIGKILL": (WRITTEN + "os.kill(os.getpid(), signal.SIGKILL)", "Indeterminate", "the process vanished"),
}
NEXT = "import agentops\nagentops.init(auto_start_session=False)\nagentops.start_trace('next').end()\n"


def environment(sink: OtlpSink) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}


@pytest.mark.parametrize("way", ENDINGS)
def test_what_ended_is_kept_and_what_is_open_gets_its_state(run_python: PythonRunner, agentops_local_dir: Path, way: str) -> None:
    ending, state, reason = ENDINGS[way]
    run_python(LOCAL + ending, check=False)
    assert_kept(agentops_local_dir, state, reason)
    run_python(NEXT)
    found = assert_kept(agentops_local_dir, state, reason)
    assert not found["open"].root.reconstructed
    assert not list((agentops_local_dir / "open").iterdir())


def assert_kept(folder: Path, state: str, reason: str) -> dict[str, StoredSession]:
    found = {session.name: session for session in read_sessions(folder).sessions}
    assert (found["ended"].state, len(found["ended"].spans)) == ("Success", 1)
    assert (found["open"].state, found["open"].reason, found["open"].running) == (state, reason, False)
    assert [span.name for span in found["open"].spans].count("work") == 100
    return found


WORKERS = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
import agentops
from opentelemetry import trace

def work(number):
    with agentops.start_trace(f"job {number}"):
        for _ in range(5): trace.get_tracer("x").start_span("work").end()
    agentops.start_trace(f"left open {number}")

if __name__ == "__main__" or sys.argv[2] == "at import":
    agentops.init(auto_start_session=False)

if __name__ == "__main__":
    session = agentops.start_trace("parent")
    context = multiprocessing.get_context(sys.argv[1])
    if sys.argv[3] == "pool":
        with ProcessPoolExecutor(2, mp_context=context) as pool: list(pool.map(work, range(4)))
    else:
        processes = [context.Process(target=work, args=(number,)) for number in range(4)]
        for each in processes: each.start()
        for each in processes: each.join()
    session.end()
"""


EVERY_DAY = {("fork", "at import", "pool"), ("fork", "by itself", "processes"), ("forkserver", "at import", "pool")}
MATRIX = [
    pytest.param(*case, marks=[] if case in EVERY_DAY else [pytest.mark.e2e])
    for case in itertools.product(("fork", "spawn", "forkserver"), ("at import", "by itself"), ("pool", "processes"))
]


@pytest.mark.parametrize(("method", "initialised", "kind"), MATRIX)
def test_every_span_of_worker_processes_arrives(
    run_python: PythonRunner, otlp_sink: OtlpSink, method: str, initialised: str, kind: str
) -> None:
    done = run_python(WORKERS, env=environment(otlp_sink), args=[method, initialised, kind])
    spans = otlp_sink.wait_for_spans(4 * 7 + 1)
    assert len({(span.trace_id, span.span_id) for span in spans}) == len(spans) == 4 * 7 + 1
    states = {span.name: span.attributes["agentops.session.end_state"] for span in spans if span.name != "work"}
    assert states == {
        "invoke_workflow parent": "Success",
        **{f"invoke_workflow job {number}": "Success" for number in range(4)},
        **{f"invoke_workflow left open {number}": "Indeterminate" for number in range(4)},
    }
    assert done.stderr == ""


DEAD = """
import agentops
agentops.init(auto_start_session=False)
with agentops.start_trace("job"): pass
"""
UPSTREAM = """
from opentelemetry import trace
trace.get_tracer("x").start_span("job").end()
"""


@pytest.mark.e2e
def test_dead_receivers_add_five_seconds_at_most_to_what_upstream_takes(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    otlp_sink.behave(Behaviour(hang=True))
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    exporters = {f"OTEL_{signal}_EXPORTER": "otlp" for signal in ("TRACES", "METRICS", "LOGS")}
    upstream = timed(run_python, UPSTREAM, env | exporters | {"OTEL_PYTHON_DISTRO": "distro", "OTEL_PYTHON_CONFIGURATOR": "configurator"})
    with FakeAgentOps("11111111-2222-3333-4444-555555555555") as backend:
        backend.behave(Behaviour(hang=True))
        backend.behave(Behaviour(hang=True), AUTH)
        ours = timed(run_python, DEAD, env | exporters | backend.env)
    assert ours < upstream + 5 + 2, (ours, upstream)


def timed(run_python: PythonRunner, script: str, env: dict[str, str]) -> float:
    """Seconds under the launcher."""
    started = time.monotonic()
    run_python(script, env=env, instrument=True, timeout=180)
    return time.monotonic() - started


BUSY = """
import agentops, mmap, os, random, signal, sys, time
from opentelemetry import trace
agentops.init(auto_start_session=False)
turns = mmap.mmap(-1, 1)  # seen by parent and child
session = agentops.start_trace("open")
provider = trace.get_tracer_provider()

def flush_without_pause(ready, number):
    # An interrupt is an exception wherever the main thread is. Inside urllib3 it can leave a queue locked for good, with any exporter
    # that uses it and without this package; agentops.flush() keeps the main thread out of there.
    flush = agentops.flush if number == signal.SIGINT else provider.force_flush
    os.write(ready, b"x")
    while True:
        agentops.start_trace("busy").end()
        flush()
        turns[0] = (turns[0] + 1) % 256

def dies(number, moment):
    reading, ready = os.pipe()
    pid = os.fork()
    if pid == 0:
        flush_without_pause(ready, number)
    os.read(reading, 1)
    time.sleep(moment)
    sent = time.monotonic()
    os.kill(pid, number)
    looked, turn = sent, turns[0]
    while time.monotonic() < sent + 30:
        if os.waitpid(pid, os.WNOHANG)[0]: break
        time.sleep(0.002)
        if number == signal.SIGINT and time.monotonic() > looked + 1:
            # Python drops an interrupt that comes in a weak reference's callback: the child runs on, and a person presses the key again.
            if turns[0] != turn: os.kill(pid, number)
            looked, turn = time.monotonic(), turns[0]
    else:
        os.kill(pid, signal.SIGKILL)
    os.close(reading)
    os.close(ready)
    return time.monotonic() - sent

moments = random.Random(int(sys.argv[1]))
numbers = [getattr(signal, name) for name in sys.argv[3:]]
print(max(dies(numbers[index % len(numbers)], moments.random() * 0.05) for index in range(int(sys.argv[2]))))
session.end()
"""


@pytest.mark.parametrize(
    ("count", "signals"),
    [(30, ["SIGTERM", "SIGINT"]), pytest.param(1000, ["SIGTERM"], marks=pytest.mark.e2e)],
    ids=["30", "1000"],
)
def test_a_signal_during_a_flush_never_deadlocks(run_python: PythonRunner, otlp_sink: OtlpSink, count: int, signals: list[str]) -> None:
    done = run_python(BUSY, env=environment(otlp_sink), args=["7", str(count), *signals], timeout=20 * count)
    assert float(done.stdout) < 15


@pytest.mark.e2e
def test_sigterm_while_the_main_thread_waits_for_a_dead_receiver(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    otlp_sink.behave(Behaviour(hang=True))
    script = LOCAL + "print('ready', flush=True)\ntrace.get_tracer_provider().force_flush(60000)\n"
    process = run_python.start(script, env=environment(otlp_sink) | {"OTEL_EXPORTER_OTLP_TIMEOUT": "60"})
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    time.sleep(0.3)
    sent = time.monotonic()
    process.terminate()
    assert process.wait(30) == -signal.SIGTERM
    assert time.monotonic() - sent < 10
