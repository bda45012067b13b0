"""A session follows its program's calls into the services it calls, and never to the vendors of language models."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from tests.fakes.openai_server import FakeOpenAI
    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

# What an instrumented HTTP client does: the SDK's own client library has no instrumentation on every version.
VENDOR = """
from openai import DefaultHttpxClient, OpenAI
from opentelemetry.propagate import inject
http = DefaultHttpxClient(event_hooks={"request": [lambda request: inject(request.headers)]})
vendor = OpenAI(base_url=os.environ["VENDOR"], api_key="test", max_retries=0, http_client=http)
def ask(): vendor.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
"""
SERVER = (
    """
import os, threading
from flask import Flask
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from werkzeug.serving import make_server
FlaskInstrumentor().instrument()
"""
    + VENDOR
    + """
app = Flask(__name__)
@app.get("/work")
def work():
    ask()
    return "done"
server = make_server("127.0.0.1", 0, app)
print(server.port, flush=True)
server.serve_forever()
"""
)
CLIENT = (
    """
import os, sys
import agentops, requests
from opentelemetry import baggage
from opentelemetry.context import attach
from opentelemetry.instrumentation.requests import RequestsInstrumentor
RequestsInstrumentor().instrument()
agentops.init(auto_start_session=False)
"""
    + VENDOR
    + """
@agentops.tool
def call(): requests.get(sys.argv[1] + "/work").raise_for_status()
"""
)


def environment(sink: OtlpSink, vendor: FakeOpenAI) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "VENDOR": vendor.base_url,
    }


def serve(run_python: PythonRunner, env: dict[str, str]) -> str:
    """A service in a process of its own, under the launcher; its URL."""
    server = run_python.start(SERVER, env=env, instrument=True)
    assert server.stdout is not None
    port = server.stdout.readline().strip()
    assert port, server.communicate()[1]
    return f"http://127.0.0.1:{port}"


def test_a_session_spans_the_services_it_calls(run_python: PythonRunner, otlp_sink: OtlpSink, openai_server: FakeOpenAI) -> None:
    env = environment(otlp_sink, openai_server)
    url = serve(run_python, env)
    script = CLIENT + "with agentops.start_trace('job') as session:\n    call()\n    ask()\nprint(session)\n"
    session_id = run_python(script, env=env, args=[url]).stdout.strip()
    spans = otlp_sink.wait_for_spans(6)
    assert {span.trace_id for span in spans} == {UUID(session_id).hex}
    assert {span.attributes.get("session.id") for span in spans} == {session_id}
    assert sorted(span.kind for span in spans) == ["CLIENT", "CLIENT", "CLIENT", "INTERNAL", "INTERNAL", "SERVER"]
    (root,) = [span for span in spans if not span.parent_span_id]
    assert root.name == "invoke_workflow job"
    (serving,) = [span for span in spans if span.kind == "SERVER"]
    assert len({span.resource["process.pid"] for span in spans}) == 2
    asked = {span.parent_span_id for span in spans if span.name == "chat m"}
    assert asked == {root.span_id, serving.span_id}


def test_the_vendor_is_told_the_trace_but_not_the_session(run_python: PythonRunner, otlp_sink: OtlpSink, openai_server: FakeOpenAI) -> None:
    env = environment(otlp_sink, openai_server)
    script = CLIENT + (
        "attach(baggage.set_baggage('tenant', 'acme'))\nwith agentops.start_trace('job') as session:\n    call()\n    ask()\n"
    )
    run_python(script, env=env, args=[serve(run_python, env)])
    (remote, local) = openai_server.requests
    assert "traceparent" in remote.headers
    assert remote.headers["baggage"] == local.headers["baggage"] == "tenant=acme"


def test_a_session_id_that_is_not_this_traces_is_left_alone(
    run_python: PythonRunner, otlp_sink: OtlpSink, openai_server: FakeOpenAI
) -> None:
    """Neither is a visitor's own `session.id` taken for one of ours, nor an application's replaced."""
    env = environment(otlp_sink, openai_server)
    script = CLIENT + (
        "attach(baggage.set_baggage('session.id', 'visitor-7'))\n"
        "from opentelemetry import trace\nprint(baggage.get_baggage('session.id'))\n"
        "with trace.get_tracer('x').start_as_current_span('page'): call()\n"
        "with agentops.start_trace('job'): print(baggage.get_baggage('session.id'))\n"
    )
    assert run_python(script, env=env, args=[serve(run_python, env)]).stdout.split() == ["visitor-7", "visitor-7"]
    spans = otlp_sink.wait_for_spans(6)
    stamped = {span.name for span in spans if "session.id" in span.attributes}
    assert stamped == {"invoke_workflow job"}
