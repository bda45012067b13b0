"""OpenInference's spans as the AgentOps backend shows them."""

from __future__ import annotations

import json

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider

from agentops.export.translate import translated
from agentops.export.translate_openinference import as_conventions
from tests.fakes.otlp_values import SinkSpan, decode_spans

CALL = {
    "openinference.span.kind": "LLM",
    "llm.system": "openai",
    "llm.model_name": "gpt-4o-mini-2024-07-18",
    "llm.token_count.prompt": 11,
    "llm.token_count.completion": 6,
    "llm.token_count.prompt_details.cache_read": 3,
    "llm.finish_reason": "tool_calls",
    "llm.input_messages.1.message.role": "user",
    "llm.input_messages.1.message.contents.0.message_content.type": "text",
    "llm.input_messages.1.message.contents.0.message_content.text": "How high?",
    "llm.input_messages.0.message.role": "system",
    "llm.input_messages.0.message.content": "Be brief.",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.tool_calls.0.tool_call.id": "call_1",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "tides",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"port": "Dover"}',
}


def sent(name: str, attributes: dict[str, object]) -> SinkSpan:
    span = TracerProvider(shutdown_on_exit=False).get_tracer("openinference.instrumentation.openai").start_span(name, attributes=attributes)
    span.end()
    (found,) = decode_spans(translated(encode_spans([span])).SerializeToString())  # type: ignore[list-item]
    return found


def test_a_call_has_its_tokens_and_messages() -> None:
    shown = sent("ChatCompletion", CALL).attributes
    expected = {
        "agentops.span.kind": "llm",
        "gen_ai.system": "openai",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.usage.prompt_tokens": 11,
        "gen_ai.usage.completion_tokens": 6,
        "gen_ai.usage.total_tokens": 17,
        "gen_ai.usage.cache_read_input_tokens": 3,
        "gen_ai.prompt.0.role": "system",
        "gen_ai.prompt.0.content": "Be brief.",
        "gen_ai.prompt.1.content": "How high?",
        "gen_ai.completion.0.finish_reason": "tool_calls",
        "gen_ai.completion.0.tool_calls.0.name": "tides",
    }
    assert {name: shown.get(name) for name in expected} == expected


def test_a_tool_has_its_panel() -> None:
    span = sent(
        "tides", {"openinference.span.kind": "TOOL", "tool.name": "tides", "input.value": '{"port": "Dover"}', "output.value": "6 m"}
    )
    assert span.name == "tides.tool"
    assert (span.attributes["tool.parameters"], span.attributes["tool.result"]) == ('{"port": "Dover"}', "6 m")


@pytest.mark.parametrize(
    "given", [{"http.request.method": "GET"}, {"openinference.span.kind": "CHAIN"}, {**CALL, "gen_ai.operation.name": "chat"}]
)
def test_what_is_not_its_own_or_speaks_both_stays(given: dict[str, object]) -> None:
    assert as_conventions(given) is given


def test_parts_keep_their_order() -> None:
    messages = json.loads(as_conventions(CALL)["gen_ai.input.messages"])
    assert [message["role"] for message in messages] == ["system", "user"]
