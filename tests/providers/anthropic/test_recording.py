"""What a message leaves behind: attributes, usage, events, errors."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from opentelemetry.trace import SpanKind, StatusCode

from agentops_instrumentors.core import cost
from agentops_instrumentors.core.content import ContentMode
from tests.providers.anthropic.vendor import MODEL, THINKING

if TYPE_CHECKING:
    from tests.providers.anthropic.conftest import AnthropicRecorder

DATED = "claude-haiku-4-5-20251001"
HELLO: Any = [{"role": "user", "content": "hello there"}]
ASKED: dict[str, Any] = {"model": MODEL, "max_tokens": 100, "messages": HELLO}
CACHED: Any = [{"type": "text", "text": "Be brief. " * 40, "cache_control": {"type": "ephemeral"}}]


def message(*content: dict[str, Any], reason: str | None = "end_turn", usage: dict[str, Any] | None = None) -> dict[str, Any]:
    """The body of an answer."""
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": DATED, "stop_sequence": None}
    return {**head, "content": list(content), "stop_reason": reason, "usage": usage or {"input_tokens": 3, "output_tokens": 5}}


def test_every_attribute_of_a_plain_message(record: AnthropicRecorder) -> None:
    answer = record.client.messages.create(**ASKED)
    span = record.span
    assert (span.name, span.kind) == (f"chat {MODEL}", SpanKind.CLIENT)
    assert (span.status.status_code, span.status.description, span.events) == (StatusCode.UNSET, None, ())
    assert span.instrumentation_scope
    assert (span.instrumentation_scope.name, span.instrumentation_scope.schema_url) == ("agentops_instrumentors.anthropic", "")
    assert record.attributes() == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": MODEL,
        "gen_ai.request.max_tokens": 100,
        "gen_ai.response.id": answer.id,
        "gen_ai.response.model": DATED,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.cache_write.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 0,
        "anthropic.response.service_tier": "standard",
        **record.where(),
    }
    assert record.content("input.messages") == [{"role": "user", "parts": [{"type": "text", "content": "hello there"}]}]
    said = {"role": "assistant", "parts": [{"type": "text", "content": "You said: hello there"}], "finish_reason": "stop"}
    assert record.content("output.messages") == [said]
    assert record.content("system_instructions") is record.content("tool.definitions") is None


@pytest.mark.parametrize("how", ["create", "stream", "beta", "beta stream"])
def test_a_stream_says_what_a_whole_message_says(record: AnthropicRecorder, how: str) -> None:
    messages: Any = record.client.beta.messages if "beta" in how else record.client.messages
    record.client.messages.create(**ASKED)
    whole = record.attributes()
    record.telemetry.clear()
    record.server.reset()
    if "stream" in how:
        with messages.stream(**ASKED) as stream:
            stream.get_final_message()
    else:
        list(messages.create(stream=True, **ASKED))
    assert record.attributes() == {**whole, "gen_ai.request.stream": True}
    assert record.said == [{"type": "text", "content": "You said: hello there"}]
    assert (record.span.attributes or {})["gen_ai.response.time_to_first_chunk"]


def test_asynchronously(record: AnthropicRecorder) -> None:
    async def run() -> None:
        async with record.async_client() as client:
            await client.messages.create(**ASKED)
            async with client.messages.stream(**ASKED) as stream:
                await stream.get_final_message()
            async for _event in await client.beta.messages.create(stream=True, **ASKED):
                pass

    asyncio.run(run())
    record.telemetry.assert_balanced(3)
    spans = record.telemetry.spans(f"chat {MODEL}")
    assert [(span.attributes or {})["gen_ai.usage.output_tokens"] for span in spans] == [5, 5, 5]


def test_request_parameters(record: AnthropicRecorder) -> None:
    record.client.messages.create(
        **ASKED,
        stop_sequences=["END", "STOP"],
        extra_body={
            "service_tier": "standard_only",
            "temperature": 0.2,
            "top_p": 0.9,
            "top_k": 40,
            "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {}}},
        },
    )
    assert record.attributes("gen_ai.request", "anthropic.request", "gen_ai.output.type") == {
        "gen_ai.request.model": MODEL,
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.top_k": 40,
        "gen_ai.request.stop_sequences": ("END", "STOP"),
        "gen_ai.request.reasoning.level": "high",
        "anthropic.request.service_tier": "standard_only",
        "gen_ai.output.type": "json",
    }


@pytest.mark.parametrize("streamed", [False, True])
def test_cached_tokens_are_part_of_the_input(record: AnthropicRecorder, streamed: bool) -> None:
    assert cost.ready(30)
    counted = []
    for _ in range(2):
        record.telemetry.clear()
        answer = record.client.messages.create(**ASKED, system=CACHED, stream=streamed)
        if streamed:
            list(answer)
        counted.append(record.attributes("gen_ai.usage"))
        assert (record.span.attributes or {})["agentops.usage.cost.amount"]
    written, read = counted
    size = written["gen_ai.usage.cache_write.input_tokens"]
    assert size == read["gen_ai.usage.cache_read.input_tokens"] > 100
    assert read["gen_ai.usage.cache_write.input_tokens"] == written["gen_ai.usage.cache_read.input_tokens"] == 0
    assert written["gen_ai.usage.input_tokens"] == read["gen_ai.usage.input_tokens"] == 10 + size
    assert record.server.tokens()[0] == 2 * (10 + size)


@pytest.mark.parametrize(
    "bad", ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "thinking_tokens"]
)
@pytest.mark.parametrize("told", ["many", {}, [1], None])
def test_a_count_that_is_no_number_is_lost_alone(record: AnthropicRecorder, bad: str, told: Any) -> None:
    counts = {"input_tokens": 3, "output_tokens": 5, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 9, "thinking_tokens": 2}
    usage = {**counts, bad: told}
    usage["output_tokens_details"] = {"thinking_tokens": usage.pop("thinking_tokens")}
    # Parts of a whole that is not known have no price: the model has none either.
    record.answer({**message({"type": "text", "text": "hi"}, usage=usage), "model": "unpriced"})
    record.client.messages.create(**{**ASKED, "model": "unpriced"})
    known = {name: count for name, count in counts.items() if name != bad}
    cached = known.get("cache_read_input_tokens", 0) + known.get("cache_creation_input_tokens", 0)
    expected = {
        "gen_ai.usage.input_tokens": 3 + cached if "input_tokens" in known else None,
        "gen_ai.usage.output_tokens": known.get("output_tokens"),
        "gen_ai.usage.cache_read.input_tokens": known.get("cache_read_input_tokens"),
        "gen_ai.usage.cache_write.input_tokens": known.get("cache_creation_input_tokens"),
        "gen_ai.usage.reasoning.output_tokens": known.get("thinking_tokens"),
    }
    assert record.attributes("gen_ai.usage") == {name: count for name, count in expected.items() if count is not None}
    assert record.said == [{"type": "text", "content": "hi"}]


def test_tokens_of_a_compaction_count_too(record: AnthropicRecorder) -> None:
    compaction = {
        "type": "compaction",
        "input_tokens": 100,
        "output_tokens": 20,
        "cache_read_input_tokens": 7,
        "cache_creation_input_tokens": 1,
    }
    inner = {"type": "message", "input_tokens": 3, "output_tokens": 5, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
    usage = {"input_tokens": 3, "output_tokens": 5, "iterations": [compaction, inner]}
    record.answer(message({"type": "compaction", "content": "In short: hello."}, reason="compaction", usage=usage))
    record.client.beta.messages.create(**ASKED)
    assert record.attributes("gen_ai.usage.input", "gen_ai.usage.output", "gen_ai.conversation", "gen_ai.response.finish") == {
        "gen_ai.usage.input_tokens": 111,
        "gen_ai.usage.output_tokens": 25,
        "gen_ai.conversation.compacted": True,
        "gen_ai.response.finish_reasons": ("compaction",),
    }
    assert record.said == [{"type": "compaction", "content": "In short: hello."}]


@pytest.mark.parametrize("streamed", [False, True])
def test_thinking(record: AnthropicRecorder, streamed: bool) -> None:
    answer = record.client.messages.create(**ASKED, thinking=THINKING, stream=streamed)
    if streamed:
        list(answer)
    assert record.attributes("gen_ai.usage.output", "gen_ai.usage.reasoning") == {
        "gen_ai.usage.output_tokens": 69,
        "gen_ai.usage.reasoning.output_tokens": 64,
    }
    assert record.said == [
        {"type": "reasoning", "content": "The user asks; let me think."},
        {"type": "text", "content": "You said: hello there"},
    ]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_call"),
        ("refusal", "content_filter"),
        ("pause_turn", "length"),
        (None, "error"),
    ],
)
def test_stop_reasons(record: AnthropicRecorder, reason: str | None, expected: str) -> None:
    record.answer(message({"type": "text", "text": "x"}, reason=reason))
    record.client.messages.create(**ASKED)
    assert record.attributes("gen_ai.response.finish") == {"gen_ai.response.finish_reasons": (expected,)}
    assert record.content("output.messages")[0]["finish_reason"] == expected


def test_a_stream_left_early_knows_its_input_and_no_more(record: AnthropicRecorder) -> None:
    stream: Any = record.client.messages.create(**ASKED, stream=True)
    for event in stream:
        if event.type == "content_block_delta":
            break
    stream.close()
    assert record.attributes("gen_ai.usage", "gen_ai.response.finish") == {
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.cache_write.input_tokens": 0,
        "gen_ai.response.finish_reasons": ("error",),
    }
    assert record.said == [{"type": "text", "content": "You"}]


def test_metrics(record: AnthropicRecorder) -> None:
    record.client.messages.create(**ASKED)
    list(record.client.messages.create(**ASKED, stream=True))
    (duration,) = record.telemetry.points("gen_ai.client.operation.duration")
    identity = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": MODEL,
        "gen_ai.response.model": DATED,
        **record.where(),
    }
    assert (duration.count, dict(duration.attributes)) == (2, identity)
    tokens = {point.attributes["gen_ai.token.type"]: point.sum for point in record.telemetry.points("gen_ai.client.token.usage")}
    assert tokens == {"input": 20, "output": 10}
    (first,) = record.telemetry.points("gen_ai.client.operation.time_to_first_chunk")
    assert first.count == 1
    record.telemetry.clear()


def test_the_details_event(record: AnthropicRecorder) -> None:
    record.start(ContentMode.EVENT_ONLY)
    with record.client.messages.stream(**ASKED, system="Be brief.") as stream:
        stream.get_final_message()
    (log,) = record.telemetry.logs("gen_ai.client.inference.operation.details")
    told: Any = log.log_record.attributes
    assert told["gen_ai.usage.input_tokens"] == 17
    assert told["gen_ai.system_instructions"] == ({"type": "text", "content": "Be brief."},)
    assert told["gen_ai.output.messages"][0]["parts"] == ({"type": "text", "content": "You said: hello there"},)
    assert not {name for name in record.span.attributes or {} if "messages" in name}


def test_the_content_policy(record: AnthropicRecorder) -> None:
    record.start(ContentMode.NO_CONTENT)
    list(record.client.messages.create(**ASKED, stream=True, system="secret"))
    with pytest.raises(anthropic.APIStatusError):
        record.client.messages.create(**{**ASKED, "model": "error-400"})
    text = "".join(span.to_json() for span in record.telemetry.spans())
    assert not any(word in text for word in ("hello", "secret", "You said", "not accepted"))
