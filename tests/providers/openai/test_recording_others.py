"""Embeddings, legacy completions, Azure, compatible servers, and errors."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai import AsyncAzureOpenAI, AzureOpenAI
from opentelemetry.trace import StatusCode

from agentops_instrumentors.hosts import provider_of
from tests.fakes.openai_server import Reply
from tests.providers.openai.recording import HELLO, MODEL, drained

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.providers.openai.recording import OpenAIRecorder

pytest_plugins = ("tests.providers.openai.recording_fixtures",)

EMBEDDING = "text-embedding-3-small"
INSTRUCT = "gpt-3.5-turbo-instruct"


@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_every_attribute_of_an_embedding(record: OpenAIRecorder, encoding: Any) -> None:
    asked: Any = {"encoding_format": encoding} if encoding else {}
    record.client.embeddings.create(model=EMBEDDING, input=["one two", "three"], dimensions=8, **asked)
    assert record.span.name == f"embeddings {EMBEDDING}"
    assert record.attributes() == {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": EMBEDDING,
        "gen_ai.embeddings.dimension.count": 8,
        "gen_ai.response.model": EMBEDDING,
        "gen_ai.usage.input_tokens": 4,
        "gen_ai.request.encoding_formats": (encoding or "base64",),
        **record.where(),
    }
    assert "one two" not in str(record.span.attributes)


def test_dimensions_are_those_of_the_answer(record: OpenAIRecorder) -> None:
    async def run() -> None:
        async with record.async_client() as client:
            await client.embeddings.create(model=EMBEDDING, input="one")

    asyncio.run(run())
    expected = {"gen_ai.embeddings.dimension.count": 1536, "gen_ai.request.encoding_formats": ("base64",)}
    assert record.attributes("gen_ai.embeddings", "gen_ai.request.encoding") == expected


def test_every_attribute_of_a_legacy_completion(record: OpenAIRecorder) -> None:
    answer = record.client.completions.create(model=INSTRUCT, prompt="tides", temperature=0.1, n=2)
    assert record.span.name == f"text_completion {INSTRUCT}"
    assert record.attributes() == {
        "gen_ai.operation.name": "text_completion",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": INSTRUCT,
        "gen_ai.request.temperature": 0.1,
        "gen_ai.request.choice.count": 2,
        "gen_ai.response.id": answer.id,
        "gen_ai.response.model": INSTRUCT,
        "gen_ai.response.finish_reasons": ("stop", "stop"),
        "gen_ai.usage.input_tokens": 2,
        "gen_ai.usage.output_tokens": 8,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 0,
        **record.where(),
    }
    assert record.content("input.messages") == [{"role": "user", "parts": [{"type": "text", "content": "tides"}]}]
    said = {"role": "assistant", "parts": [{"type": "text", "content": " You said: tides"}], "finish_reason": "stop"}
    assert record.content("output.messages") == [said, said]


@pytest.mark.parametrize(
    ("prompt", "expected"), [(["a", "b"], ["a", "b"]), ([1, 2], ["[1, 2]"]), ([[1, 2], [3]], ["[1, 2]", "[3]"]), ("a", ["a"])]
)
def test_prompts_of_a_legacy_completion(record: OpenAIRecorder, prompt: Any, expected: list[str]) -> None:
    list(record.client.completions.create(model=INSTRUCT, prompt=prompt, stream=True, stream_options={"include_usage": True}))
    assert [message["parts"][0]["content"] for message in record.content("input.messages")] == expected
    assert record.attributes("gen_ai.response.finish")["gen_ai.response.finish_reasons"]
    assert record.attributes("gen_ai.usage.input_tokens")
    assert len(record.content("output.messages")) == (len(prompt) if isinstance(prompt, list) and prompt != [1, 2] else 1)


def test_async_legacy_stream_left_early(record: OpenAIRecorder) -> None:
    async def run() -> None:
        async with record.async_client() as client:
            stream = await client.completions.create(model=INSTRUCT, prompt="tides", stream=True)
            async for _ in stream:
                break
            await stream.close()

    asyncio.run(run())
    said = {"role": "assistant", "parts": [{"type": "text", "content": " You"}], "finish_reason": "error"}
    assert record.content("output.messages") == [said]


class Fleet(AzureOpenAI):
    """An application's own client."""


@pytest.mark.parametrize("kind", [AzureOpenAI, Fleet])
def test_azure(record: OpenAIRecorder, kind: type[AzureOpenAI]) -> None:
    options: Any = {"azure_endpoint": record.server.url, "api_key": "test", "api_version": "2024-10-21", "max_retries": 0}
    with kind(**options, azure_deployment="fleet") as client:
        client.chat.completions.create(model=MODEL, messages=HELLO)
    assert record.server.requests[0].path == "/openai/deployments/fleet/chat/completions"
    assert record.attributes("gen_ai.provider", "gen_ai.request", "server") == {
        "gen_ai.provider.name": "azure.ai.openai",
        "gen_ai.request.model": MODEL,
        **record.where(),
    }
    record.telemetry.clear()
    with kind(**options) as client:
        list(client.chat.completions.create(model=MODEL, messages=HELLO, stream=True))
    assert record.server.requests[1].path == f"/openai/deployments/{MODEL}/chat/completions"
    assert record.said == [{"type": "text", "content": "You said: hello there"}]
    assert record.attributes("gen_ai.response.model") == {"gen_ai.response.model": "gpt-4o-mini-2024-07-18"}


def test_async_azure(record: OpenAIRecorder) -> None:
    async def run() -> None:
        options: Any = {"azure_endpoint": record.server.url, "api_key": "test", "api_version": "2024-10-21", "max_retries": 0}
        async with AsyncAzureOpenAI(**options) as client:
            await client.chat.completions.create(model=MODEL, messages=HELLO)
            await drained(await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True))

    asyncio.run(run())
    record.telemetry.assert_balanced(2)
    assert {(span.attributes or {})["gen_ai.provider.name"] for span in record.telemetry.spans()} == {"azure.ai.openai"}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("api.openai.com", "openai"),
        ("API.OpenAI.com", "openai"),
        ("eu.api.openai.com", "openai"),
        ("fleet.openai.azure.com", "azure.ai.openai"),
        ("fleet.cognitiveservices.azure.com", "azure.ai.openai"),
        ("fleet.services.ai.azure.com", "azure.ai.inference"),
        ("api.groq.com", "groq"),
        ("api.x.ai", "x_ai"),
        ("eu-west-1.api.x.ai", "x_ai"),
        ("api.deepseek.com", "deepseek"),
        ("api.mistral.ai", "mistral_ai"),
        ("api.perplexity.ai", "perplexity"),
        ("api.moonshot.ai", "moonshot_ai"),
        ("api.anthropic.com", "anthropic"),
        ("api.cohere.ai", "cohere"),
        ("generativelanguage.googleapis.com", "gcp.gemini"),
        ("europe-west1-aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("bedrock-runtime.eu-west-1.amazonaws.com", "aws.bedrock"),
        ("openrouter.ai", "openrouter"),
        ("localhost", "openai"),
        ("notapi.openai.com.example.test", "openai"),
    ],
)
def test_provider_of_a_host(host: str, expected: str) -> None:
    assert provider_of(host, "openai") == expected


@pytest.mark.parametrize(
    ("base_url", "server"),
    [("http://nowhere.invalid/v1", ("nowhere.invalid", 80)), ("https://api.groq.com/openai/v1", ("api.groq.com", 443))],
)
def test_default_ports(record: OpenAIRecorder, base_url: str, server: tuple[str, int]) -> None:
    transport: Any = _refusing_client()
    with record.client_at(base_url=base_url, http_client=transport) as client, pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model=MODEL, messages=HELLO)
    provider = "groq" if "groq" in base_url else "openai"
    assert record.attributes("server", "gen_ai.provider") == {
        "gen_ai.provider.name": provider,
        "server.address": server[0],
        "server.port": server[1],
    }


def _refusing_client() -> Any:
    """An HTTP client of the SDK's own library whose only way out is a proxy that is not there."""
    return openai.DefaultHttpxClient(proxy="http://127.0.0.1:9")


CALLS: dict[str, Callable[[openai.OpenAI, str], Any]] = {
    "chat": lambda client, model: client.chat.completions.create(model=model, messages=HELLO),
    "chat streamed": lambda client, model: client.chat.completions.create(model=model, messages=HELLO, stream=True),
    "responses": lambda client, model: client.responses.create(model=model, input="x"),
    "embeddings": lambda client, model: client.embeddings.create(model=model, input="x"),
    "completions": lambda client, model: client.completions.create(model=model, prompt="x"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
def test_error_statuses(record: OpenAIRecorder, call: str, status: int, error: type[Exception]) -> None:
    model = f"error-{status}"
    with pytest.raises(error) as raised:
        CALLS[call](record.client, model)
    span = record.span
    assert span.name.endswith(model)
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == str(raised.value)
    assert record.attributes("error.type", "agentops.error", "gen_ai.response", "http") == {
        "error.type": f"openai.{error.__name__}",
        "http.response.status_code": status,
        "agentops.error.span_kind": "llm",
    }
    (event,) = span.events
    assert event.name == "exception"
    assert event.attributes
    assert event.attributes["exception.type"] == f"openai.{error.__name__}"
    assert event.attributes["exception.message"] == str(raised.value)
    assert "Traceback" in str(event.attributes["exception.stacktrace"])


def test_a_connection_that_breaks(record: OpenAIRecorder) -> None:
    record.server.enqueue(Reply.drop())
    with pytest.raises(openai.APIConnectionError):
        record.client.chat.completions.create(model=MODEL, messages=HELLO)
    assert record.attributes("error.type", "http") == {"error.type": "openai.APIConnectionError"}


def test_a_timeout(record: OpenAIRecorder) -> None:
    record.server.enqueue(Reply.hang())
    with pytest.raises(openai.APITimeoutError):
        record.client.chat.completions.create(model=MODEL, messages=HELLO, timeout=0.2)
    assert record.attributes("error.type") == {"error.type": "openai.APITimeoutError"}


def test_a_stream_that_fails_half_way(record: OpenAIRecorder) -> None:
    with pytest.raises(openai.APIError):
        list(record.client.chat.completions.create(model="gpt-error-stream", messages=HELLO, stream=True))
    assert record.attributes("error.type", "gen_ai.response.finish") == {
        "error.type": "openai.APIError",
        "gen_ai.response.finish_reasons": ("error",),
    }
    assert record.said == [{"type": "text", "content": "You said"}]


def test_a_retried_call_is_one_operation(record: OpenAIRecorder) -> None:
    record.server.enqueue(Reply.json({"error": {"message": "busy"}}, status=500, headers={"retry-after-ms": "1"}))
    with record.client_at(max_retries=1) as client:
        client.chat.completions.create(model=MODEL, messages=HELLO)
    assert len(record.server.requests) == 2
    assert record.span.status.status_code is StatusCode.UNSET
