"""The fake OpenAI service, spoken to by the real client over the socket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai import AzureOpenAI, OpenAI
from openai.types import Completion, CreateEmbeddingResponse
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from tests.fakes.openai_brain import Brain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.openai_server import FakeOpenAI

MODEL = "gpt-4o-mini"
HELLO: Any = [{"role": "user", "content": "hello there"}]
WEATHER: Any = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
}


WEATHER_TOOL: Any = {"type": "function", "strict": True, **WEATHER["function"]}


@pytest.fixture
def client(openai_server: FakeOpenAI) -> Iterator[OpenAI]:
    with OpenAI(base_url=openai_server.base_url, api_key="test", max_retries=0, timeout=10) as made:
        yield made


def test_chat_answers_with_a_dated_model_and_usage(client: OpenAI, openai_server: FakeOpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=HELLO, n=2, service_tier="flex")
    assert [choice.message.content for choice in answer.choices] == ["You said: hello there"] * 2
    assert answer.model == "gpt-4o-mini-2024-07-18"
    assert (answer.service_tier, answer.system_fingerprint) == ("flex", "fp_44709d6fcb")
    assert answer.usage
    assert openai_server.tokens() == (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    request = openai_server.requests[0]
    assert (request.method, request.path, request.headers["authorization"]) == ("POST", "/v1/chat/completions", "Bearer test")
    assert request.json()["messages"] == HELLO


@pytest.mark.parametrize("told", [True, False])
def test_stream_joins_to_the_same_text_and_tells_usage_when_asked(client: OpenAI, openai_server: FakeOpenAI, told: bool) -> None:
    chunks = list(client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": told}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "You said: hello there"
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - 1) + [told]
    (bill,) = openai_server.served()
    assert bill.told is told
    assert bill.output_tokens == 5


def test_tool_call_then_answer(client: OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": "weather in Paris"}]
    first = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER]).choices[0]
    assert first.finish_reason == "tool_calls"
    (call,) = first.message.tool_calls or []
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    messages += [first.message, {"role": "tool", "tool_call_id": call.id, "content": "rainy"}]
    assert client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER]).choices[0].message.content == (
        "The result is: rainy"
    )


def test_stream_manager_accumulates_tool_calls_and_structured_output(client: OpenAI) -> None:
    class Node(BaseModel):
        city: str
        degrees: int
        children: list[Node]

    Node.model_rebuild(_types_namespace={"Node": Node})
    with client.chat.completions.stream(model=MODEL, messages=HELLO, tools=[WEATHER]) as stream:
        final = stream.get_final_completion()
    assert (final.choices[0].message.tool_calls or [])[0].function.arguments == '{"city": "there"}'
    parsed = client.chat.completions.parse(model=MODEL, messages=[{"role": "user", "content": "20 in Oslo"}], response_format=Node)
    assert parsed.choices[0].message.parsed
    assert (parsed.choices[0].message.parsed.city, parsed.choices[0].message.parsed.degrees) == ("Oslo", 20)
    assert client.responses.parse(model=MODEL, input="3 in Rome", text_format=Node).output_parsed


def test_refusal_length_audio_logprobs_and_reasoning(client: OpenAI) -> None:
    assert client.chat.completions.create(model="refusal", messages=HELLO).choices[0].message.refusal
    cut = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=2, logprobs=True).choices[0]
    assert (cut.finish_reason, cut.message.content) == ("length", "You said")
    assert cut.logprobs
    assert [one.token for one in cut.logprobs.content or []] == ["You", " said"]
    spoken = client.chat.completions.create(
        model="gpt-4o-audio-preview", messages=HELLO, modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"}
    )
    assert spoken.choices[0].message.audio
    assert spoken.choices[0].message.audio.transcript == "You said: hello there"
    assert spoken.usage
    assert spoken.usage.completion_tokens_details
    assert spoken.usage.completion_tokens_details.audio_tokens == 20
    thought = client.chat.completions.create(model="o3", messages=HELLO).usage
    assert thought
    assert thought.completion_tokens_details
    assert thought.completion_tokens_details.reasoning_tokens == 64


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
def test_errors_by_model_name(client: OpenAI, status: int, kind: type[openai.APIStatusError]) -> None:
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model=f"error-{status}", messages=HELLO)
    assert caught.value.status_code == status
    assert caught.value.request_id


def test_responses_create_stream_and_tools(client: OpenAI, openai_server: FakeOpenAI) -> None:
    answer = client.responses.create(model=MODEL, input="hello there", instructions="be kind")
    assert (answer.output_text, answer.status, answer.model) == ("You said: hello there", "completed", "gpt-4o-mini-2024-07-18")
    events = list(client.responses.create(model="o3", input="hi", reasoning={"summary": "auto"}, stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events][:2] == ["response.created", "response.in_progress"]
    assert {"response.reasoning_summary_text.delta", "response.output_text.delta"} <= {event.type for event in events}
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == "You said: hi"
    assert openai_server.served()[-1].reasoning_tokens == 64
    with client.responses.stream(model=MODEL, input="weather in Paris", tools=[WEATHER_TOOL]) as stream:
        (call,) = stream.get_final_response().output
    assert call.type == "function_call"
    result: Any = [
        {"role": "user", "content": "weather in Paris"},
        call.to_dict(),
        {"type": "function_call_output", "call_id": call.call_id, "output": "rainy"},
    ]
    assert client.responses.create(model=MODEL, input=result, tools=[WEATHER_TOOL]).output_text == "The result is: rainy"
    refused = list(client.responses.create(model="refusal", input="hi", stream=True))
    assert "response.refusal.done" in {event.type for event in refused}


def test_responses_retrieve_background_and_cancel(client: OpenAI, openai_server: FakeOpenAI) -> None:
    queued = client.responses.create(model=MODEL, input="hi", background=True)
    states = [queued.status, *(client.responses.retrieve(queued.id).status for _ in range(3))]
    assert states == ["queued", "in_progress", "completed", "completed"]
    assert len(openai_server.served()) == 1
    resumed = list(client.responses.retrieve(queued.id, stream=True, starting_after=4))
    assert resumed[0].sequence_number == 5
    assert resumed[-1].type == "response.completed"
    other = client.responses.create(model=MODEL, input="hi", background=True)
    assert client.responses.cancel(other.id).status == "cancelled"
    assert client.responses.retrieve(other.id).status == "cancelled"
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_none")
    short = client.responses.create(model=MODEL, input="hi", max_output_tokens=2)
    assert short.incomplete_details
    assert (short.status, short.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert client.responses.create(model="error-response", input="hi").status == "failed"


def test_embeddings_are_near_when_words_are_shared(client: OpenAI) -> None:
    def near(one: list[float], other: list[float]) -> float:
        return sum(left * right for left, right in zip(one, other, strict=True))

    made = client.embeddings.create(model="text-embedding-3-small", input=["red apple", "green apple", "tax law"], dimensions=256)
    one, two, three = (entry.embedding for entry in made.data)
    assert len(one) == 256
    assert near(one, two) > 0.4 > near(one, three)
    plain = client.embeddings.create(model="text-embedding-3-small", input="red apple", encoding_format="float")
    assert len(plain.data[0].embedding) == 1536


def test_legacy_completions(client: OpenAI) -> None:
    answer = client.completions.create(model="gpt-3.5-turbo-instruct", prompt="hi", n=2)
    assert [choice.text for choice in answer.choices] == [" You said: hi"] * 2
    chunks = list(client.completions.create(model="m", prompt="hi", stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == " You said: hi"
    assert chunks[-1].usage


def test_azure_and_other_base_paths(openai_server: FakeOpenAI) -> None:
    with AzureOpenAI(azure_endpoint=openai_server.url, api_key="k", api_version="2024-10-21", max_retries=0) as azure:
        assert azure.chat.completions.create(model="gpt-4o", messages=HELLO).model == "gpt-4o-2024-08-06"
        first, *rest = azure.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True)
    assert first.choices == []
    assert rest[-1].choices[0].finish_reason == "stop"
    assert openai_server.requests[0].path == "/openai/deployments/gpt-4o/chat/completions"
    assert openai_server.requests[0].query == {"api-version": "2024-10-21"}
    with OpenAI(base_url=f"{openai_server.url}/any/base", api_key="k", max_retries=0) as other:
        assert other.chat.completions.create(model="llama-3", messages=HELLO).model == "llama-3"


@pytest.mark.parametrize(
    ("path", "form", "request_body"),
    [
        ("/chat/completions", ChatCompletion, {"messages": HELLO, "tools": [WEATHER], "logprobs": True}),
        ("/chat/completions", ChatCompletionChunk, {"messages": HELLO, "stream": True, "stream_options": {"include_usage": True}}),
        ("/chat/completions", ChatCompletionChunk, {"messages": HELLO, "stream": True, "tools": [WEATHER], "n": 2}),
        ("/completions", Completion, {"prompt": "hi"}),
        ("/embeddings", CreateEmbeddingResponse, {"input": "hi"}),
        ("/responses", Response, {"input": "hi"}),
        ("/responses", ResponseStreamEvent, {"input": "hi", "stream": True, "reasoning": {"summary": "auto"}}),
        ("/responses", ResponseStreamEvent, {"input": "hi", "stream": True, "background": True, "tools": [WEATHER_TOOL]}),
    ],
)
def test_bodies_validate_against_the_clients_own_types(path: str, form: Any, request_body: dict[str, Any]) -> None:
    answer = Brain().answer("POST", path, {}, json.dumps({"model": "o3", **request_body}).encode())
    events = answer.events or [answer.body]
    for event in events:
        if event != "[DONE]":
            TypeAdapter(form).validate_python(event[1] if isinstance(event, tuple) else event)
