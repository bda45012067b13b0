"""What `invoke_model` leaves behind, in every model's own format, whole and streamed."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.fakes import aws_eventstream
from tests.fakes.aws_bedrock import Reply
from tests.providers.bedrock.test_recording import blob

if TYPE_CHECKING:
    from tests.providers.bedrock.conftest import BedrockRecorder

TOOL: Final = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
SAID: Final = [{"role": "user", "content": "hello there"}]
TEXT: Final = {"type": "text", "content": "You said: hello there"}
CALL: Final = {"type": "tool_call", "name": "weather", "arguments": {"city": "Paris"}}
CLAUDE: Final = "anthropic.claude-3-5-sonnet-20241022-v2:0"
FORMATS: Final[dict[str, tuple[str, dict[str, Any], dict[str, Any], str, list[Any], str]]] = {
    "anthropic": (
        CLAUDE,
        {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 64, "top_k": 3, "messages": SAID},
        {"max_tokens": 64, "top_k": 3},
        "chat",
        [TEXT],
        "stop",
    ),
    "nova": (
        "us.amazon.nova-pro-v1:0",
        {"messages": [{"role": "user", "content": [{"text": "hello there"}]}], "inferenceConfig": {"max_new_tokens": 64, "topK": 3}},
        {"max_tokens": 64, "top_k": 3},
        "chat",
        [TEXT],
        "stop",
    ),
    "mistral chat": (
        "mistral.mistral-large-2407-v1:0",
        {"messages": SAID, "max_tokens": 64, "temperature": 0.5, "stop": ["END"]},
        {"max_tokens": 64, "temperature": 0.5, "stop_sequences": ("END",)},
        "chat",
        [TEXT],
        "stop",
    ),
    "mistral tools": (
        "mistral.mistral-large-2407-v1:0",
        {"messages": SAID, "tools": [TOOL]},
        {},
        "chat",
        [{**CALL, "id": "call_1"}],
        "tool_call",
    ),
    "command r": (
        "cohere.command-r-v1:0",
        {"message": "hello there", "p": 0.9, "k": 3},
        {"top_p": 0.9, "top_k": 3},
        "chat",
        [TEXT],
        "stop",
    ),
    "command r tools": (
        "cohere.command-r-v1:0",
        {"message": "hello there", "tools": [{"name": "weather", "description": "The weather."}]},
        {},
        "chat",
        [{"type": "text", "content": "I will look."}, CALL],
        "tool_call",
    ),
    "meta": (
        "meta.llama3-8b-instruct-v1:0",
        {"prompt": "hello there", "max_gen_len": 64, "top_p": 0.9},
        {"max_tokens": 64, "top_p": 0.9},
        "text_completion",
        [TEXT],
        "stop",
    ),
    "mistral": ("mistral.mistral-7b-instruct-v0:2", {"prompt": "hello there"}, {}, "text_completion", [TEXT], "stop"),
    "titan": (
        "amazon.titan-text-express-v1",
        {"inputText": "hello there", "textGenerationConfig": {"maxTokenCount": 64, "stopSequences": ["END"], "topP": 0.9}},
        {"max_tokens": 64, "stop_sequences": ("END",), "top_p": 0.9},
        "text_completion",
        [TEXT],
        "stop",
    ),
    "command": (
        "cohere.command-text-v14",
        {"prompt": "hello there", "max_tokens": 64},
        {"max_tokens": 64},
        "text_completion",
        [TEXT],
        "stop",
    ),
}


def invoke(record: BedrockRecorder, model: str, body: Any, streamed: bool = False) -> None:
    given = body if isinstance(body, (str, bytes)) else json.dumps(body)
    if streamed:
        list(record.runtime.invoke_model_with_response_stream(modelId=model, body=given)["body"])
    else:
        record.runtime.invoke_model(modelId=model, body=given)["body"].read()


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", FORMATS)
def test_formats(record: BedrockRecorder, name: str, streamed: bool) -> None:
    model, body, parameters, operation, said, reason = FORMATS[name]
    invoke(record, model, body, streamed)
    (bill,) = record.server.served()
    assert record.span.name == f"{operation} {model}"
    asked = {f"gen_ai.request.{parameter}": value for parameter, value in parameters.items()}
    streaming = {"gen_ai.request.stream": True} if streamed else {}
    assert record.attributes("gen_ai.request") == {"gen_ai.request.model": model, **asked, **streaming}
    found = record.attributes("gen_ai.usage.input", "gen_ai.usage.output", "gen_ai.response.finish")
    assert found == {
        "gen_ai.usage.input_tokens": bill.input_tokens,
        "gen_ai.usage.output_tokens": bill.output_tokens,
        "gen_ai.response.finish_reasons": (reason,),
    }
    assert record.asked == [{"type": "text", "content": "hello there"}]
    assert record.said == said
    assert record.attributes("gen_ai.response.id")


@pytest.mark.parametrize("given", ["bytes", "text", "a profile's ARN"])
def test_the_body_tells_the_format(record: BedrockRecorder, given: str) -> None:
    model = "arn:aws:bedrock:eu-west-3:123456789012:application-inference-profile/abc"
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 64, "messages": SAID})
    invoke(record, CLAUDE if given != "a profile's ARN" else model, body.encode() if given == "bytes" else body)
    assert record.said == [TEXT]


def test_claude_through_invoke_model_has_its_own_id_and_model(record: BedrockRecorder) -> None:
    invoke(record, CLAUDE, {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 64, "messages": SAID}, streamed=True)
    found = record.attributes("gen_ai.response.id", "gen_ai.response.model")
    assert found["gen_ai.response.id"].startswith("msg_")
    assert found["gen_ai.response.model"] == CLAUDE


@pytest.mark.parametrize(
    ("model", "body", "size"),
    [
        ("amazon.titan-embed-text-v2:0", {"inputText": "hello there", "dimensions": 16}, 16),
        ("amazon.titan-embed-text-v1", {"inputText": "hello there"}, 8),
        ("cohere.embed-english-v3", {"texts": ["hello", "there"], "input_type": "search_document"}, 8),
        ("cohere.embed-english-v3", {"texts": ["hello", "there"], "embedding_types": ["int8", "float"]}, 8),
    ],
)
def test_embeddings(record: BedrockRecorder, model: str, body: dict[str, Any], size: int) -> None:
    invoke(record, model, body)
    assert record.span.name == f"embeddings {model}"
    assert record.attributes("gen_ai.embeddings") == {"gen_ai.embeddings.dimension.count": size}
    kinds = body.get("embedding_types")
    assert record.attributes("gen_ai.request.encoding") == ({"gen_ai.request.encoding_formats": tuple(kinds)} if kinds else {})
    assert record.attributes("gen_ai.usage") == {"gen_ai.usage.input_tokens": record.server.tokens()[0]}
    assert "hello" not in str(record.span.attributes)


def test_ranking(record: BedrockRecorder) -> None:
    invoke(record, "cohere.rerank-v3-5:0", {"query": "tide", "documents": ["a", "tide"], "top_n": 1, "api_version": 2})
    attributes = record.span.attributes or {}
    assert record.span.name == "retrieval"
    assert attributes["gen_ai.retrieval.top_k"] == 1
    assert attributes["gen_ai.retrieval.query.text"] == "tide"
    assert json.loads(str(attributes["gen_ai.retrieval.documents"])) == [{"id": "1", "score": 0.9}]


def test_pictures(record: BedrockRecorder) -> None:
    invoke(record, "amazon.nova-canvas-v1:0", {"taskType": "TEXT_IMAGE", "textToImageParams": {"text": "a tide"}})
    assert record.span.name == "generate_content amazon.nova-canvas-v1:0"
    assert record.attributes("gen_ai.output") == {"gen_ai.output.type": "image"}
    assert (record.asked, record.said) == ([{"type": "text", "content": "a tide"}], [blob("image", b"\x89PNG\r\n\x1a\n")])


def test_a_body_of_an_unknown_format_is_counted(record: BedrockRecorder) -> None:
    counts = {"x-amzn-bedrock-input-token-count": "7", "x-amzn-bedrock-output-token-count": "3"}
    record.server.enqueue(Reply.json({"strange": True}, headers=counts))
    invoke(record, "someone.some-model-v1", {"stranger": 1})
    assert record.span.name == "generate_content someone.some-model-v1"
    assert record.attributes("gen_ai.usage") == {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3}


@pytest.mark.parametrize("body", [b"\xff\xfe", b"[1, 2]", b"", b"null"])
def test_a_request_that_is_no_object_is_sent_and_counted(record: BedrockRecorder, body: bytes) -> None:
    record.answer({"generation": "yes", "prompt_token_count": 1, "generation_token_count": 1, "stop_reason": "length"})
    invoke(record, "meta.llama3-8b-instruct-v1:0", body)
    assert record.server.requests[0].body == body
    assert record.span.name == "generate_content meta.llama3-8b-instruct-v1:0"


def test_a_body_that_is_a_file_is_left_to_the_client(record: BedrockRecorder, tmp_path: Any) -> None:
    path = tmp_path / "body.json"
    path.write_text(json.dumps({"prompt": "hello there"}))
    with path.open("rb") as body:
        record.runtime.invoke_model(modelId="meta.llama3-8b-instruct-v1:0", body=body)["body"].read()
    assert record.server.requests[0].json() == {"prompt": "hello there"}
    assert record.attributes("gen_ai.usage")


def test_cached_tokens_of_a_body_that_does_not_tell_them(record: BedrockRecorder) -> None:
    counts = {"input": "10", "output": "5", "cache-read-input": "100", "cache-write-input": "20"}
    headers = {f"x-amzn-bedrock-{name}-token-count": count for name, count in counts.items()}
    record.server.enqueue(Reply.json({"outputs": [{"text": "yes", "stop_reason": "stop"}]}, headers=headers))
    invoke(record, "mistral.mistral-7b-instruct-v0:2", {"prompt": "hello there"})
    assert record.attributes("gen_ai.usage") == {
        "gen_ai.usage.input_tokens": 130,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 100,
        "gen_ai.usage.cache_write.input_tokens": 20,
    }


def test_chunks_that_make_no_sense(record: BedrockRecorder) -> None:
    chunks = [{"bytes": "bm90IGpzb24="}, {"p": "nothing"}, {"bytes": "W10="}]
    record.server.enqueue(aws_eventstream.reply([aws_eventstream.encode_event("chunk", chunk) for chunk in chunks]))
    invoke(record, "meta.llama3-8b-instruct-v1:0", {"prompt": "hello there"}, streamed=True)
    assert record.content("output.messages") is None


def test_tool_calls_in_pieces(record: BedrockRecorder) -> None:
    pieces = [
        {"id": "c1", "index": 0, "function": {"name": "weather", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"city": '}},
        {"index": 0, "function": {"arguments": '"Paris"}'}},
        {"id": "c2", "index": 1, "function": {"name": "time", "arguments": "{}"}},
    ]
    chunks = [{"choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]} for piece in pieces]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    record.server.enqueue(chat_stream(chunks))
    invoke(record, "openai.gpt-oss-120b-1:0", {"messages": SAID, "tools": [TOOL], "reasoning_effort": "low"}, streamed=True)
    assert record.said == [{**CALL, "id": "c1"}, {"type": "tool_call", "name": "time", "id": "c2", "arguments": {}}]
    assert record.attributes("gen_ai.request.reasoning") == {"gen_ai.request.reasoning.level": "low"}


def chat_stream(chunks: list[Any]) -> Reply:
    encoded = [{"bytes": base64.b64encode(json.dumps(chunk).encode()).decode()} for chunk in chunks]
    return aws_eventstream.reply([aws_eventstream.encode_event("chunk", chunk) for chunk in encoded])
