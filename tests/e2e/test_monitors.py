"""What a process tells of itself: metrics at a real receiver, and the last sign of life of one that was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

OURS = {"agentops.sessions.open", "agentops.spans.open", "agentops.heartbeat"}
PROCESS = {"process.cpu.time", "process.memory.usage", "process.thread.count"}
WORK = """
import agentops
from opentelemetry import metrics, trace
a = agentops.start_trace("a")
b = agentops.start_trace("b")
with trace.get_tracer("t").start_as_current_span("work"):
    metrics.get_meter_provider().force_flush()
"""
INIT = "import agentops\nagentops.init(auto_start_session=False)\n"
LOOP = """
import asyncio, time
import agentops
from opentelemetry import metrics, trace
session = agentops.init(auto_start_session=True)
async def main():
    with trace.get_tracer("t").start_as_current_span("work"):
        await asyncio.sleep(0.8)
        time.sleep(0.9)
        await asyncio.sleep(0.3)
    metrics.get_meter_provider().force_flush()
asyncio.run(main())
"""
LEFT_OPEN = """
import time
import agentops
agentops.init()
from agentops.store.processor import local_store
local_store().writer.flush()
print(agentops.__version__, flush=True)
time.sleep(60)
"""


def environment(sink: OtlpSink, **more: str) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "AGENTOPS_AUTO_START_SESSION": "false", **more}


def names(sink: OtlpSink) -> set[str]:
    return {metric.name for metric in sink.metrics()}


def value(sink: OtlpSink, name: str) -> float:
    """The first value that arrived."""
    return sink.metrics(name)[0].points[0].value


@pytest.mark.parametrize("way", ["init", "launcher", "both"])
def test_monitors_of_a_process(run_python: PythonRunner, otlp_sink: OtlpSink, way: str) -> None:
    script = ("" if way == "launcher" else INIT) + WORK
    done = run_python(script, env=environment(otlp_sink), instrument=way != "init")
    assert done.stderr == ""
    assert names(otlp_sink) >= OURS | PROCESS
    assert (value(otlp_sink, "agentops.sessions.open"), value(otlp_sink, "agentops.spans.open")) == (2, 3)
    assert abs(value(otlp_sink, "agentops.heartbeat") - time.time()) < 120
    assert "agentops.event_loop.lag" not in names(otlp_sink)


def test_how_late_an_event_loop_runs(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    done = run_python(LOOP, env=environment(otlp_sink))
    assert done.stderr == ""
    # The timer of the first second came due 0.7 s before the loop was free again.
    assert 0.3 < value(otlp_sink, "agentops.event_loop.lag") < 30


@pytest.mark.parametrize(
    "settings",
    [
        {"OTEL_METRICS_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "", "OTEL_SDK_DISABLED": "true"},
    ],
)
@pytest.mark.parametrize("way", ["init", "launcher"])
def test_nothing_is_loaded_where_metrics_go_nowhere(
    run_python: PythonRunner, otlp_sink: OtlpSink, settings: dict[str, str], way: str
) -> None:
    modules = ("opentelemetry.instrumentation.system_metrics", "agentops.monitors")
    script = (INIT if way == "init" else "") + f"import sys\nprint([name for name in {modules} if name in sys.modules])"
    done = run_python(script, env={**environment(otlp_sink), **settings}, instrument=way == "launcher")
    assert done.stdout == "[]\n"


def test_host_data_stays_out_where_it_is_not_wanted(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    run_python(INIT + WORK, env=environment(otlp_sink, AGENTOPS_ENV_DATA_OPT_OUT="true"))
    assert names(otlp_sink) >= OURS
    assert names(otlp_sink).isdisjoint(PROCESS)


def test_metrics_of_an_application_with_its_own_providers(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    own = """
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
import sys
metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(sys.argv[1] + "/v1/metrics"))]))
if len(sys.argv) > 2:
    trace.set_tracer_provider(TracerProvider())
"""
    for more in ([], ["its own tracer provider, too"]):
        otlp_sink.clear()
        run_python(own + INIT + WORK, args=[otlp_sink.url, *more], env={"AGENTOPS_AUTO_START_SESSION": "false"})
        assert names(otlp_sink) >= OURS | PROCESS
        assert value(otlp_sink, "agentops.sessions.open") == 2


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_a_session_whose_process_vanished_shows_its_last_heartbeat(run_python: PythonRunner, agentops_local_dir: Path) -> None:
    process = run_python.start(LEFT_OPEN)
    assert process.stdout is not None
    process.stdout.readline()
    (file,) = agentops_local_dir.glob("*.jsonl")
    beat = time.time() - 5
    os.utime(file, (beat, beat))
    running = json.loads(show(agentops_local_dir, "--json"))
    assert (running["running"], running["last_heartbeat"]) == (True, None)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    found = json.loads(show(agentops_local_dir, "--json"))
    assert (found["state"], found["running"]) == ("Indeterminate", False)
    assert found["last_heartbeat"][:19] == time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(beat))
    text = show(agentops_local_dir)
    assert "vanished" in text
    assert f"last heartbeat {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(beat))}" in text


def show(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "agentops", "show", *arguments, "--dir", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True, timeout=60).stdout
