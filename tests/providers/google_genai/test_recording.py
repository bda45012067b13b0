"""What calls of the google-genai client leave behind: attributes, messages and their parts, usage, errors."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any, Final

import pytest
from google.genai import errors, types
from opentelemetry.trace import SpanKind, StatusCode

from agentops_instrumentors.core import dropped
from agentops_instrumentors.core.content import ContentMode
from tests.fakes.google_server import Reply, stream
from tests.providers.google_genai.vendor import MODEL, SETTINGS

if TYPE_CHECKING:
    from tests.providers.google_genai.conftest import GoogleRecorder

PIXEL: Final = b"\x89PNG\r\n\x1a\n" + bytes(24)
BLOB: Final = {"type": "blob", "modality": "image", "content": "", "size": len(PIXEL), "mime_type": "image/png"}
HASHED: Final = {**BLOB, "digest": "sha256:" + hashlib.sha256(PIXEL).hexdigest()}


def ask(record: GoogleRecorder, contents: Any = "hello there", model: str = MODEL, **config: Any) -> Any:
    return record.client.models.generate_content(model=model, contents=contents, config=config or None)


def answer(*parts: dict[str, Any], reason: str | None = "STOP", **more: Any) -> dict[str, Any]:
    """The body of an answer with one candidate."""
    candidate = {"content": {"role": "model", "parts": list(parts)}, **({"finishReason": reason} if reason else {})}
    return {"candidates": [candidate], "modelVersion": MODEL, "responseId": "r1", **more}


def test_every_attribute_of_a_plain_call(record: GoogleRecorder) -> None:
    ask(record)
    span = record.span
    assert (span.name, span.kind) == (f"generate_content {MODEL}", SpanKind.CLIENT)
    assert (span.status.status_code, span.status.description, span.events) == (StatusCode.UNSET, None, ())
    assert span.instrumentation_scope
    assert (span.instrumentation_scope.name, span.instrumentation_scope.schema_url) == ("agentops_instrumentors.google_genai", "")
    assert record.attributes() == {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": MODEL,
        "gen_ai.response.id": "resp-1",
        "gen_ai.response.model": MODEL,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 11,
        "gen_ai.usage.text.input_tokens": 7,
        **record.where(),
    }
    assert record.content("input.messages") == [{"role": "user", "parts": [{"type": "text", "content": "hello there"}]}]
    said = {"role": "assistant", "parts": [{"type": "text", "content": "You said: hello there"}], "finish_reason": "stop"}
    assert record.content("output.messages") == [said]
    assert record.content("system_instructions") is record.content("tool.definitions") is None


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_stream_records_what_the_plain_call_does(record: GoogleRecorder, asynchronous: bool) -> None:
    async def read() -> None:
        async for _ in await record.client.aio.models.generate_content_stream(model="thinking", contents="hello there"):
            pass

    if asynchronous:
        asyncio.run(read())
    else:
        list(record.client.models.generate_content_stream(model="thinking", contents="hello there"))
    dropped.flush(10)
    assert record.attributes("gen_ai.re", "gen_ai.usage") == {
        "gen_ai.request.model": "thinking",
        "gen_ai.request.stream": True,
        "gen_ai.response.id": "resp-1",
        "gen_ai.response.model": "thinking",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 75,
        "gen_ai.usage.reasoning.output_tokens": 64,
        "gen_ai.usage.text.input_tokens": 7,
    }
    assert record.said == [{"type": "reasoning", "content": "Let me think."}, {"type": "text", "content": "You said: hello there"}]
    assert (record.span.attributes or {})["gen_ai.response.time_to_first_chunk"]


def test_request_parameters(record: GoogleRecorder) -> None:
    ask(
        record,
        top_p=0.9,
        stop_sequences=["END"],
        max_output_tokens=5,
        seed=7,
        frequency_penalty=0.1,
        presence_penalty=0.2,
        candidate_count=2,
        **SETTINGS,
    )
    assert record.attributes("gen_ai.request", "gen_ai.output.type", "gen_ai.response.finish") == {
        "gen_ai.request.model": MODEL,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_k": 3,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.stop_sequences": ("END",),
        "gen_ai.request.max_tokens": 5,
        "gen_ai.request.seed": 7,
        "gen_ai.request.frequency_penalty": 0.1,
        "gen_ai.request.presence_penalty": 0.2,
        "gen_ai.request.choice.count": 2,
        "gen_ai.output.type": "json",
        "gen_ai.response.finish_reasons": ("stop", "stop"),
    }
    assert record.content("system_instructions") == [{"type": "text", "content": "Be brief."}]


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"response_mime_type": "text/plain"}, "text"),
        ({"response_mime_type": "application/json"}, "json"),
        ({"response_modalities": ["TEXT"]}, "text"),
        ({"response_modalities": ["TEXT", "IMAGE"]}, "image"),
        ({"response_modalities": ["AUDIO"]}, "speech"),
        ({"responseMimeType": "application/json"}, "json"),
    ],
)
def test_what_is_asked_for(record: GoogleRecorder, config: Any, kind: str) -> None:
    ask(record, **config)
    assert record.attributes("gen_ai.output.type") == {"gen_ai.output.type": kind}


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("models/gemini-2.5-flash", MODEL),
        ("tunedModels/mine", "tunedModels/mine"),
    ],
)
def test_models_by_their_names(record: GoogleRecorder, given: str, name: str) -> None:
    record.server.enqueue(Reply.json(answer({"text": "hi"})))
    ask(record, model=given)
    assert record.attributes("gen_ai.request.model") == {"gen_ai.request.model": name}


def test_vertex_ai(record: GoogleRecorder) -> None:
    record.vertex.models.generate_content(model="publishers/google/models/gemini-2.5-flash", contents="hi")
    assert record.span.name == f"generate_content {MODEL}"
    assert record.attributes("gen_ai.provider", "server") == {"gen_ai.provider.name": "gcp.vertex_ai", **record.where()}


def test_a_base_url_of_the_call(record: GoogleRecorder) -> None:
    ask(record, http_options={"base_url": record.server.url.replace("127.0.0.1", "localhost")})
    assert record.attributes("server.address") == {"server.address": "localhost"}


@pytest.mark.parametrize("as_models", [False, True])
def test_a_whole_conversation(record: GoogleRecorder, as_models: bool) -> None:
    said: list[Any] = [
        {"role": "user", "parts": [{"text": "look"}, {"inline_data": {"data": PIXEL, "mime_type": "image/png"}}]},
        {
            "role": "model",
            "parts": [{"text": "hm", "thought": True}, {"function_call": {"id": "c1", "name": "tides", "args": {"port": "Brest"}}}],
        },
        {"role": "user", "parts": [{"function_response": {"id": "c1", "name": "tides", "response": {"result": "high"}}}]},
        {"role": "user", "parts": [{"file_data": {"file_uri": "gs://b/v.mp4", "mime_type": "video/mp4"}}, {"text": "and this?"}]},
        {"role": "model", "parts": [{"executable_code": {"language": "PYTHON", "code": "1+2"}}]},
        {"role": "model", "parts": [{"code_execution_result": {"outcome": "OUTCOME_OK", "output": "3"}}]},
        {"role": "user", "parts": [{"text": "go on"}]},
    ]
    ask(record, [types.Content.model_validate(one) for one in said] if as_models else said)
    messages = record.content("input.messages")
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "user", "assistant", "assistant", "user"]
    assert [message["parts"] for message in messages[:-1]] == [
        [{"type": "text", "content": "look"}, HASHED],
        [
            {"type": "reasoning", "content": "hm"},
            {"type": "tool_call", "name": "tides", "id": "c1", "arguments": {"port": "Brest"}},
        ],
        [{"type": "tool_call_response", "response": {"result": "high"}, "id": "c1"}],
        [{"type": "uri", "modality": "video", "uri": "gs://b/v.mp4", "mime_type": "video/mp4"}, {"type": "text", "content": "and this?"}],
        [
            {
                "type": "server_tool_call",
                "name": "code_execution",
                "server_tool_call": {"type": "code_execution", "code": "1+2", "language": "PYTHON"},
            }
        ],
        [
            {
                "type": "server_tool_call_response",
                "server_tool_call_response": {"type": "code_execution", "outcome": "OUTCOME_OK", "output": "3"},
            }
        ],
    ]


def test_loose_parts_are_one_message(record: GoogleRecorder) -> None:
    ask(
        record,
        ["look", types.Part.from_bytes(data=PIXEL, mime_type="image/png"), types.Part.from_uri(file_uri="gs://b/a", mime_type="audio/wav")],
    )
    assert record.asked == [
        {"type": "text", "content": "look"},
        HASHED,
        {"type": "uri", "modality": "audio", "uri": "gs://b/a", "mime_type": "audio/wav"},
    ]


def tides(port: str, days: int = 1) -> str:
    """The tides of a port.

    At the coast.
    """
    return f"high at {port}"


def test_tools_however_they_are_given(record: GoogleRecorder) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    declared = types.FunctionDeclaration(name="f", description="F.", parameters_json_schema=schema)
    tools = [tides, types.Tool(function_declarations=[declared]), {"google_search": {}}, {"functionDeclarations": [{"name": "g"}]}]
    ask(record, tools=tools, automatic_function_calling={"disable": True})
    assert record.content("tool.definitions") == [
        {
            "type": "function",
            "name": "tides",
            "description": "The tides of a port.\n\nAt the coast.",
            "parameters": {"type": "object", "properties": {"port": {"type": "string"}, "days": {"type": "integer"}}, "required": ["port"]},
        },
        {"type": "function", "name": "f", "description": "F.", "parameters": schema},
        {"type": "google_search", "name": "google_search"},
        {"type": "function", "name": "g"},
    ]
    assert record.attributes("gen_ai.response.finish") == {"gen_ai.response.finish_reasons": ("tool_call",)}


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("SOMETHING_NEW", "error"),
        (None, "error"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*is not a valid FinishReason")
def test_finish_reasons(record: GoogleRecorder, reason: str | None, told: str) -> None:
    record.answer(answer({"text": "well"}, reason=reason))
    ask(record)
    assert record.attributes("gen_ai.response.finish") == {"gen_ai.response.finish_reasons": (told,)}
    assert record.content("output.messages")[0]["finish_reason"] == told


def test_a_blocked_prompt(record: GoogleRecorder) -> None:
    ask(record, model="blocked")
    assert record.attributes("gen_ai.response.finish", "gen_ai.usage.o") == {"gen_ai.response.finish_reasons": ("content_filter",)}
    assert record.content("output.messages") == []


def test_usage_has_one_meaning(record: GoogleRecorder) -> None:
    details = [{"modality": "TEXT", "tokenCount": 60}, {"modality": "IMAGE", "tokenCount": 30}, {"modality": "AUDIO", "tokenCount": 10}]
    usage = {
        "promptTokenCount": 100,
        "promptTokensDetails": details,
        "cachedContentTokenCount": 40,
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 4}],
        "toolUsePromptTokenCount": 11,
        "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 11}],
        "candidatesTokenCount": 20,
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 15}, {"modality": "IMAGE", "tokenCount": 5}],
        "thoughtsTokenCount": 7,
        "totalTokenCount": 138,
    }
    record.answer(answer({"text": "hi"}, usageMetadata=usage))
    ask(record)
    assert record.attributes("gen_ai.usage") == {
        "gen_ai.usage.input_tokens": 111,
        "gen_ai.usage.output_tokens": 27,
        "gen_ai.usage.cache_read.input_tokens": 40,
        "gen_ai.usage.reasoning.output_tokens": 7,
        "gen_ai.usage.text.input_tokens": 71,
        "gen_ai.usage.image.input_tokens": 30,
        "gen_ai.usage.audio.input_tokens": 10,
        "gen_ai.usage.audio.cache_read.input_tokens": 4,
        "gen_ai.usage.text.output_tokens": 15,
        "gen_ai.usage.image.output_tokens": 5,
    }
    assert record.server.tokens() == (111, 27)
    (point,) = [p for p in record.telemetry.points("gen_ai.client.token.usage") if p.attributes["gen_ai.token.type"] == "input"]
    assert point.sum == 111


def test_an_answer_of_many_parts(record: GoogleRecorder) -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    call = {"functionCall": {"name": "f", "args": {"a": [1, {"b": None}]}}, "thoughtSignature": "c2ln"}
    soon, later = ({"promptTokenCount": 7, "candidatesTokenCount": count} for count in (1, 3))
    chunks = [answer({"text": "a"}, reason=None, usageMetadata=soon), answer({"text": "b"}, picture, reason=None)]
    record.server.enqueue(stream([*chunks, answer(call, {"thoughtSignature": "c2ln"}, usageMetadata=later)]))
    list(record.client.models.generate_content_stream(model=MODEL, contents="hi"))
    (text, blob, called, signature) = record.said
    assert text == {"type": "text", "content": "ab"}
    assert (blob["type"], blob["modality"], blob["content"], blob["size"]) == ("blob", "image", "", 8)
    assert called == {"type": "tool_call", "name": "f", "arguments": {"a": [1, {"b": None}]}}
    assert signature == {"type": "thought_signature", "size": 3}
    # What each chunk says is the total so far.
    assert record.attributes("gen_ai.usage") == {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3}
    assert record.attributes("gen_ai.response.finish") == {"gen_ai.response.finish_reasons": ("tool_call",)}


@pytest.mark.parametrize(("status", "kind"), [(400, "INVALID_ARGUMENT"), (429, "RESOURCE_EXHAUSTED"), (500, "INTERNAL")])
def test_a_refusal(record: GoogleRecorder, status: int, kind: str) -> None:
    with pytest.raises(errors.APIError):
        ask(record, model=f"error-{status}")
    span = record.span
    assert span.status.status_code is StatusCode.ERROR
    assert record.attributes("error", "http") == {"error.type": kind, "http.response.status_code": status}
    assert [event.name for event in span.events] == ["exception"]
    (log,) = record.telemetry.logs("gen_ai.client.operation.exception")
    assert log.log_record.attributes
    assert log.log_record.attributes["exception.type"].startswith("google.genai.errors.")
    (point,) = record.telemetry.points("gen_ai.client.operation.duration")
    assert point.attributes["error.type"] == kind


def test_no_content_where_none_is_wanted(record: GoogleRecorder) -> None:
    record.start(ContentMode.NO_CONTENT)
    ask(record, "secret words", tools=[tides], system_instruction="secret", automatic_function_calling={"disable": True})
    assert not [name for name, value in (record.span.attributes or {}).items() if "secret" in str(value) or "tides" in str(value)]


def test_the_details_event(record: GoogleRecorder) -> None:
    record.start(ContentMode.EVENT_ONLY)
    ask(record)
    (log,) = record.telemetry.logs("gen_ai.client.inference.operation.details")
    attributes: Any = log.log_record.attributes
    assert attributes["gen_ai.output.messages"][0]["parts"][0]["content"] == "You said: hello there"
    assert attributes["gen_ai.usage.output_tokens"] == 11
    assert record.content("input.messages") is None
