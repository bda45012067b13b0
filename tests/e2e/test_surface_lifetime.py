"""Settings that change while a program runs, flushing, stopping, and the other distribution's files, in real processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.agentops_backend import FakeAgentOps

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.openai_server import FakeOpenAI
    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

KEY = "0f6f0e3a-61f1-4c2f-9a58-1d7a3a0f7b11"
QUIET = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}


def test_what_configure_changes_takes_effect(run_python: PythonRunner) -> None:
    with FakeAgentOps(KEY) as backend:
        run_python(configured(backend), env=QUIET)
        assert [span.name for span in backend.wait_for_spans(1)] == ["second.session"]


def configured(backend: FakeAgentOps) -> str:
    return f"""
import agentops
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
agentops.configure(trace_name="first")
agentops.init(default_tags=["a"])
agentops.end_session()
exporter, kept = InMemorySpanExporter(), InMemorySpanExporter()
agentops.configure(api_key="{KEY}", endpoint="{backend.url}", exporter_endpoint="{backend.url}/v1/traces", exporter=exporter,
                   processor=SimpleSpanProcessor(kept), default_tags=["b"], app_url="https://app")
session = agentops.start_trace("second")
session.end()
agentops.flush()
for memory in (exporter, kept):
    (span,) = memory.get_finished_spans()
    assert span.name == "invoke_workflow second" and span.attributes["agentops.tags"] == ("b",), span.to_json()
assert session.session_url.startswith("https://app/sessions?trace_id=")
"""


def test_instrumentation_can_be_turned_off_and_on(run_python: PythonRunner, otlp_sink: OtlpSink, openai_server: FakeOpenAI) -> None:
    program = """
import agentops, openai
from agentops.instrumentation import get_active_libraries
client = openai.OpenAI()
def call(model):
    client.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}])
agentops.init(auto_start_session=False)
call("one")
assert get_active_libraries() == {"openai"}
agentops.configure(instrument_llm_calls=False)
assert get_active_libraries() == set()
call("two")
agentops.configure(instrument_llm_calls=True)
call("three")
"""
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url, "OPENAI_BASE_URL": openai_server.base_url, "OPENAI_API_KEY": "test"}
    run_python(program, env=env | QUIET)
    assert [span.name for span in otlp_sink.wait_for_spans(2)] == ["chat one", "chat three"]


def test_flush_delivers_and_shutdown_stops(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    program = """
import agentops, urllib.request
agentops.init(auto_start_session=False)
agentops.start_trace("a").end()
agentops.flush(timeout=5)
print("flushed")
agentops.start_trace("b")
agentops.shutdown()
agentops.shutdown()
with agentops.start_trace("c") as session:
    assert str(session)
"""
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url, "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    done = run_python(program, env=env | QUIET)
    spans = otlp_sink.wait_for_spans(2)
    states = {span.name: span.attributes["agentops.session.end_state"] for span in spans}
    assert states == {"invoke_workflow a": "Success", "invoke_workflow b": "Indeterminate"}
    assert "Traceback" not in done.stderr


def test_shutdown_leaves_an_applications_provider_running(run_python: PythonRunner) -> None:
    program = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
memory = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(memory))
trace.set_tracer_provider(provider)
import agentops
agentops.init()
agentops.shutdown()
trace.get_tracer("app").start_span("still here").end()
assert [span.name for span in memory.get_finished_spans()] == ["agentops.session", "still here"]
"""
    run_python(program, env=QUIET)


@pytest.mark.parametrize("opted_out", [False, True])
def test_the_host_environment_is_the_resource(run_python: PythonRunner, otlp_sink: OtlpSink, opted_out: bool) -> None:
    program = f"""
import agentops
agentops.init(env_data_opt_out={opted_out})
found = agentops.helpers.get_host_env()
assert bool(found.get("host.name")) is not {opted_out}, found
"""
    run_python(program, env=QUIET | {"OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url})
    (root,) = otlp_sink.wait_for_spans(1)
    assert ("host.name" in root.resource, "process.pid" in root.resource, "os.type" in root.resource) == (not opted_out,) * 3


def test_the_other_distribution_in_the_same_environment_is_said_once(run_python: PythonRunner, tmp_path: Path) -> None:
    other = tmp_path / "site" / "agentops-0.4.21.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: agentops\nVersion: 0.4.21\n")
    program = "import agentops\nagentops.init()\nagentops.init()\nagentops.start_trace('w').end()"
    done = run_python(program, pythonpath=[other.parent])
    assert done.stderr.count("The distribution agentops 0.4.21 is installed beside agentops-opentelemetry") == 1
    assert "pip uninstall -y agentops agentops-opentelemetry" in done.stderr
    assert "beside" not in run_python(program).stderr


def test_files_that_the_other_distribution_left_are_found(run_python: PythonRunner, tmp_path: Path) -> None:
    program = """
import agentops, importlib, pathlib, shutil, sys
copy = pathlib.Path(sys.argv[1]) / "agentops"
shutil.copytree(pathlib.Path(agentops.__file__).parent, copy)
(copy / "instrumentation" / "providers").mkdir()
for name in [name for name in sys.modules if name.split(".")[0] == "agentops"]:
    del sys.modules[name]
sys.path.insert(0, sys.argv[1])
import agentops
assert agentops.__file__.startswith(sys.argv[1])
agentops.init()
"""
    done = run_python(program, args=[str(tmp_path / "copy")])
    assert "(its file instrumentation/providers) is installed beside" in done.stderr
