"""Sessions still open when a real program ends, however it ends: one root each at a real receiver, with the right state."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess

    from tests.fakes.otlp_sink import OtlpSink, SinkSpan
    from tests.fakes.process import PythonRunner

OPEN = """
import agentops, os, sys, time
agentops.init(auto_start_session=False)
a = agentops.start_trace("a")
b = agentops.start_trace("b")
"""
READY = "print('ready', flush=True)\ntime.sleep(60)"


def environment(sink: OtlpSink) -> dict[str, str]:
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}


def roots(sink: OtlpSink, count: int = 2) -> dict[str, SinkSpan]:
    """The roots that arrived, by name; as many as there should be, each once."""
    sink.wait_for_spans(count)
    found = {span.name: span for span in sink.spans()}
    assert len(sink.spans()) == len(found) == count
    return found


def state(span: SinkSpan) -> tuple[object, object]:
    return span.attributes.get("agentops.session.end_state"), span.attributes.get("agentops.session.end_state_reason")


@pytest.mark.parametrize("ending", ["", "sys.exit()", "sys.exit(0)", "sys.exit(3)", "sys.exit('no luck')"])
def test_normal_exit_is_indeterminate(run_python: PythonRunner, otlp_sink: OtlpSink, ending: str) -> None:
    run_python(OPEN + ending, env=environment(otlp_sink), check=False)
    for root in roots(otlp_sink).values():
        assert state(root) == ("Indeterminate", None)


def test_uncaught_exception_fails_every_open_session(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    script = OPEN + "b.end()\nc = agentops.start_trace('c')\nraise LookupError('card 4111')"
    done = run_python(script, env=environment(otlp_sink), check=False)
    assert done.returncode == 1
    assert "LookupError: card 4111" in done.stderr
    found = roots(otlp_sink, 3)
    assert state(found["invoke_workflow b"]) == ("Success", None)
    for name in ("invoke_workflow a", "invoke_workflow c"):
        assert state(found[name]) == ("Fail", "LookupError")
        assert found[name].attributes["error.type"] == "LookupError"
        assert "4111" not in repr(found[name])


def test_interrupt_from_the_keyboard_fails_with_its_reason(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    process = run_python.start(OPEN + READY, env=environment(otlp_sink))
    after_ready(process, signal.SIGINT)
    for root in roots(otlp_sink).values():
        assert state(root) == ("Fail", "KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT


def test_sigterm_is_indeterminate_with_its_reason_and_still_kills(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    process = run_python.start(OPEN + READY, env=environment(otlp_sink))
    after_ready(process, signal.SIGTERM)
    assert process.returncode == -signal.SIGTERM
    for root in roots(otlp_sink).values():
        assert state(root) == ("Indeterminate", "SIGTERM")


def test_sigterm_while_a_span_is_being_ended(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    """The main thread may hold any lock of the SDK when the signal comes."""
    script = OPEN + (
        "from opentelemetry import trace\ntracer = trace.get_tracer('x')\nprint('ready', flush=True)\n"
        "while True:\n    agentops.start_trace('busy').end()\n    a.add_tags('t')\n"
    )
    process = run_python.start(script, env=environment(otlp_sink) | {"OTEL_BSP_MAX_QUEUE_SIZE": "100000"})
    started = after_ready(process, signal.SIGTERM)
    assert process.returncode == -signal.SIGTERM
    assert time.monotonic() - started < 15


def test_sigterm_belongs_to_whoever_handles_it(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    script = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n" + OPEN + READY
    process = run_python.start(script, env=environment(otlp_sink))
    after_ready(process, signal.SIGTERM)
    assert process.returncode == 7
    for root in roots(otlp_sink).values():
        assert state(root) == ("Indeterminate", None)


def test_sigterm_with_a_dead_receiver_takes_at_most_five_seconds(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    from tests.fakes.otlp_sink import Behaviour

    otlp_sink.behave(Behaviour(hang=True))
    process = run_python.start(OPEN + READY, env=environment(otlp_sink))
    started = after_ready(process, signal.SIGTERM)
    assert process.returncode == -signal.SIGTERM
    assert time.monotonic() - started < 9


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_child_joins_but_never_ends_the_parents_session(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    script = OPEN + (
        "from opentelemetry import trace\ntracer = trace.get_tracer('x')\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    tracer.start_span('in the child').end()\n"
        "    b.end('Fail')\n"
        "    own = agentops.start_trace('child')\n"
        "    own.end()\n"
        "    sys.exit()\n"
        "os.waitpid(pid, 0)\nagentops.end_trace()\n"
    )
    run_python(script, env=environment(otlp_sink))
    found = roots(otlp_sink, 4)
    assert found["in the child"].trace_id == found["invoke_workflow b"].trace_id
    assert found["in the child"].attributes["session.id"] == found["invoke_workflow b"].attributes["session.id"]
    assert len({found[name].trace_id for name in found}) == 3
    assert {state(span) for name, span in found.items() if name != "in the child"} == {("Success", None)}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_child_drops_the_default_session(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    script = (
        "import os, sys\nfrom opentelemetry import trace\nfrom opentelemetry.context import get_current\n"
        "from agentops_instrumentors.core.telemetry import parent_context\n"
        "tracer = trace.get_tracer('x')\n"
        "def call(name): tracer.start_span(name, context=parent_context(get_current())).end()\n"
        "call('before')\npid = os.fork()\n"
        "call('after in the ' + ('parent' if pid else 'child'))\n"
        "if pid: os.waitpid(pid, 0)\n"
    )
    run_python(script, env=environment(otlp_sink), instrument=True)
    otlp_sink.wait_for_spans(5)
    ids = {span.name: span.attributes["session.id"] for span in otlp_sink.spans() if span.name != "agentops.session"}
    assert ids["before"] == ids["after in the parent"] != ids["after in the child"]
    assert sorted(ids.values()).count(ids["before"]) == 2
    assert {span.attributes["session.id"] for span in otlp_sink.spans("agentops.session")} == set(ids.values())
    assert len(otlp_sink.spans("agentops.session")) == 2


def after_ready(process: subprocess.Popen[str], number: signal.Signals) -> float:
    """Send the signal once the program says it is ready, and wait for its end; when it was sent."""
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    sent = time.monotonic()
    process.send_signal(number)
    process.wait(30)
    return sent
