"""Exporters named after receivers, over real sockets: what they add, to whom, and what they leave alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from agentops.receivers import conversations
from agentops.receivers.mlflow import MLflowSpanExporter, MLflowSpanProcessor
from agentops.receivers.phoenix import PhoenixSpanExporter, PhoenixSpanProcessor
from tests.fakes.otlp_sink import OtlpSink

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.trace import Span

    from tests.fakes.otlp_sink import SinkSpan

QUESTION, ANSWER = "gen_ai.input.messages", "gen_ai.output.messages"


def messages(role: str, *texts: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]} for text in texts])


class Both:
    """A provider with one of our exporters and, beside it, the plain one."""

    def __init__(self, kind: type[PhoenixSpanExporter] | type[MLflowSpanExporter]) -> None:
        self.sink, self.beside = OtlpSink().start(), OtlpSink().start()
        self.provider = TracerProvider()
        self.exporter = kind(endpoint=f"{self.sink.url}/v1/traces")
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"{self.beside.url}/v1/traces")))
        self.tracer = self.provider.get_tracer("test")

    def close(self) -> None:
        self.provider.shutdown()
        self.sink.stop()
        self.beside.stop()

    def span(self, name: str, attributes: Mapping[str, Any], parent: Span | None = None) -> Span:
        return self.tracer.start_span(name, set_span_in_context(parent) if parent else None, attributes=dict(attributes))

    def arrived(self) -> dict[str, SinkSpan]:
        return {span.name: span for span in self.sink.spans()}


@pytest.fixture(params=[PhoenixSpanExporter, MLflowSpanExporter])
def both(request: pytest.FixtureRequest) -> Iterator[Both]:
    pair = Both(request.param)
    yield pair
    pair.close()


@pytest.fixture
def phoenix() -> Iterator[Both]:
    pair = Both(PhoenixSpanExporter)
    yield pair
    pair.close()


def converse(pair: Both, root: Mapping[str, Any]) -> None:
    """A root with two calls of which the second began first, and a part that is no text."""
    trace = pair.span("root", root)
    first = pair.span("first", {QUESTION: messages("user", "before", "hello")}, trace)
    second = pair.span("second", {QUESTION: messages("user", "more")}, trace)
    second.set_attribute(ANSWER, messages("assistant", "thinking"))
    second.end()
    first.set_attribute(ANSWER, messages("assistant", "good bye"))
    first.end()
    trace.end()


def shown(span: SinkSpan) -> tuple[Any, Any]:
    """What goes in and comes out, by whichever receiver's names."""
    found = span.attributes
    return found.get("input.value", found.get("mlflow.spanInputs")), found.get("output.value", found.get("mlflow.spanOutputs"))


def test_a_root_shows_what_was_asked_first_and_answered_last(both: Both) -> None:
    converse(both, {"agentops.span.kind": "session"})
    assert shown(both.arrived()["root"]) == ("hello", "good bye")


def test_other_exporters_see_what_was_there(both: Both) -> None:
    converse(both, {"agentops.span.kind": "session", "agentops.entity.input": '{"a":1}'})
    assert [(span.name, span.attributes) for span in both.beside.spans()] == [
        ("second", {QUESTION: messages("user", "more"), ANSWER: messages("assistant", "thinking")}),
        ("first", {QUESTION: messages("user", "before", "hello"), ANSWER: messages("assistant", "good bye")}),
        ("root", {"agentops.span.kind": "session", "agentops.entity.input": '{"a":1}'}),
    ]
    same = ("trace_id", "span_id", "parent_span_id", "start", "end", "kind", "status_code", "scope_name", "resource")
    assert [[getattr(span, name) for name in same] for span in both.sink.spans()] == [
        [getattr(span, name) for name in same] for span in both.beside.spans()
    ]


def test_what_a_root_was_called_with_comes_before_what_was_said_in_it(both: Both) -> None:
    converse(both, {"agentops.entity.input": '{"a":1}', "agentops.entity.output": '"done"'})
    assert shown(both.arrived()["root"]) == ('{"a":1}', "done")


def test_what_the_program_set_stays(both: Both) -> None:
    given = {"input.value": "mine", "mlflow.spanInputs": "mine", "openinference.span.kind": "LLM", "mlflow.spanType": "LLM"}
    converse(both, {"agentops.span.kind": "session", **given})
    root = both.arrived()["root"]
    assert shown(root)[0] == "mine"
    assert (root.attributes["openinference.span.kind"], root.attributes["mlflow.spanType"]) == ("LLM", "LLM")


@pytest.mark.parametrize("broken", ["{", "3", '{"role": "user"}', '[{"role": "user", "parts": 3}]', '["user"]', "[]", '[{"parts": [{}]}]'])
def test_messages_that_cannot_be_read_are_left_out(both: Both, broken: str, caplog: pytest.LogCaptureFixture) -> None:
    root = both.span("root", {"agentops.entity.output": "{broken"})
    both.span("call", {QUESTION: broken, ANSWER: broken}, root).end()
    root.end()
    assert shown(both.arrived()["root"]) == (None, "{broken")
    assert caplog.messages == []


def test_a_span_below_another_processs_is_no_root(both: Both) -> None:
    remote = NonRecordingSpan(SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)))
    served = both.span("served", {}, remote)
    both.span("call", {QUESTION: messages("user", "hello")}, served).end()
    served.end()
    assert shown(both.arrived()["served"]) == (None, None)


def test_a_call_without_a_session_keeps_all_its_messages_for_mlflow() -> None:
    pair = Both(MLflowSpanExporter)
    pair.span("chat", {QUESTION: messages("user", "hello")}).end()
    assert pair.arrived()["chat"].attributes == {QUESTION: messages("user", "hello")}
    pair.close()


@pytest.mark.parametrize(("kind", "named"), [("session", "CHAIN"), ("task", "CHAIN"), ("operation", "CHAIN"), ("guardrail", "GUARDRAIL")])
def test_phoenix_is_told_what_it_does_not_know(phoenix: Both, kind: str, named: str) -> None:
    phoenix.span("span", {"agentops.span.kind": kind}).end()
    phoenix.span("theirs", {"gen_ai.operation.name": "invoke_workflow"}).end()
    phoenix.span("plain", {"http.route": "/"}).end()
    kinds = {name: span.attributes.get("openinference.span.kind") for name, span in phoenix.arrived().items()}
    assert kinds == {"span": named, "theirs": "CHAIN", "plain": None}


def test_no_more_than_a_thousand_traces_are_remembered(phoenix: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversations, "_TRACES", 2)
    roots = [phoenix.span(f"root {number}", {}) for number in range(3)]
    for root in roots:
        phoenix.span("call", {QUESTION: messages("user", "x" * 20_000)}, root).end()
    for root in roots:
        root.end()
    found = [len(span.attributes.get("input.value", "")) for name, span in sorted(phoenix.arrived().items()) if name != "call"]
    assert found == [0, 10_000, 10_000]


@pytest.mark.parametrize("kind", [PhoenixSpanProcessor, MLflowSpanProcessor])
def test_as_span_processors(kind: type[PhoenixSpanProcessor] | type[MLflowSpanProcessor], otlp_sink: OtlpSink) -> None:
    provider = TracerProvider()
    provider.add_span_processor(kind(endpoint=f"{otlp_sink.url}/v1/traces", headers={"x-mlflow-experiment-id": "0"}, timeout=5))
    with provider.get_tracer("test").start_as_current_span("root", attributes={"agentops.entity.output": '"done"'}):
        pass
    assert provider.force_flush()
    assert shown(otlp_sink.wait_for_spans(1)[0])[1] == "done"
    assert otlp_sink.requests[0].headers["x-mlflow-experiment-id"] == "0"
    provider.shutdown()
