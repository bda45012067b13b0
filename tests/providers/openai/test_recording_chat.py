"""What a chat completion leaves behind: attributes, messages and their parts."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from openai import pydantic_function_tool
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import BaseModel

from tests.fakes.openai_server import Reply
from tests.providers.openai import sdk
from tests.providers.openai.recording import DATED, HELLO, MODEL, chat_answer, drained

if TYPE_CHECKING:
    from tests.providers.openai.recording import OpenAIRecorder

pytest_plugins = ("tests.providers.openai.recording_fixtures",)

PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(24)
PIXEL_TEXT = base64.b64encode(PIXEL).decode()
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        "strict": True,
    },
}


class Sum(BaseModel):
    total: int


def blob(modality: str, raw: bytes, mime_type: str | None = None) -> dict[str, Any]:
    part = {"type": "blob", "modality": modality, "content": "", "size": len(raw), "digest": "sha256:" + hashlib.sha256(raw).hexdigest()}
    return {**part, "mime_type": mime_type} if mime_type else part


def test_every_attribute_of_a_plain_chat(record: OpenAIRecorder) -> None:
    answer = record.client.chat.completions.create(model=MODEL, messages=HELLO)
    span = record.span
    assert (span.name, span.kind) == (f"chat {MODEL}", SpanKind.CLIENT)
    assert (span.status.status_code, span.status.description, span.events) == (StatusCode.UNSET, None, ())
    assert span.instrumentation_scope
    assert (span.instrumentation_scope.name, span.instrumentation_scope.schema_url) == ("agentops_instrumentors.openai", "")
    assert record.attributes() == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": MODEL,
        "gen_ai.response.id": answer.id,
        "gen_ai.response.model": DATED,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 0,
        "openai.api.type": "chat_completions",
        "openai.response.service_tier": "default",
        "openai.response.system_fingerprint": "fp_44709d6fcb",
        **record.where(),
    }
    assert record.content("input.messages") == [{"role": "user", "parts": [{"type": "text", "content": "hello there"}]}]
    said = {"role": "assistant", "parts": [{"type": "text", "content": "You said: hello there"}], "finish_reason": "stop"}
    assert record.content("output.messages") == [said]
    assert record.content("system_instructions") is record.content("tool.definitions") is None


def test_sampling_attributes_are_there_at_the_start(record: OpenAIRecorder) -> None:
    list(record.client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, temperature=0.5))
    names = list(record.span.attributes or {})
    assert set(names[:6]) == {
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "gen_ai.request.stream",
        "server.address",
        "server.port",
    }


def test_request_parameters(record: OpenAIRecorder) -> None:
    record.client.chat.completions.create(
        model="o3-mini",
        messages=HELLO,
        temperature=0.2,
        top_p=0.9,
        max_completion_tokens=99,
        frequency_penalty=0.1,
        presence_penalty=-0.1,
        seed=7,
        stop=["END", "STOP"],
        n=2,
        service_tier="flex",
        reasoning_effort="high",
        extra_body={"top_k": 40},
    )
    assert record.attributes("gen_ai.request", "openai.request", "openai.response.service_tier") == {
        "gen_ai.request.model": "o3-mini",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.max_tokens": 99,
        "gen_ai.request.frequency_penalty": 0.1,
        "gen_ai.request.presence_penalty": -0.1,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stop_sequences": ("END", "STOP"),
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.reasoning.level": "high",
        "gen_ai.request.top_k": 40,
        "openai.request.service_tier": "flex",
        "openai.response.service_tier": "flex",
    }
    assert record.attributes("gen_ai.usage", "gen_ai.response.finish") == {
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 138,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 128,
        "gen_ai.response.finish_reasons": ("stop", "stop"),
    }
    assert [message["parts"][0]["content"] for message in record.content("output.messages")] == ["You said: hello there"] * 2


def test_parameters_at_their_defaults_are_not_recorded(record: OpenAIRecorder) -> None:
    record.client.chat.completions.create(model=MODEL, messages=HELLO, n=1, service_tier="auto", stop=None, stream=False, max_tokens=5)
    assert record.attributes("gen_ai.request", "openai.request") == {"gen_ai.request.model": MODEL, "gen_ai.request.max_tokens": 5}
    assert record.attributes("gen_ai.response.finish") == {"gen_ai.response.finish_reasons": ("stop",)}


@pytest.mark.parametrize("streamed", [False, True])
def test_a_cut_off_answer_says_so(record: OpenAIRecorder, streamed: bool) -> None:
    answer: Any = record.client.chat.completions.create(model=MODEL, messages=HELLO, stop="x", max_tokens=2, stream=streamed)
    if streamed:
        list(answer)
    assert record.attributes("gen_ai.response.finish", "gen_ai.request.stop") == {
        "gen_ai.response.finish_reasons": ("length",),
        "gen_ai.request.stop_sequences": ("x",),
    }
    assert record.content("output.messages")[0]["finish_reason"] == "length"


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_round_trip(record: OpenAIRecorder, streamed: bool) -> None:
    question: Any = {"role": "user", "content": "weather in Brest"}
    asked: Any = {"model": MODEL, "messages": [question], "tools": [WEATHER]}
    if streamed:
        with sdk.chat_stream(record.client)(**asked) as stream:
            stream.until_done()
            message = stream.get_final_completion().choices[0].message
    else:
        message = record.client.chat.completions.create(**asked).choices[0].message
    (call,) = message.tool_calls or ()
    assert record.attributes("gen_ai.response.finish") == {"gen_ai.response.finish_reasons": ("tool_calls",)}
    assert record.content("tool.definitions") == [{"type": "function", **WEATHER["function"]}]
    part = {"type": "tool_call", "name": "get_weather", "id": call.id, "arguments": {"city": "Brest"}}
    assert record.content("output.messages") == [{"role": "assistant", "parts": [part], "finish_reason": "tool_call"}]

    record.telemetry.clear()
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "12 degrees"}
    record.client.chat.completions.create(**{**asked, "messages": [question, message, result]})
    assert record.content("input.messages") == [
        {"role": "user", "parts": [{"type": "text", "content": "weather in Brest"}]},
        {"role": "assistant", "parts": [part]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "12 degrees", "id": call.id}]},
    ]
    assert record.said == [{"type": "text", "content": "The result is: 12 degrees"}]


def test_tool_results_of_several_parts(record: OpenAIRecorder) -> None:
    texts: Any = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    ask = record.client.chat.completions.create
    ask(model=MODEL, messages=[*HELLO, {"role": "tool", "tool_call_id": "c", "content": texts}])
    assert record.content("input.messages")[1]["parts"] == [{"type": "tool_call_response", "response": ["one", "two"], "id": "c"}]


def test_custom_tools_and_arguments_that_are_not_json(record: OpenAIRecorder) -> None:
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"cut'}},
        {"id": "c2", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}},
    ]
    record.answer(chat_answer({"content": None, "tool_calls": calls}, reason="tool_calls"))
    tools: Any = [{"type": "custom", "custom": {"name": "sql", "description": "Runs SQL"}}]
    record.client.chat.completions.create(model=MODEL, messages=HELLO, tools=tools)
    assert record.content("tool.definitions") == [{"type": "custom", "name": "sql", "description": "Runs SQL"}]
    assert record.said == [
        {"type": "tool_call", "name": "f", "id": "c1", "arguments": '{"cut'},
        {"type": "tool_call", "name": "sql", "id": "c2", "arguments": "SELECT 1"},
    ]


@pytest.mark.parametrize("streamed", [False, True])
def test_legacy_function_call(record: OpenAIRecorder, streamed: bool) -> None:
    function: Any = {"name": "add", "parameters": {"type": "object", "properties": {}}}
    called = {"name": "add", "arguments": '{"a": 1}'}
    history: Any = [
        *HELLO,
        {"role": "assistant", "content": None, "function_call": called},
        {"role": "function", "name": "add", "content": "2"},
    ]
    if streamed:
        deltas = [{"role": "assistant", "function_call": {"name": "add", "arguments": ""}}, {"function_call": {"arguments": '{"a": 1}'}}]
        record.server.enqueue(stream_of([*deltas, {}], "function_call"))
    else:
        record.answer(chat_answer({"content": None, "function_call": called}, reason="function_call"))
    answer: Any = record.client.chat.completions.create(model=MODEL, messages=history, functions=[function], stream=streamed)
    if streamed:
        list(answer)
    part = {"type": "tool_call", "name": "add", "arguments": {"a": 1}}
    assert record.content("tool.definitions") == [{"type": "function", **function}]
    assert record.content("output.messages") == [{"role": "assistant", "parts": [part], "finish_reason": "tool_call"}]
    assert [message["parts"] for message in record.content("input.messages")[1:]] == [
        [part],
        [{"type": "tool_call_response", "response": "2", "id": "add"}],
    ]


@pytest.mark.parametrize("streamed", [False, True])
def test_reasoning_that_compatible_servers_tell(record: OpenAIRecorder, streamed: bool) -> None:
    if streamed:
        record.server.enqueue(
            stream_of([{"role": "assistant", "reasoning_content": "hm"}, {"reasoning_content": "m"}, {"content": "yes"}], "stop")
        )
        list(record.client.chat.completions.create(model=MODEL, messages=HELLO, stream=True))
    else:
        record.answer(chat_answer({"content": "yes", "reasoning_content": "hmm"}))
        record.client.chat.completions.create(model=MODEL, messages=HELLO)
    assert record.said == [{"type": "reasoning", "content": "hmm"}, {"type": "text", "content": "yes"}]


@pytest.mark.parametrize("streamed", [False, True])
def test_refusal(record: OpenAIRecorder, streamed: bool) -> None:
    answer: Any = record.client.chat.completions.create(model="gpt-4o-refusal", messages=HELLO, stream=streamed)
    if streamed:
        list(answer)
    assert record.said == [{"type": "refusal", "content": "I'm sorry, I can't assist with that request."}]


@pytest.mark.parametrize("streamed", [False, True])
def test_structured_output(record: OpenAIRecorder, streamed: bool) -> None:
    asked: Any = {"model": MODEL, "messages": [{"role": "user", "content": "2 and 3 make 5"}], "response_format": Sum}
    if streamed:
        with sdk.chat_stream(record.client)(**asked) as stream:
            parsed = stream.get_final_completion().choices[0].message.parsed
    else:
        parsed = sdk.chat_parse(record.client)(**asked).choices[0].message.parsed
    assert parsed == Sum(total=2)
    assert record.attributes("gen_ai.output") == {"gen_ai.output.type": "json"}
    assert record.said == [{"type": "text", "content": '{"total": 2}'}]


@pytest.mark.parametrize(
    ("form", "expected"),
    [({"type": "json_object"}, "json"), ({"type": "text"}, "text"), ({"type": "json_schema", "json_schema": {"name": "x"}}, "json")],
)
def test_output_type(record: OpenAIRecorder, form: Any, expected: str) -> None:
    record.client.chat.completions.create(model=MODEL, messages=HELLO, response_format=form)
    assert record.attributes("gen_ai.output") == {"gen_ai.output.type": expected}


def test_parse_with_tools_of_models(record: OpenAIRecorder) -> None:
    sdk.chat_parse(record.client)(model=MODEL, messages=HELLO, tools=[pydantic_function_tool(Sum)])
    (definition,) = record.content("tool.definitions")
    assert (definition["type"], definition["name"], definition["parameters"]["required"]) == ("function", "Sum", ["total"])


def test_images_audio_and_files_in_messages(record: OpenAIRecorder) -> None:
    sound = base64.b64encode(b"RIFF").decode()
    content: Any = [
        {"type": "text", "text": "what is this"},
        {"type": "image_url", "image_url": {"url": "https://example.test/cat.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL_TEXT}"}},
        {"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{sound}"}},
        {"type": "file", "file": {"filename": "b.bin", "file_data": sound}},
    ]
    record.client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content, "name": "ann"}])
    assert record.content("input.messages")[0]["name"] == "ann"
    assert record.asked == [
        {"type": "text", "content": "what is this"},
        {"type": "uri", "modality": "image", "uri": "https://example.test/cat.png"},
        blob("image", PIXEL, "image/png"),
        blob("audio", b"RIFF", "audio/wav"),
        {"type": "file", "modality": "document", "file_id": "file-1"},
        blob("document", b"RIFF", "application/pdf"),
        blob("document", b"RIFF"),
    ]
    assert PIXEL_TEXT not in str(record.span.attributes)


@pytest.mark.parametrize("streamed", [False, True])
def test_spoken_answer(record: OpenAIRecorder, streamed: bool) -> None:
    asked: Any = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16" if streamed else "wav"}}
    asked["messages"] = [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "QUJD" * 100, "format": "mp3"}}]}]
    options: Any = {"stream": True, "stream_options": {"include_usage": True}} if streamed else {}
    answer: Any = record.client.chat.completions.create(model="gpt-4o-audio-preview", **asked, **options)
    if streamed:
        list(answer)
    assert [part["type"] for part in record.said] == ["blob", "text"]
    assert record.said[0]["modality"] == "audio"
    assert record.said[0]["content"] == ""
    assert record.said[0]["size"] == 52
    assert record.said[1]["content"].startswith("You said:")
    assert record.attributes("gen_ai.output", "gen_ai.usage.audio") == {
        "gen_ai.output.type": "speech",
        "gen_ai.usage.audio.input_tokens": 14,
        "gen_ai.usage.audio.output_tokens": 20,
    }


def test_an_earlier_spoken_answer_is_referred_to(record: OpenAIRecorder) -> None:
    record.client.chat.completions.create(model=MODEL, messages=[*HELLO, {"role": "assistant", "audio": {"id": "audio_1"}}])
    assert record.content("input.messages")[1]["parts"] == [{"type": "file", "modality": "audio", "file_id": "audio_1"}]


def test_cached_tokens_are_part_of_the_input(record: OpenAIRecorder) -> None:
    record.client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "word " * 2000}])
    usage = record.attributes("gen_ai.usage")
    assert 0 < usage["gen_ai.usage.cache_read.input_tokens"] <= usage["gen_ai.usage.input_tokens"]


def test_tokens_by_modality(record: OpenAIRecorder) -> None:
    details = {"cached_tokens": 4, "cache_write_tokens": 3, "text_tokens": 6, "image_tokens": 2, "audio_tokens": 1}
    answered = {"reasoning_tokens": 5, "text_tokens": 1, "audio_tokens": 2, "image_tokens": 3}
    usage = {"prompt_tokens": 9, "completion_tokens": 11, "prompt_tokens_details": details, "completion_tokens_details": answered}
    record.answer(chat_answer({"content": "x"}, usage={**usage, "total_tokens": 20}))
    record.client.chat.completions.create(model=MODEL, messages=HELLO)
    assert {name.removeprefix("gen_ai.usage."): count for name, count in record.attributes("gen_ai.usage").items()} == {
        "input_tokens": 9,
        "output_tokens": 11,
        "cache_read.input_tokens": 4,
        "cache_write.input_tokens": 3,
        "reasoning.output_tokens": 5,
        "text.input_tokens": 6,
        "text.output_tokens": 1,
        "image.input_tokens": 2,
        "image.output_tokens": 3,
        "audio.input_tokens": 1,
        "audio.output_tokens": 2,
    }


@pytest.mark.parametrize("told", [False, True])
def test_streamed_chat(record: OpenAIRecorder, told: bool) -> None:
    options: Any = {"stream_options": {"include_usage": True}} if told else {}
    list(record.client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, n=2, **options))
    found = record.attributes("gen_ai.usage", "gen_ai.request", "gen_ai.response", "openai.response")
    usage = {"input_tokens": 10, "output_tokens": 10, "cache_read.input_tokens": 0, "reasoning.output_tokens": 0} if told else {}
    assert found.pop("gen_ai.response.id").startswith("chatcmpl-")
    assert found == {
        "gen_ai.request.model": MODEL,
        "gen_ai.request.stream": True,
        "gen_ai.request.choice.count": 2,
        "gen_ai.response.model": DATED,
        "gen_ai.response.finish_reasons": ("stop", "stop"),
        "openai.response.service_tier": "default",
        "openai.response.system_fingerprint": "fp_44709d6fcb",
        **{f"gen_ai.usage.{name}": count for name, count in usage.items()},
    }
    assert (record.span.attributes or {})["gen_ai.response.time_to_first_chunk"] > 0
    said = {"role": "assistant", "parts": [{"type": "text", "content": "You said: hello there"}], "finish_reason": "stop"}
    assert record.content("output.messages") == [said, said]


def test_a_stream_left_early_keeps_what_had_arrived(record: OpenAIRecorder) -> None:
    with record.client.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream:
        for _ in range(3):
            next(stream)
    assert record.attributes("gen_ai.response.finish") == {"gen_ai.response.finish_reasons": ("error",)}
    said = {"role": "assistant", "parts": [{"type": "text", "content": "You said"}], "finish_reason": "error"}
    assert record.content("output.messages") == [said]
    assert record.span.status.status_code is StatusCode.UNSET


def test_async_chat_parse_and_stream(record: OpenAIRecorder) -> None:
    async def run() -> None:
        async with record.async_client() as client:
            await client.chat.completions.create(model=MODEL, messages=HELLO)
            await sdk.chat_parse(client)(model=MODEL, messages=HELLO, response_format=Sum)
            async with sdk.chat_stream(client)(model=MODEL, messages=HELLO) as stream:
                await drained(stream)
            await drained(await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True))

    asyncio.run(run())
    record.telemetry.assert_balanced(4)
    texts = [str((span.attributes or {})["gen_ai.output.messages"]) for span in record.telemetry.spans()]
    assert ["You said: hello there" in text for text in texts] == [True, False, True, True]


@pytest.mark.parametrize("name", ["messages", "tools", "content", "stop"])
def test_an_iterator_of_the_caller_is_left_to_the_client(record: OpenAIRecorder, name: str) -> None:
    texts: Any = [{"type": "text", "text": "hello there"}]
    asked: dict[str, Any] = {"model": MODEL, "messages": HELLO}
    if name == "content":
        asked["messages"] = [{"role": "user", "content": iter(texts)}]
    elif name == "messages":
        asked["messages"] = iter(HELLO)
    elif name == "tools":
        asked["tools"] = iter([WEATHER])
    else:
        asked["stop"] = ("END",)
    record.client.chat.completions.create(**asked)
    (request,) = record.server.requests
    assert request.json()["messages"] in (HELLO, [{"role": "user", "content": texts}])
    assert request.json().get("tools") == ([WEATHER] if name == "tools" else None)
    assert record.said


def stream_of(deltas: list[dict[str, Any]], reason: str) -> Reply:
    """A streamed chat of these deltas, then the reason why it ends."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": DATED}
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    return Reply.sse([{**head, "choices": [choice]} for choice in [*choices, {"index": 0, "delta": {}, "finish_reason": reason}]])
