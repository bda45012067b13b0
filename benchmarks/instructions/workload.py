"""The counted calls, and the service inside the process that answers them. Changing them needs a new record.

The vendor's methods return what they made of the service's answers once: by themselves they take 7 million instructions a call, which
vary from process to process by as much as a tenth of what is counted here.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import openai
from openai.resources.chat.completions import AsyncCompletions, Completions
from openai.resources.embeddings import Embeddings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CHUNKS = 50
_MODEL = "gpt-4o-mini"
_ANSWERED_BY = f"{_MODEL}-2024-07-18"
_CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"place":"Lisbon, Portugal","unit":"C"}'}}
_TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Look up the weather of a place.",
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string", "description": "City and country."}, "unit": {"type": "string", "enum": ["C", "F"]}},
            "required": ["place"],
        },
    },
}
_ASKED = [
    {"role": "system", "content": "You are a careful travel assistant. Answer briefly and name your sources."},
    {"role": "user", "content": "What is the weather in Lisbon today, and what should I wear for a walk in the hills?"},
]
_WITH_TOOL = [
    *_ASKED,
    {"role": "assistant", "content": None, "tool_calls": [_CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
]
_LONG = [{"role": "user", "content": "All work and no play makes a dull day. " * 2560}]
_SAID = {"role": "assistant", "content": "It rains in Lisbon, and it is 14 degrees; take a coat.", "refusal": None}
_USAGE = {
    "prompt_tokens": 120,
    "completion_tokens": 40,
    "total_tokens": 160,
    "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}
_HEAD = {"id": "chatcmpl-1", "created": 1, "model": _ANSWERED_BY, "service_tier": "default", "system_fingerprint": "fp_1"}


def _chat(message: Mapping[str, Any], reason: str) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    return {**_HEAD, "object": "chat.completion", "choices": [choice], "usage": _USAGE}


def _chunk(delta: Mapping[str, Any] | None, reason: str | None = None) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]
    body = {**_HEAD, "object": "chat.completion.chunk", "choices": choices, "usage": _USAGE if delta is None else None}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def _streamed() -> bytes:
    words = b"".join(_chunk({"content": f"word{number} "}) for number in range(CHUNKS - 3))
    return _chunk({"role": "assistant", "content": ""}) + words + _chunk({}, "stop") + _chunk(None) + b"data: [DONE]\n\n"


_EMBEDDED = {
    "object": "list",
    "model": "text-embedding-3-small",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.25] * 16}],
    "usage": {"prompt_tokens": 8, "total_tokens": 8},
}
_JSON = {"content-type": "application/json"}
_ANSWERS = {
    "/v1/chat/completions": json.dumps(_chat(_SAID, "stop")).encode(),
    "/v1/embeddings": json.dumps(_EMBEDDED).encode(),
}
_TOOL_ASKED = json.dumps(_chat({"role": "assistant", "content": None, "refusal": None, "tool_calls": [_CALL]}, "tool_calls")).encode()
_STREAM = _streamed()


class Service(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Answers every request at once with a prepared body."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if b'"stream":true' in request.content:
            return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=_STREAM)
        if b'"tools":' in request.content:
            return httpx2.Response(200, headers=_JSON, content=_TOOL_ASKED)
        return httpx2.Response(200, headers=_JSON, content=_ANSWERS[request.url.path])

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return self.handle_request(request)


def _sync_client() -> Any:
    return openai.OpenAI(api_key="none", max_retries=0, http_client=httpx2.Client(transport=Service()))


class _Connection:
    """What a stream closes."""

    def close(self) -> None:
        """Hold nothing."""


class _Chunks:
    """The vendor's chunks, in a stream shaped like the vendor's."""

    def __init__(self, chunks: list[Any]) -> None:
        self._iterator = iter(chunks)
        self.response = _Connection()

    def __iter__(self) -> Iterator[Any]:
        yield from self._iterator

    def close(self) -> None:
        self.response.close()


def answer_at_once() -> None:
    """Have the vendor's methods return answers that are made now; to be called before anybody instruments them."""
    client = _sync_client()
    plain, with_tool, embedded = _plain(client), _tools(client), _embeddings(client)
    chunks = list(client.chat.completions.create(model=_MODEL, messages=_ASKED, stream=True))

    def create(self: Any, **asked: Any) -> Any:
        return _Chunks(chunks) if asked.get("stream") else with_tool if "tools" in asked else plain

    async def create_later(self: Any, **asked: Any) -> Any:
        return plain

    Completions.create, AsyncCompletions.create = create, create_later
    Embeddings.create = lambda self, **asked: embedded


def _repeated(call: Callable[[Any], object]) -> Callable[[], Callable[[int], object]]:
    def prepare() -> Callable[[int], object]:
        client = _sync_client()

        def run(times: int) -> None:
            for _ in range(times):
                call(client)

        return run

    return prepare


def _awaited() -> Callable[[int], object]:
    client: Any = openai.AsyncOpenAI(api_key="none", max_retries=0, http_client=httpx2.AsyncClient(transport=Service()))
    loop = asyncio.new_event_loop()

    async def all_of(times: int) -> None:
        for _ in range(times):
            await client.chat.completions.create(model=_MODEL, messages=_ASKED, temperature=0.2, max_tokens=256)

    return lambda times: loop.run_until_complete(all_of(times))


def _plain(client: Any) -> object:
    return client.chat.completions.create(model=_MODEL, messages=_ASKED, temperature=0.2, max_tokens=256)


def _tools(client: Any) -> object:
    return client.chat.completions.create(model=_MODEL, messages=_WITH_TOOL, tools=[_TOOL], temperature=0.2)


def _drain(client: Any) -> None:
    for _ in client.chat.completions.create(model=_MODEL, messages=_ASKED, stream=True, stream_options={"include_usage": True}):
        pass


def _long(client: Any) -> object:
    return client.chat.completions.create(model=_MODEL, messages=_LONG)


def _embeddings(client: Any) -> object:
    # The vendor's client asks for base64 and decodes it by itself unless told otherwise.
    return client.embeddings.create(model="text-embedding-3-small", input="a rainy day", encoding_format="float")


@dataclass(frozen=True, slots=True)
class Case:
    """Calls that are counted: `prepare()` returns what makes a number of them. Counts are divided by `units`, chunks of a stream."""

    name: str
    setting: str
    prepare: Callable[[], Callable[[int], object]]
    times: int = 20
    units: int = 1


CONTENT, NO_CONTENT, SAMPLED_OUT = "content", "no content", "sampled out"
CASES = (
    Case("chat", CONTENT, _repeated(_plain)),
    Case("tools", CONTENT, _repeated(_tools)),
    Case("stream", CONTENT, _repeated(_drain), 4, CHUNKS),
    Case("async", CONTENT, _awaited),
    Case("embeddings", CONTENT, _repeated(_embeddings)),
    Case("100 KB prompt", CONTENT, _repeated(_long), 10),
    Case("chat", NO_CONTENT, _repeated(_plain)),
    Case("chat", SAMPLED_OUT, _repeated(_plain)),
)
