"""What the Responses API leaves behind: create, stream, parse, retrieve, and responses that run in the background."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import openai
import pytest
from opentelemetry.trace import StatusCode
from pydantic import BaseModel

from tests.providers.openai import sdk
from tests.providers.openai.recording import DATED, MODEL, drained, response_answer

if TYPE_CHECKING:
    from tests.providers.openai.recording import OpenAIRecorder

pytest_plugins = ("tests.providers.openai.recording_fixtures",)

TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather",
    "strict": True,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
}
TEXT = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "done", "annotations": []}],
}
DONE = [{"type": "text", "content": "done"}]


class Sum(BaseModel):
    total: int


def test_every_attribute_of_a_plain_response(record: OpenAIRecorder) -> None:
    answer = record.client.responses.create(model=MODEL, input="hello there", instructions="be brief")
    assert record.span.name == f"chat {MODEL}"
    assert record.span.status.status_code is StatusCode.UNSET
    assert record.attributes() == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": MODEL,
        "gen_ai.response.id": answer.id,
        "gen_ai.response.model": DATED,
        "gen_ai.response.status": "completed",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": answer.usage and answer.usage.input_tokens,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.cache_write.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 0,
        "openai.api.type": "responses",
        "openai.response.service_tier": "default",
        **record.where(),
    }
    assert record.content("system_instructions") == [{"type": "text", "content": "be brief"}]
    assert record.content("input.messages") == [{"role": "user", "parts": [{"type": "text", "content": "hello there"}]}]
    said = {"role": "assistant", "parts": [{"type": "text", "content": "You said: hello there"}], "finish_reason": "stop"}
    assert record.content("output.messages") == [said]


def test_request_parameters_and_references(record: OpenAIRecorder) -> None:
    record.client.responses.create(
        model="o3",
        input="go on",
        temperature=0.3,
        top_p=0.8,
        max_output_tokens=500,
        previous_response_id="resp_0",
        reasoning={"effort": "low", "summary": "auto"},
        # Younger than the oldest client: sent the way its users send them.
        extra_body={
            "service_tier": "flex",
            "conversation": "conv_1",
            "prompt": {"id": "pmpt_1", "version": "2", "variables": {"city": "Brest"}},
        },
    )
    found = record.attributes("gen_ai.request", "gen_ai.prompt", "gen_ai.conversation", "openai.request", "openai.response")
    assert found == {
        "gen_ai.request.model": "o3",
        "gen_ai.request.temperature": 0.3,
        "gen_ai.request.top_p": 0.8,
        "gen_ai.request.max_tokens": 500,
        "gen_ai.request.previous_response.id": "resp_0",
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.conversation.id": "conv_1",
        "gen_ai.prompt.name": "pmpt_1",
        "gen_ai.prompt.version": "2",
        "openai.request.service_tier": "flex",
        "openai.response.service_tier": "flex",
    }
    assert record.said == [
        {"type": "reasoning", "content": "**Thinking** about what was asked."},
        {"type": "text", "content": "You said: go on"},
    ]
    assert record.attributes("gen_ai.usage.reasoning") == {"gen_ai.usage.reasoning.output_tokens": 64}


def test_a_conversation_given_as_an_object_and_none_invented(record: OpenAIRecorder) -> None:
    record.client.responses.create(model=MODEL, input="x", extra_body={"conversation": {"id": "conv_2"}})
    assert record.attributes("gen_ai.conversation") == {"gen_ai.conversation.id": "conv_2"}
    record.telemetry.clear()
    record.client.responses.create(model=MODEL, input="x")
    assert record.attributes("gen_ai.conversation", "gen_ai.prompt") == {}


@pytest.mark.parametrize("kind", ["create", "create streamed", "manager"])
def test_function_calls_round_trip(record: OpenAIRecorder, kind: str) -> None:
    asked: Any = {"model": MODEL, "input": "weather in Brest", "tools": [TOOL]}
    if kind == "manager":
        with record.client.responses.stream(**asked) as stream:
            output = stream.get_final_response().output
    elif kind == "create":
        output = record.client.responses.create(**asked).output
    else:
        output = list(record.client.responses.create(**asked, stream=True))[-1].response.output
    (call,) = output
    part = {"type": "tool_call", "name": "get_weather", "id": call.call_id, "arguments": {"city": "Brest"}}
    assert record.content("output.messages") == [{"role": "assistant", "parts": [part], "finish_reason": "tool_call"}]
    assert record.attributes("gen_ai.response.finish") == {"gen_ai.response.finish_reasons": ("tool_call",)}
    definition = {name: value for name, value in TOOL.items() if name != "strict"}
    assert record.content("tool.definitions") == [definition]

    record.telemetry.clear()
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "12 degrees"}
    # An item of the answer goes back as the client's own object.
    record.client.responses.create(**{**asked, "input": [{"role": "user", "content": "weather in Brest"}, call, result]})
    assert record.content("input.messages") == [
        {"role": "user", "parts": [{"type": "text", "content": "weather in Brest"}]},
        {"role": "assistant", "parts": [part]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "12 degrees", "id": call.call_id}]},
    ]
    assert record.said == [{"type": "text", "content": "The result is: 12 degrees"}]


def test_streamed_response(record: OpenAIRecorder) -> None:
    list(record.client.responses.create(model=MODEL, input="hello there", stream=True))
    found = record.attributes("gen_ai.request", "gen_ai.response", "gen_ai.usage.output")
    assert found.pop("gen_ai.response.id").startswith("resp_")
    assert found == {
        "gen_ai.request.model": MODEL,
        "gen_ai.request.stream": True,
        "gen_ai.response.model": DATED,
        "gen_ai.response.status": "completed",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.output_tokens": 5,
    }
    assert (record.span.attributes or {})["gen_ai.response.time_to_first_chunk"] > 0
    assert record.said == [{"type": "text", "content": "You said: hello there"}]


def test_a_stream_left_early_keeps_what_had_arrived(record: OpenAIRecorder) -> None:
    with record.client.responses.create(model=MODEL, input="hello there", stream=True) as stream:
        while next(stream).type != "response.output_text.delta":
            pass
    assert record.content("output.messages") == [
        {"role": "assistant", "parts": [{"type": "text", "content": "You"}], "finish_reason": "error"}
    ]
    assert record.attributes("gen_ai.response.finish", "gen_ai.response.model") == {
        "gen_ai.response.finish_reasons": ("error",),
        "gen_ai.response.model": DATED,
    }
    assert record.span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("streamed", [False, True])
def test_structured_output_and_refusal(record: OpenAIRecorder, streamed: bool) -> None:
    if streamed:
        with record.client.responses.stream(model=MODEL, input="2 and 3", text_format=Sum) as stream:
            parsed = stream.get_final_response().output_parsed
    else:
        parsed = record.client.responses.parse(model=MODEL, input="2 and 3", text_format=Sum).output_parsed
    assert parsed == Sum(total=2)
    assert record.attributes("gen_ai.output") == {"gen_ai.output.type": "json"}
    assert record.said == [{"type": "text", "content": '{"total": 2}'}]
    record.telemetry.clear()
    record.client.responses.create(model="gpt-refusal", input="x", text={"format": {"type": "text"}})
    assert record.attributes("gen_ai.output") == {"gen_ai.output.type": "text"}
    assert record.said == [{"type": "refusal", "content": "I'm sorry, I can't assist with that request."}]


def test_items_of_the_request(record: OpenAIRecorder) -> None:
    picture = "data:image/png;base64,QUJD"
    items: Any = [
        {"role": "developer", "content": "rules"},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "see"},
                {"type": "input_image", "image_url": "https://example.test/a.png", "detail": "low"},
                {"type": "input_image", "image_url": picture, "detail": "low"},
                {"type": "input_image", "file_id": "file-1", "detail": "low"},
                {"type": "input_file", "file_id": "file-2"},
                {"type": "input_file", "file_url": "https://example.test/a.pdf"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]},
        {
            "type": "function_call_output",
            "call_id": "c1",
            "output": [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": picture}],
        },
        {"type": "computer_call_output", "call_id": "c2", "output": {"type": "computer_screenshot", "image_url": picture}},
        {"type": "item_reference", "id": "msg_0"},
    ]
    record.answer(response_answer(TEXT))
    record.client.responses.create(model=MODEL, input=items)
    messages = record.content("input.messages")
    assert [message["role"] for message in messages] == ["developer", "user", "assistant", "tool", "tool", "assistant"]
    parts = [message["parts"] for message in messages]
    (blob,) = (part for part in parts[1] if part["type"] == "blob" and part["modality"] == "image")
    assert (blob["mime_type"], blob["size"], blob["content"]) == ("image/png", 3, "")
    assert parts[1][:2] == [{"type": "text", "content": "see"}, {"type": "uri", "modality": "image", "uri": "https://example.test/a.png"}]
    assert parts[1][3:6] == [
        {"type": "file", "modality": "image", "file_id": "file-1"},
        {"type": "file", "modality": "document", "file_id": "file-2"},
        {"type": "uri", "modality": "document", "uri": "https://example.test/a.pdf"},
    ]
    assert parts[2] == [{"type": "reasoning", "content": "hm"}]
    assert parts[3] == [{"type": "tool_call_response", "response": ["a", blob], "id": "c1"}]
    screenshot = {"type": "computer_screenshot", "image_url": blob}
    assert parts[4] == [{"type": "tool_call_response", "response": screenshot, "id": "c2"}]
    assert parts[5] == [{"type": "item_reference", "id": "msg_0"}]
    assert "QUJD" not in str(record.span.attributes)


def test_built_in_tools(record: OpenAIRecorder) -> None:
    output = [
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "tides"}},
        {
            "type": "code_interpreter_call",
            "id": "ci_1",
            "status": "completed",
            "container_id": "cn",
            "code": "1+1",
            "outputs": [{"type": "logs", "logs": "2"}],
        },
        {"type": "mcp_call", "id": "mcp_1", "name": "roll", "server_label": "dice", "arguments": "{}", "output": "4", "error": None},
        {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "QUJDRA==", "output_format": "webp"},
        {"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["tides"], "results": None},
        {"type": "custom_tool_call", "id": "ct_1", "call_id": "c1", "name": "sql", "input": "SELECT 1"},
        TEXT,
    ]
    record.answer(response_answer(*output))
    tools: Any = [{"type": "web_search_preview"}, {"type": "mcp", "server_label": "dice", "server_url": "https://example.test"}]
    record.client.responses.create(model=MODEL, input="x", tools=tools)
    assert record.content("tool.definitions") == [
        {"type": "web_search_preview", "name": "web_search_preview"},
        {"type": "mcp", "name": "dice"},
    ]
    said = record.said
    assert [(part["type"], part.get("name"), part.get("id")) for part in said] == [
        ("server_tool_call", "web_search", "ws_1"),
        ("server_tool_call", "code_interpreter", "ci_1"),
        ("server_tool_call_response", None, "ci_1"),
        ("server_tool_call", "roll", "mcp_1"),
        ("server_tool_call_response", None, "mcp_1"),
        ("server_tool_call", "image_generation", "ig_1"),
        ("blob", None, None),
        ("server_tool_call", "file_search", "fs_1"),
        ("tool_call", "sql", "c1"),
        ("text", None, None),
    ]
    assert said[0]["server_tool_call"]["type"] == "web_search_call"
    assert said[2]["server_tool_call_response"] == {"type": "code_interpreter_call", "outputs": [{"type": "logs", "logs": "2"}]}
    assert said[4]["server_tool_call_response"] == {"type": "mcp_call", "output": "4"}
    assert (said[6]["mime_type"], said[6]["size"], said[6]["content"]) == ("image/webp", 4, "")
    assert "QUJDRA" not in str(record.span.attributes)


def test_compaction(record: OpenAIRecorder) -> None:
    record.answer(response_answer({"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAA"}, TEXT))
    record.client.responses.create(model=MODEL, input="x")
    assert record.attributes("gen_ai.conversation") == {"gen_ai.conversation.compacted": True}
    assert record.said == [{"type": "compaction", "id": "cmp_1"}, *DONE]


def test_background_response_polled_to_its_end(record: OpenAIRecorder) -> None:
    queued = record.client.responses.create(model=MODEL, input="hello there", extra_body={"background": True})
    assert record.attributes("gen_ai.response", "gen_ai.usage") == {
        "gen_ai.response.id": queued.id,
        "gen_ai.response.model": DATED,
        "gen_ai.response.status": "queued",
    }
    statuses: list[Any] = []
    for _ in range(2):
        record.telemetry.clear()
        record.client.responses.retrieve(queued.id)
        assert record.span.name == "fetch_response"
        statuses.append(record.attributes("gen_ai.response.status")["gen_ai.response.status"])
    assert statuses == ["in_progress", "completed"]
    assert record.attributes() == {
        "gen_ai.operation.name": "fetch_response",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.id": queued.id,
        "gen_ai.response.model": DATED,
        "gen_ai.response.status": "completed",
        "gen_ai.response.finish_reasons": ("stop",),
        "openai.api.type": "responses",
        "openai.response.service_tier": "default",
        **record.where(),
    }
    assert record.content("input.messages") is None
    assert record.said == [{"type": "text", "content": "You said: hello there"}]


@pytest.mark.parametrize(
    ("answer", "reasons", "error"),
    [
        ({"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "secret"}}, ("error",), "rate_limit_exceeded"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, ("length",), None),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, ("content_filter",), None),
        ({"status": "cancelled"}, ("error",), None),
        ({"status": "queued"}, None, None),
    ],
)
@pytest.mark.parametrize("fetched", [False, True])
def test_how_a_response_ended(record: OpenAIRecorder, answer: dict[str, Any], reasons: Any, error: str | None, fetched: bool) -> None:
    record.answer(response_answer(**answer))
    if fetched:
        record.client.responses.retrieve("resp_1")
    else:
        record.client.responses.create(model=MODEL, input="x")
    found = record.attributes("gen_ai.response.finish", "gen_ai.response.status", "error.type")
    expected = {"gen_ai.response.finish_reasons": reasons, "gen_ai.response.status": answer["status"], "error.type": error}
    assert found == {name: value for name, value in expected.items() if value is not None}
    assert record.span.status.status_code is (StatusCode.ERROR if error else StatusCode.UNSET)
    # No exception was raised, so none is reported.
    assert record.span.events == ()
    assert record.telemetry.logs() == []


def test_streams_that_fail(record: OpenAIRecorder) -> None:
    list(record.client.responses.create(model="gpt-error-response", input="x", stream=True))
    assert record.attributes("error.type", "gen_ai.response.status") == {"error.type": "server_error", "gen_ai.response.status": "failed"}
    record.telemetry.clear()
    list(record.client.responses.create(model="gpt-error-stream", input="x", stream=True))
    assert record.attributes("error.type") == {"error.type": "server_error"}
    assert record.span.status.status_code is StatusCode.ERROR


def test_retrieval_of_an_unknown_response(record: OpenAIRecorder) -> None:
    with pytest.raises(openai.NotFoundError):
        record.client.responses.retrieve("resp_none")
    assert record.attributes("gen_ai.response", "error.type") == {"gen_ai.response.id": "resp_none", "error.type": "openai.NotFoundError"}


def test_streamed_retrieval_from_a_position(record: OpenAIRecorder) -> None:
    made = record.client.responses.create(model=MODEL, input="hello there")
    record.telemetry.clear()
    fetch: Any = record.client.responses.retrieve
    if not sdk.STREAMED_RETRIEVAL:
        with pytest.raises(TypeError):
            fetch(made.id, stream=True, starting_after=3)
        return
    events = list(fetch(made.id, stream=True, starting_after=3))
    assert events[0].sequence_number == 4
    found = record.attributes("gen_ai.request", "gen_ai.response", "gen_ai.usage")
    assert found == {
        "gen_ai.request.stream": True,
        "gen_ai.request.stream_cursor": "3",
        "gen_ai.response.id": made.id,
        "gen_ai.response.model": DATED,
        "gen_ai.response.status": "completed",
        "gen_ai.response.finish_reasons": ("stop",),
    }
    assert record.said == [{"type": "text", "content": "You said: hello there"}]


def test_async_responses(record: OpenAIRecorder) -> None:
    async def run() -> None:
        async with record.async_client() as client:
            made = await client.responses.create(model=MODEL, input="hello there")
            await drained(await client.responses.create(model=MODEL, input="hello there", stream=True))
            async with client.responses.stream(model=MODEL, input="hello there") as stream:
                await stream.until_done()
            await client.responses.parse(model=MODEL, input="hello there 7", text_format=Sum)
            await client.responses.retrieve(made.id)

    asyncio.run(run())
    record.telemetry.assert_balanced(5)
    spans = record.telemetry.spans()
    assert [span.name for span in spans] == [f"chat {MODEL}"] * 4 + ["fetch_response"]
    said = [str((span.attributes or {})["gen_ai.output.messages"]) for span in spans]
    assert ["You said: hello there" in text for text in said] == [True, True, True, False, True]
