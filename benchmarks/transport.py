"""An OpenAI service inside the process: a transport of the client's own HTTP library, so that no network is measured."""

from __future__ import annotations

import json
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Any

import openai

from benchmarks.shape import CHUNKS, MODEL

if TYPE_CHECKING:
    from collections.abc import Mapping

http: Any = import_module("httpx2" if int(openai.__version__.partition(".")[0]) >= 3 else "httpx")
"""The HTTP library of the installed client."""

_USAGE = {
    "prompt_tokens": 120,
    "completion_tokens": 40,
    "total_tokens": 160,
    "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
}
_ANSWER = "It rains in Lisbon, and it is 14 degrees; take a coat, and the tram rather than the hills."


def _chat() -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": _ANSWER, "refusal": None}, "logprobs": None, "finish_reason": "stop"}
    head = {"id": "chatcmpl_0", "object": "chat.completion", "created": 1, "model": f"{MODEL}-2024-07-18", "service_tier": "default"}
    return {**head, "system_fingerprint": "fp_1", "choices": [choice], "usage": _USAGE}


def _tool_calls() -> dict[str, Any]:
    asked = (("weather_0", "Lisbon, Portugal"), ("weather_1", "Porto, Portugal"), ("weather_2", "Faro, Portugal"))
    calls = [
        {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": json.dumps({"place": place, "unit": "C"})}}
        for name, place in asked
    ]
    body = _chat()
    body["choices"][0] |= {"finish_reason": "tool_calls", "message": {"role": "assistant", "content": None, "tool_calls": calls}}
    return body


def _chunk(delta: Mapping[str, Any], finish: str | None, usage: Mapping[str, Any] | None) -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": f"{MODEL}-2024-07-18"}
    choices = [] if usage else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    body = {**head, "service_tier": "default", "system_fingerprint": "fp_1", "choices": choices, "usage": usage}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def _chat_stream() -> bytes:
    first = _chunk({"role": "assistant", "content": ""}, None, None)
    middle = b"".join(_chunk({"content": f"word{number} "}, None, None) for number in range(CHUNKS - 3))
    return first + middle + _chunk({}, "stop", None) + _chunk({}, None, _USAGE) + b"data: [DONE]\n\n"


def _embeddings() -> dict[str, Any]:
    vector = [0.001 * number for number in range(256)]
    return {
        "object": "list",
        "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": 0, "embedding": vector}],
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    }


def _responses() -> dict[str, Any]:
    text = {"type": "output_text", "text": _ANSWER, "annotations": [], "logprobs": []}
    return {
        "id": "resp_0",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": "Be brief.",
        "metadata": {},
        "model": f"{MODEL}-2024-07-18",
        "output": [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}],
        "parallel_tool_calls": True,
        "temperature": 0.2,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": 120,
            "input_tokens_details": {"cached_tokens": 64},
            "output_tokens": 40,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 160,
        },
    }


_JSON = {"content-type": "application/json"}
_BODIES = {
    "/v1/chat/completions": json.dumps(_chat()).encode(),
    "/v1/embeddings": json.dumps(_embeddings()).encode(),
    "/v1/responses": json.dumps(_responses()).encode(),
}
_STREAM = _chat_stream()
_ID = b'_0"'


_TOOL_CALLS = json.dumps(_tool_calls()).encode()
_numbers = count()


def _answer(request: Any) -> Any:
    if b'"stream":true' in request.content:
        return http.Response(200, headers={"content-type": "text/event-stream"}, content=_STREAM)
    body = _TOOL_CALLS if b'"parallel_tool_calls":true' in request.content else _BODIES[request.url.path]
    # No two answers have one id: a peer that knows an answer again would record it once.
    return http.Response(200, headers=_JSON, content=body.replace(_ID, b'_%d"' % next(_numbers), 1))


class Service(http.BaseTransport):
    """Answers every request at once with a prepared body."""

    def handle_request(self, request: Any) -> Any:
        return _answer(request)


class AsyncService(http.AsyncBaseTransport):
    """The same for asynchronous clients."""

    async def handle_async_request(self, request: Any) -> Any:
        return _answer(request)


def client() -> Any:
    """The real client over a service inside the process."""
    return openai.OpenAI(api_key="none", max_retries=0, http_client=http.Client(transport=Service()))


def async_client() -> Any:
    """The real asynchronous client over a service inside the process."""
    return openai.AsyncOpenAI(api_key="none", max_retries=0, http_client=http.AsyncClient(transport=AsyncService()))
