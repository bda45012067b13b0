"""What calls of the ollama client leave behind: attributes, messages and their parts, usage, errors."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import TYPE_CHECKING, Any

import ollama
import pytest
from opentelemetry.trace import SpanKind, StatusCode

from agentops_instrumentors.core.content import ContentMode
from tests.fakes.ollama_server import lines
from tests.fakes.ollama_wire import CREATED
from tests.providers.ollama.vendor import FORMAT, MESSAGES, MODEL, tides

if TYPE_CHECKING:
    from tests.providers.ollama.conftest import OllamaRecorder

PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(24)
HELLO: Any = [{"role": "user", "content": "hello there"}]
BLOB = {"type": "blob", "modality": "image", "content": "", "size": len(PIXEL), "digest": "sha256:" + hashlib.sha256(PIXEL).hexdigest()}


def test_every_attribute_of_a_plain_chat(record: OllamaRecorder) -> None:
    record.client.chat(MODEL, HELLO)
    span = record.span
    assert (span.name, span.kind) == (f"chat {MODEL}", SpanKind.CLIENT)
    assert (span.status.status_code, span.status.description, span.events) == (StatusCode.UNSET, None, ())
    assert span.instrumentation_scope
    assert (span.instrumentation_scope.name, span.instrumentation_scope.schema_url) == ("agentops_instrumentors.ollama", "")
    assert record.attributes() == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "ollama",
        "gen_ai.request.model": MODEL,
        "gen_ai.response.model": MODEL,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 8,
        "gen_ai.usage.output_tokens": 5,
        **record.where(),
    }
    assert record.content("input.messages") == [{"role": "user", "parts": [{"type": "text", "content": "hello there"}]}]
    said = {"role": "assistant", "parts": [{"type": "text", "content": "You said: hello there"}], "finish_reason": "stop"}
    assert record.content("output.messages") == [said]
    assert record.content("system_instructions") is record.content("tool.definitions") is None


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_stream_records_what_the_plain_call_does(record: OllamaRecorder, asynchronous: bool) -> None:
    async def read() -> None:
        client = ollama.AsyncClient(record.server.url)
        async for _ in await client.chat(MODEL, HELLO, stream=True):
            pass
        await client._client.aclose()

    if asynchronous:
        asyncio.run(read())
    else:
        list(record.client.chat(MODEL, HELLO, stream=True))
    assert record.attributes("gen_ai.re", "gen_ai.usage") == {
        "gen_ai.request.model": MODEL,
        "gen_ai.request.stream": True,
        "gen_ai.response.model": MODEL,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 8,
        "gen_ai.usage.output_tokens": 5,
    }
    assert record.said == [{"type": "text", "content": "You said: hello there"}]
    assert (record.span.attributes or {})["gen_ai.response.time_to_first_chunk"]


@pytest.mark.parametrize("options", [{"temperature": 0.2, "top_p": 0.9}, ollama.Options(temperature=0.2, top_p=0.9)])
def test_options_given_either_way(record: OllamaRecorder, options: Any) -> None:
    record.client.chat(MODEL, HELLO, options=options)
    assert record.attributes("gen_ai.request") == {
        "gen_ai.request.model": MODEL,
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.top_p": 0.9,
    }


def test_request_parameters(record: OllamaRecorder) -> None:
    options = {"top_k": 40, "seed": 7, "num_predict": 2, "stop": ["END"], "frequency_penalty": 0.1, "presence_penalty": -0.1, "num_ctx": 99}
    record.client.chat(MODEL, HELLO, options=options, format=FORMAT)
    assert record.attributes("gen_ai.request", "gen_ai.output", "gen_ai.response.finish") == {
        "gen_ai.request.model": MODEL,
        "gen_ai.request.top_k": 40,
        "gen_ai.request.seed": 7,
        "gen_ai.request.max_tokens": 2,
        "gen_ai.request.stop_sequences": ("END",),
        "gen_ai.request.frequency_penalty": 0.1,
        "gen_ai.request.presence_penalty": -0.1,
        "gen_ai.output.type": "json",
        "gen_ai.response.finish_reasons": ("length",),
    }


def test_no_limit_is_no_parameter(record: OllamaRecorder) -> None:
    record.client.chat(MODEL, HELLO, options={"num_predict": -1}, format="")
    assert record.attributes("gen_ai.request", "gen_ai.output") == {"gen_ai.request.model": MODEL}


@pytest.mark.parametrize("tool", ["function", "dict", "model"])
def test_tools_however_they_are_given(record: OllamaRecorder, tool: str) -> None:
    parameters = {"type": "object", "properties": {"port": {"type": "string", "description": "where"}}, "required": ["port"]}
    function = {"name": "tides", "description": "The tides of a port.", "parameters": parameters}
    given: Any = {"function": tides, "dict": {"type": "function", "function": function}}.get(tool)
    record.client.chat(MODEL, HELLO, tools=[given or ollama.Tool(function=ollama.Tool.Function(**function))])  # type: ignore[arg-type]
    (definition,) = record.content("tool.definitions")
    assert (definition["type"], definition["name"], definition["description"].strip()) == ("function", "tides", "The tides of a port.")
    assert definition["parameters"]["properties"]["port"]["type"] == "string"
    (call,) = record.said
    assert call == {"type": "tool_call", "name": "tides", "arguments": {**call["arguments"], "port": "there"}}


@pytest.mark.parametrize("as_models", [False, True])
def test_a_whole_conversation(record: OllamaRecorder, as_models: bool) -> None:
    said: list[Any] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "what is this?", "images": [PIXEL]},
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "look", "arguments": {"closely": True}}}]},
        {"role": "tool", "content": "a pixel"},
    ]
    if as_models:
        # The oldest client refuses models with images.
        said = [one if "images" in one else ollama.Message(**one) for one in said]
    record.client.chat(MODEL, said)
    assert record.content("input.messages") == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "parts": [{"type": "text", "content": "what is this?"}, BLOB]},
        {"role": "assistant", "parts": [{"type": "tool_call", "name": "look", "arguments": {"closely": True}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": "a pixel"}]},
    ]


@pytest.mark.parametrize("streamed", [False, True])
def test_thinking_and_tool_calls_are_answered_together(record: OllamaRecorder, streamed: bool) -> None:
    call = {"id": "call_1", "function": {"name": "look", "arguments": {}}}
    steps = [{"thinking": "hm"}, {"thinking": "m"}, {"content": "I "}, {"content": "look"}, {"tool_calls": [call]}]
    whole = {"role": "assistant", "content": "I look", "thinking": "hmm", "tool_calls": [call]}
    head = {"model": MODEL, "created_at": CREATED}
    if streamed:
        pieces = [{**head, "message": {"role": "assistant", "content": "", **step}, "done": False} for step in steps]
        record.server.enqueue(lines([*pieces, {**head, "message": {"role": "assistant", "content": ""}, "done": True}]))
        list(record.client.chat(MODEL, HELLO, stream=True))
    else:
        record.answer({**head, "message": whole, "done": True})
        record.client.chat(MODEL, HELLO)
    text, called = record.said[-2:]
    assert (text, called["name"]) == ({"type": "text", "content": "I look"}, "look")
    if "thinking" in ollama.Message.model_fields:
        assert record.said[0] == {"type": "reasoning", "content": "hmm"}
    assert record.attributes("gen_ai.response.finish") == {"gen_ai.response.finish_reasons": ("stop",)}


def test_generate(record: OllamaRecorder) -> None:
    record.client.generate(MODEL, "hello there", suffix="bye", system="Be brief.", images=[base64.b64encode(PIXEL).decode()])
    assert record.span.name == f"text_completion {MODEL}"
    assert record.content("system_instructions") == [{"type": "text", "content": "Be brief."}]
    assert record.asked == [{"type": "text", "content": "hello there"}, BLOB, {"type": "suffix", "content": "bye"}]
    assert record.said == [{"type": "text", "content": "You said: hello there"}]
    assert record.attributes("gen_ai.usage", "gen_ai.response.finish") == {
        "gen_ai.usage.input_tokens": 266,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.response.finish_reasons": ("stop",),
    }


def test_loading_a_model_asks_and_says_nothing(record: OllamaRecorder) -> None:
    record.client.generate(MODEL)
    assert record.attributes("gen_ai.response.finish") == {"gen_ai.response.finish_reasons": ("load",)}
    assert record.content("output.messages") == [{"role": "assistant", "parts": [], "finish_reason": "stop"}]
    assert record.content("input.messages") is None


def test_embeddings(record: OllamaRecorder) -> None:
    record.client.embed("all-minilm", ["one", "two"], options={"seed": 1})
    assert record.attributes() == {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "ollama",
        "gen_ai.request.model": "all-minilm",
        "gen_ai.request.seed": 1,
        "gen_ai.response.model": "all-minilm",
        "gen_ai.embeddings.dimension.count": 8,
        "gen_ai.usage.input_tokens": 2,
        **record.where(),
    }
    assert record.content("input.messages") is None
    record.telemetry.clear()
    record.client.embeddings("all-minilm", "one")
    assert record.attributes("gen_ai.embeddings", "gen_ai.usage") == {"gen_ai.embeddings.dimension.count": 8}


@pytest.mark.parametrize("streamed", [False, True])
def test_a_refusal_has_the_servers_status(record: OllamaRecorder, streamed: bool) -> None:
    with pytest.raises(ollama.ResponseError):
        list(record.client.chat("error-404", HELLO, stream=streamed))
    attributes = record.span.attributes or {}
    assert (attributes["error.type"], attributes["http.response.status_code"]) == ("404", 404)
    assert "model 'error-404' not found" in (record.span.status.description or "")
    (point,) = record.telemetry.points("gen_ai.client.operation.duration")
    assert point.attributes["error.type"] == "404"


def test_a_failure_in_a_stream_keeps_what_had_arrived(record: OllamaRecorder) -> None:
    with pytest.raises(ollama.ResponseError, match="llama runner exited"):
        list(record.client.chat("error-stream", HELLO, stream=True))
    attributes = record.span.attributes or {}
    assert attributes["error.type"] == "ollama._types.ResponseError"
    assert "http.response.status_code" not in attributes
    assert record.said == [{"type": "text", "content": "You said:"}]


def test_no_server_is_an_error(record: OllamaRecorder) -> None:
    nowhere = ollama.Client("http://127.0.0.1:1")
    with pytest.raises(Exception, match=r"."):
        nowhere.chat(MODEL, HELLO)
    nowhere._client.close()
    assert record.span.status.status_code is StatusCode.ERROR
    assert record.attributes("server") == {"server.address": "127.0.0.1", "server.port": 1}


def test_the_ledger_is_the_sum_over_spans_and_metrics(record: OllamaRecorder) -> None:
    record.client.chat(MODEL, MESSAGES)
    list(record.client.chat(MODEL, MESSAGES, stream=True))
    record.client.generate(MODEL, "hello there")
    record.client.embed("all-minilm", "one")
    spans = record.telemetry.spans()
    sums = [sum((span.attributes or {}).get(f"gen_ai.usage.{kind}_tokens", 0) for span in spans) for kind in ("input", "output")]  # type: ignore[misc]
    assert tuple(sums) == record.server.tokens()
    points = record.telemetry.points("gen_ai.client.token.usage")
    assert sum(point.sum for point in points) == sum(sums)
    assert len(spans) == len(record.server.requests) == 4


def test_nothing_said_is_recorded_without_content(record: OllamaRecorder) -> None:
    record.start(ContentMode.NO_CONTENT)
    record.client.chat(MODEL, HELLO, tools=[tides])
    assert "hello" not in str(record.span.attributes)
    assert "tides" not in str(record.span.attributes)


def test_content_on_events(record: OllamaRecorder) -> None:
    record.start(ContentMode.EVENT_ONLY)
    list(record.client.chat(MODEL, HELLO, stream=True))
    assert record.content("input.messages") is None
    (log,) = record.telemetry.logs("gen_ai.client.inference.operation.details")
    assert (log.log_record.attributes or {})["gen_ai.output.messages"]
