"""Spans in AgentOps' vocabulary, as its dashboard reads them; and beside that exporter, spans as they always were."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, set_span_in_context

from agentops import config
from agentops.export import tokens
from agentops.export.backend import AgentOpsSpanExporter
from agentops.export.translate import translated
from agentops_instrumentors.core.encoding import to_json
from agentops_instrumentors.core.messages import Message, TextPart, ToolCallPart
from tests.fakes import agentops_dashboard as dashboard
from tests.fakes.otlp_values import decode_spans

if TYPE_CHECKING:
    from tests.fakes.agentops_backend import FakeAgentOps
    from tests.fakes.otlp_sink import OtlpSink, SinkSpan


def sent(name: str, attributes: dict[str, Any], kind: SpanKind = SpanKind.INTERNAL, status: Status | None = None) -> SinkSpan:
    """The span as AgentOps receives it."""
    span = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span(name, kind=kind, attributes=attributes)
    if status is not None:
        span.set_status(status)
    span.end()
    (found,) = decode_spans(translated(encode_spans([span])).SerializeToString())  # type: ignore[list-item]
    return found


CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.finish_reasons": ("tool_calls",),
    "gen_ai.request.stream": True,
    "gen_ai.usage.input_tokens": 130,
    "gen_ai.usage.output_tokens": 50,
    "gen_ai.usage.cache_read.input_tokens": 100,
    "gen_ai.usage.reasoning.output_tokens": 20,
    "agentops.agent.id": "a-1",
    "agentops.agent.name": "researcher",
    "agentops.usage.cost.amount": 0.25,
    "agentops.usage.cost.currency": "USD",
    "session.id": "s",
    "gen_ai.system_instructions": '[{"type":"text","content":"be kind"}]',
    "gen_ai.input.messages": """[
        {"role":"user","parts":[{"type":"text","content":"look"},{"type":"uri","modality":"image","uri":"https://x/y.png"}]},
        {"role":"assistant","parts":[{"type":"tool_call","name":"f","id":"c1","arguments":{"q":1}}]},
        {"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":{"hits":2}},
                                {"type":"tool_call_response","id":"c2","response":"two"}]}]""",
    "gen_ai.output.messages": """[{"role":"assistant","finish_reason":"tool_call","parts":[
        {"type":"reasoning","content":"hm"},{"type":"text","content":"I will"},{"type":"text","content":"see"},
        {"type":"tool_call","name":"g","id":"c3","arguments":"{}"},{"type":"server_tool_call","name":"search","server_tool_call":{"type":"w"}},
        {"type":"blob","modality":"image","mime_type":"image/png","content":"","size":7},{"type":"new","x":1}]}]""",
    "gen_ai.tool.definitions": '[{"type":"function","name":"f","description":"does","parameters":{"type":"object"}},{"name":"g"}]',
}


def test_a_model_call_in_the_chat_view() -> None:
    span = sent("chat gpt-4o", CHAT, SpanKind.CLIENT)
    model, prompts, completions = dashboard.chat(span)
    assert model == "gpt-4o-2024-08-06"
    assert prompts == [
        dashboard.ChatMessage("system", "be kind"),
        dashboard.ChatMessage("user", "look\n[image https://x/y.png]"),
        dashboard.ChatMessage("assistant", "", tool_calls=(("c1", "f", '{"q":1}'),)),
        dashboard.ChatMessage("tool", '{"hits":2}'),
        dashboard.ChatMessage("tool", "two"),
    ]
    text = 'I will\nsee\n[image image/png, 7 bytes]\n[new] {"type":"new","x":1}'
    calls = (("c3", "g", "{}"), ("", "search", '{"type":"w"}'))
    assert completions == [dashboard.ChatMessage("assistant", text, "tool_call", calls)]
    assert span.attributes["gen_ai.prompt.3.tool_call_id"] == "c1"
    assert span.attributes["gen_ai.completion.0.reasoning"] == "hm"
    assert span.attributes["gen_ai.request.functions.0.parameters"] == '{"type":"object"}'
    assert span.attributes["gen_ai.request.functions.1.name"] == "g"
    assert (span.attributes["gen_ai.system"], span.attributes["gen_ai.request.streaming"]) == ("openai", True)
    assert (dashboard.visual_type(span), dashboard.span_type(span), span.name) == ("llm", "request", "chat gpt-4o")


def test_its_tokens_and_cost_are_counted_once() -> None:
    found = dashboard.metrics([sent("chat gpt-4o", CHAT)])
    assert {name: found[name] for name in ("prompt_tokens", "completion_tokens", "cache_read_input_tokens", "reasoning_tokens")} == {
        "prompt_tokens": 130,
        "completion_tokens": 50,
        "cache_read_input_tokens": 100,
        "reasoning_tokens": 20,
    }
    assert (found["total_tokens"], found["total_cost"]) == (180, "0.2500000")


def test_nothing_of_the_newer_vocabulary_is_left_twice() -> None:
    names = sent("chat gpt-4o", CHAT).attributes.keys()
    newer = {"gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.usage.input_tokens", "gen_ai.provider.name", "agentops.agent.id"}
    assert names & newer == set()


@pytest.mark.parametrize("messages", ["not json", "{}", "[1, null]", '[{"role":"user"}]', '[{"parts":"x"}]', "[]"])
def test_messages_that_are_none_do_no_harm(messages: str) -> None:
    span = sent("chat m", {"gen_ai.operation.name": "chat", "gen_ai.input.messages": messages, "gen_ai.output.messages": messages})
    assert dashboard.visual_type(span) == "llm"
    dashboard.chat(span)


def test_a_model_call_without_content_has_no_chat() -> None:
    metadata = {name: value for name, value in CHAT.items() if "messages" not in name and "instructions" not in name}
    assert dashboard.chat(sent("chat gpt-4o", metadata)) == ("gpt-4o-2024-08-06", [], [])


def test_a_cost_in_another_currency_is_not_taken_for_dollars() -> None:
    assert dashboard.metrics([sent("chat m", {**CHAT, "agentops.usage.cost.currency": "EUR"})])["total_cost"] == "0.0000000"


@pytest.mark.parametrize("failed", [True, False])
def test_a_tool_in_its_panel(failed: bool) -> None:
    attributes = {
        "agentops.span.kind": "tool",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "search",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.arguments": '{"q":1}',
        "gen_ai.tool.call.result": "[]",
        "gen_ai.agent.name": "researcher",
        "agentops.agent.id": "a-1",
        "agentops.usage.cost.amount": 0.5,
    }
    span = sent("execute_tool search", attributes, status=Status(StatusCode.ERROR, "no") if failed else None)
    assert span.name == "search.tool"
    assert dashboard.tool_panel(span) == dashboard.ToolPanel("search", '{"q":1}', "[]", "failed" if failed else "succeeded")
    assert (dashboard.visual_type(span), dashboard.span_type(span)) == ("error" if failed else "tool", "tool")
    assert dashboard.metrics([span])["total_cost"] == "0.5000000"


def test_an_agent_in_its_panel_counts_no_tokens_of_its_calls() -> None:
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "researcher",
        "gen_ai.agent.id": "a-1",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.tool.definitions": '[{"name":"search"},{"name":"read"}]',
    }
    span = sent("invoke_agent researcher", attributes)
    assert span.name == "researcher.agent"
    assert dashboard.agent_panel(span) == dashboard.AgentPanel("researcher", ["search", "read"], ["gpt-4o"])
    assert (dashboard.visual_type(span), dashboard.span_type(span)) == ("agent", "agent")
    assert dashboard.metrics([span])["total_tokens"] == 0
    assert dashboard.metrics([sent("invoke_agent researcher", attributes, SpanKind.CLIENT)])["total_tokens"] == 7


@pytest.mark.parametrize(
    ("name", "attributes", "expected", "status"),
    [
        ("invoke_workflow job", {"gen_ai.workflow.name": "job", "agentops.session.end_state": "Success"}, "job.session", "OK"),
        ("invoke_workflow job", {"gen_ai.workflow.name": "job", "agentops.session.end_state": "Fail"}, "job.session", "ERROR"),
        ("invoke_workflow job", {"gen_ai.workflow.name": "job", "agentops.session.end_state": "Indeterminate"}, "job.session", "UNSET"),
        ("agentops.session", {"agentops.session.end_state": "Success"}, "agentops.session", "OK"),
        ("agentops.session", {}, "agentops.session", "UNSET"),
    ],
)
def test_a_session_has_its_name_tags_and_state(name: str, attributes: dict[str, Any], expected: str, status: str) -> None:
    whole = {"agentops.span.kind": "session", "gen_ai.operation.name": "invoke_workflow", "agentops.tags": ["a", "b"], **attributes}
    span = sent(name, whole)
    row = dashboard.trace_row([span])
    assert (row.name, row.tags, span.status_code) == (expected, ["a", "b"], status)
    assert dashboard.visual_type(span) == ("error" if status == "ERROR" else "session")
    assert dashboard.span_type(span) == "other"
    assert span.attributes["operation.name"] == expected.removesuffix(".session")


@pytest.mark.parametrize("kind", ["operation", "task", "workflow", "guardrail"])
def test_other_kinds_end_in_their_kind(kind: str) -> None:
    attributes = {"agentops.span.kind": kind, "agentops.entity.input": "{}", "agentops.agent.id": "a", "agentops.agent.name": "n"}
    span = sent(f"{kind} fetch", {**attributes, "agentops.entity.version": "2"})
    assert (span.name, dashboard.visual_type(span), dashboard.span_type(span)) == (f"fetch.{kind}", kind, "other")
    assert (span.attributes["agentops.entity.input"], span.attributes["operation.version"]) == ("{}", "2")
    assert (span.attributes["agent_id"], span.attributes["agent_name"]) == ("a", "n")


def test_a_span_of_no_kind_of_ours_is_left_alone() -> None:
    attributes = {"http.request.method": "GET", "list": ("a", "b"), "flag": True, "ratio": 0.5}
    span = sent("GET /", attributes, SpanKind.SERVER)
    assert (span.name, span.attributes) == ("GET /", {**attributes, "list": ["a", "b"]})


def test_everything_else_of_a_span_survives() -> None:
    provider = TracerProvider(resource=Resource({"service.name": "s"}), shutdown_on_exit=False)
    tracer = provider.get_tracer("scope", "1")
    parent = tracer.start_span("parent")
    link = Link(SpanContext(1, 2, False), {"k": "v"})
    attributes = {"gen_ai.operation.name": "chat", "n": 1, "numbers": (1, 2), "floats": (0.5,), "flags": (True, False), "empty": ()}
    span = tracer.start_span("chat m", set_span_in_context(parent), SpanKind.CLIENT, attributes, [link], record_exception=False)
    span.add_event("seen", {"at": 3})
    span.set_status(Status(StatusCode.ERROR, "broken"))
    span.end()
    (before,) = decode_spans(encode_spans([span]).SerializeToString())  # type: ignore[list-item]
    (after,) = decode_spans(translated(encode_spans([span])).SerializeToString())  # type: ignore[list-item]
    for field in ("trace_id", "span_id", "parent_span_id", "kind", "start", "end", "events", "links", "flags", "scope_name", "resource"):
        assert getattr(after, field) == getattr(before, field), field
    assert (after.status_code, after.status_description) == ("ERROR", "broken")
    assert {name: after.attributes[name] for name in attributes if "." not in name} == {
        name: list(value) if isinstance(value, tuple) else value for name, value in attributes.items() if "." not in name
    }


class Counting(IdGenerator):
    """The same ids in every run."""

    def __init__(self) -> None:
        self.last = 0

    def generate_span_id(self) -> int:
        self.last += 1
        return self.last

    def generate_trace_id(self) -> int:
        return self.generate_span_id()


def recorded(otlp_sink: OtlpSink, *ours: AgentOpsSpanExporter) -> list[bytes]:
    """The OTLP requests, decompressed, of a program with and without the AgentOps exporters before the OTLP one."""
    otlp_sink.exchanges.clear()
    provider = TracerProvider(resource=Resource({"service.name": "s"}), shutdown_on_exit=False, id_generator=Counting())
    for exporter in (*ours, OTLPSpanExporter(f"{otlp_sink.url}/v1/traces")):
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("t")
    session = {"agentops.span.kind": "session", "gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "w"}
    root = tracer.start_span("invoke_workflow w", attributes={**session, "agentops.session.end_state": "Success"}, start_time=1)
    inside = set_span_in_context(root)
    for number, (name, attributes) in enumerate((("chat gpt-4o", CHAT), ("execute_tool f", {"gen_ai.operation.name": "execute_tool"}))):
        tracer.start_span(name, inside, attributes=attributes, start_time=10 + number).end(20 + number)
    root.end(30)
    provider.shutdown()
    bodies = [request.body for request in otlp_sink.requests]
    return [gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body for body in bodies]


def test_an_exporter_beside_ours_sends_the_same_bytes_as_without(
    otlp_sink: OtlpSink, agentops_backend: FakeAgentOps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_known", {})
    monkeypatch.setattr(config, "_current", config.Settings(endpoint=agentops_backend.url))
    alone = recorded(otlp_sink)
    ours = AgentOpsSpanExporter(endpoint=f"{agentops_backend.url}/v1/traces", api_key=agentops_backend.keys[0], claimed=True)
    beside = recorded(otlp_sink, ours)
    assert beside == alone
    assert len(alone) == 3
    (row,) = agentops_backend.trace_list()
    assert (row.name, row.spans) == ("w.session", 3)


def test_the_kernels_own_encoder_writes_what_is_read_here() -> None:
    said = [Message("user", [TextPart("hi"), ToolCallPart("f", "c", {"a": 1})])]
    span = sent("chat m", {"gen_ai.operation.name": "chat", "gen_ai.input.messages": to_json(said, 10_000, None)})
    assert dashboard.chat(span)[1] == [dashboard.ChatMessage("user", "hi", tool_calls=(("c", "f", '{"a":1}'),))]
