"""The OTLP sink, spoken to by the real exporters, and the fixtures of the suite."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import context
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode

from tests.fakes.in_memory import InMemory
from tests.fakes.otlp_sink import Behaviour, OtlpSink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

    from tests.fakes.process import PythonRunner


@contextlib.contextmanager
def tracing(sink: OtlpSink, compression: Compression) -> Iterator[TracerProvider]:
    provider = TracerProvider(resource=Resource({"service.name": "sender"}), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{sink.url}/v1/traces", headers={"x-key": "secret"}, compression=compression, timeout=5)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider
    provider.shutdown()


@pytest.mark.parametrize("compression", list(Compression))
def test_spans_arrive_as_they_were_made(otlp_sink: OtlpSink, compression: Compression) -> None:
    with tracing(otlp_sink, compression) as provider:
        tracer = provider.get_tracer("scope", "1.2", schema_url="https://schema")
        with tracer.start_as_current_span("parent") as parent:
            link = Link(SpanContext(1, 2, is_remote=False), {"why": "test"})
            with tracer.start_as_current_span("child", kind=SpanKind.CLIENT, links=[link]) as child:
                child.set_attributes({"text": "é", "list": ["a", "b"], "count": 3, "ratio": 0.5, "yes": True})
                child.add_event("happened", {"at": 1})
                child.set_status(Status(StatusCode.ERROR, "bad"))
    first, second = otlp_sink.wait_for_spans(2)
    assert (first.name, first.kind, first.status_code, first.status_description) == ("child", "CLIENT", "ERROR", "bad")
    assert first.attributes == {"text": "é", "list": ["a", "b"], "count": 3, "ratio": 0.5, "yes": True}
    assert [(event.name, event.attributes) for event in first.events] == [("happened", {"at": 1})]
    assert [(one.trace_id, one.span_id, one.attributes) for one in first.links] == [(f"{1:032x}", f"{2:016x}", {"why": "test"})]
    assert first.trace_id == second.trace_id == f"{parent.get_span_context().trace_id:032x}"
    assert (first.parent_span_id, second.parent_span_id) == (second.span_id, "")
    assert (first.scope_name, first.scope_version, first.schema_url) == ("scope", "1.2", "https://schema")
    assert first.resource["service.name"] == "sender"
    assert second.start <= first.start <= first.end <= second.end
    assert (second.kind, second.status_code) == ("INTERNAL", "UNSET")
    assert otlp_sink.counts() == {"/v1/traces": 2}
    assert otlp_sink.requests[0].headers["x-key"] == "secret"
    otlp_sink.clear()
    assert otlp_sink.spans() == otlp_sink.requests == []


def test_metrics_and_logs_arrive(otlp_sink: OtlpSink) -> None:
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{otlp_sink.url}/v1/metrics"), export_interval_millis=60_000)
    meters = MeterProvider([reader], shutdown_on_exit=False)
    meter = meters.get_meter("scope")
    meter.create_histogram("took", "s", explicit_bucket_boundaries_advisory=[1.0, 2.0]).record(1.5, {"a": "b"})
    meter.create_counter("calls").add(2)
    meters.shutdown()
    (took,), (calls,) = otlp_sink.metrics("took"), otlp_sink.metrics("calls")
    assert (took.kind, took.unit, took.temporality) == ("histogram", "s", "CUMULATIVE")
    (point,) = took.points
    assert (point.sum, point.count, point.bounds, point.bucket_counts, point.attributes) == (1.5, 1, (1, 2), (0, 1, 0), {"a": "b"})
    assert (calls.kind, calls.points[0].value) == ("sum", 2)

    loggers = LoggerProvider(shutdown_on_exit=False)
    loggers.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{otlp_sink.url}/v1/logs")))
    body = {"parts": [{"type": "text"}]}
    loggers.get_logger("scope").emit(
        LogRecord(event_name="it.happened", body=body, severity_number=SeverityNumber.INFO, severity_text="INFO", attributes={"n": 1})
    )
    loggers.shutdown()
    (log,) = otlp_sink.logs()
    assert (log.event_name, log.severity, log.body, log.attributes) == ("it.happened", "INFO", body, {"n": 1})
    assert set(log.trace_id) <= {"0"}


def test_behaviours(otlp_sink: OtlpSink, in_memory: InMemory) -> None:
    spans: list[ReadableSpan] = []
    in_memory.tracer_provider.get_tracer("scope").start_span("one").end()
    spans += in_memory.spans()
    exporter = OTLPSpanExporter(f"{otlp_sink.url}/v1/traces", timeout=0.3)

    def export(behaviour: Behaviour) -> SpanExportResult:
        otlp_sink.behave(behaviour, "/v1/traces", times=1)
        return exporter.export(spans)

    assert export(Behaviour(status=400)) is SpanExportResult.FAILURE
    assert export(Behaviour(hang=True)) is SpanExportResult.FAILURE
    assert otlp_sink.spans() == []
    assert export(Behaviour(rejected=1, message="no room")) is SpanExportResult.SUCCESS
    reply = otlp_sink.exchanges[-1].reply
    assert reply
    assert b"no room" in reply.body
    assert export(Behaviour(delay=0.05)) is SpanExportResult.SUCCESS
    assert len(otlp_sink.spans("one")) == 2
    with OtlpSink() as elsewhere:
        export(Behaviour(redirect=f"{elsewhere.url}/v1/traces"))
    assert len(otlp_sink.spans("one")) == 2
    exporter.shutdown()


def test_in_memory_counts_what_was_started_and_never_ended(in_memory: InMemory) -> None:
    tracer = in_memory.kwargs["tracer_provider"].get_tracer("scope")
    with tracer.start_as_current_span("done"):
        pass
    in_memory.assert_balanced(1)
    open_span = tracer.start_span("open")
    assert in_memory.unfinished() == ["open"]
    with pytest.raises(AssertionError, match="never ended"):
        in_memory.assert_balanced()
    open_span.end()
    in_memory.assert_balanced(2)
    in_memory.meter_provider.get_meter("scope").create_histogram("took").record(2)
    assert in_memory.points("took")[0].sum == 2
    in_memory.logger_provider.get_logger("scope").emit(LogRecord(event_name="it"))
    assert len(in_memory.logs("it")) == 1
    with InMemory(ALWAYS_OFF) as unsampled:
        unsampled.tracer_provider.get_tracer("scope").start_span("none").end()
        unsampled.assert_balanced(0)


def test_otel_context_log_keeps_what_is_logged(otel_context_log: list[str]) -> None:
    logging.getLogger("opentelemetry.context").error("for the record")
    assert otel_context_log == ["for the record"]
    otel_context_log.clear()
    token = context.attach(context.get_current())
    context.detach(token)


def test_run_python_has_a_clean_environment(run_python: PythonRunner, monkeypatch: pytest.MonkeyPatch, agentops_local_dir: Path) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "outer")
    done = run_python(
        "import os; print(os.environ.get('OTEL_SERVICE_NAME'), os.environ['AGENTOPS_LOCAL_DIR'], os.environ['X'])", env={"X": "y"}
    )
    assert done.stdout.split() == ["None", str(agentops_local_dir), "y"]
    assert os.environ["AGENTOPS_LOCAL_DIR"] == str(agentops_local_dir)
    assert run_python("import sys; sys.exit(int(sys.argv[1]))", args=["3"], check=False).returncode == 3
    with pytest.raises(AssertionError, match="still running"):
        run_python("import time; time.sleep(60)", timeout=0.5)


def test_run_python_under_the_launcher_reaches_the_sink(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    script = "from opentelemetry import trace\ntrace.get_tracer('scope').start_span('from the child').end()"
    settings = {
        "OTEL_PYTHON_DISTRO": "distro",
        "OTEL_PYTHON_CONFIGURATOR": "configurator",
        "OTEL_TRACES_EXPORTER": "otlp_proto_http",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url,
    }
    run_python(script, env=settings, instrument=True)
    assert len(otlp_sink.spans("from the child")) == 1


@given(st.integers())
def test_the_guard_goes_with_property_tests(number: int) -> None:
    assert isinstance(number, int)
    assert "agentops-local" in os.environ["AGENTOPS_LOCAL_DIR"]
