"""What is measured: each case prepares one action on a client, repeated by the worker."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.shape import AT_ONCE, CHUNKS, CONTENT, IMAGE_BYTES, LONG_CHARACTERS, MODEL, NO_CONTENT, SAMPLED_OUT, TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable


def _offered(*names: str) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": f"Look up the {name} of a place.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "place": {"type": "string", "description": "City and country."},
                        "unit": {"type": "string", "enum": ["C", "F"]},
                    },
                    "required": ["place"],
                },
            },
        }
        for name in names
    ]


TWO_TOOLS = _offered("weather", "population")
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"place":"Lisbon, Portugal","unit":"C"}'}}
MESSAGES = [
    {"role": "system", "content": "You are a careful travel assistant. Answer briefly and name your sources."},
    {"role": "user", "content": "What is the weather in Lisbon today, and what should I wear for a walk in the hills?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": '{"sky":"rain","degrees":14}'},
]
_SENTENCE = "All work and no play makes a dull day. "


def long(characters: int) -> list[dict[str, Any]]:
    """One message with a prompt of this length."""
    return [{"role": "user", "content": (_SENTENCE * (characters // len(_SENTENCE) + 1))[:characters]}]


def image() -> list[dict[str, Any]]:
    """One message with a sentence and an inline image."""
    encoded = base64.b64encode(bytes(range(256)) * (IMAGE_BYTES // 256)).decode()
    parts = [
        {"type": "text", "text": "What is in this picture?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}},
    ]
    return [{"role": "user", "content": parts}]


@dataclass(frozen=True, slots=True)
class Clients:
    """What a case calls."""

    sync: Any
    asynchronous: Any
    loop: asyncio.AbstractEventLoop


@dataclass(frozen=True, slots=True)
class Case:
    """One measured action. `units` is what its cost is divided by: chunks of a stream, concurrent calls, or 1."""

    name: str
    setting: str
    prepare: Callable[[Clients], Callable[[], object]]
    unit: str = "call"
    units: int = 1


def _chat(clients: Clients) -> Callable[[], object]:
    create = clients.sync.chat.completions.create
    return lambda: create(model=MODEL, messages=MESSAGES, tools=TWO_TOOLS, temperature=0.2, max_tokens=256)


def _tools(clients: Clients) -> Callable[[], object]:
    create, tools = clients.sync.chat.completions.create, _offered(*(f"weather_{number}" for number in range(TOOLS)))
    return lambda: create(model=MODEL, messages=MESSAGES, tools=tools, parallel_tool_calls=True)


def _async(clients: Clients) -> Callable[[], object]:
    create = clients.asynchronous.chat.completions.create

    async def together() -> None:
        await asyncio.gather(
            *(create(model=MODEL, messages=MESSAGES, tools=TWO_TOOLS, temperature=0.2, max_tokens=256) for _ in range(AT_ONCE))
        )

    return lambda: clients.loop.run_until_complete(together())


def _prompt(messages: list[dict[str, Any]]) -> Callable[[Clients], Callable[[], object]]:
    def prepare(clients: Clients) -> Callable[[], object]:
        create = clients.sync.chat.completions.create
        return lambda: create(model=MODEL, messages=messages)

    return prepare


def _stream(clients: Clients) -> Callable[[], object]:
    create = clients.sync.chat.completions.create

    def drain() -> None:
        for _ in create(model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}):
            pass

    return drain


def _embeddings(clients: Clients) -> Callable[[], object]:
    create = clients.sync.embeddings.create
    # The vendor's client asks for base64 and decodes it by itself unless told otherwise.
    return lambda: create(model="text-embedding-3-small", input="a rainy day", encoding_format="float")


def _responses(clients: Clients) -> Callable[[], object]:
    create = clients.sync.responses.create
    return lambda: create(model=MODEL, instructions="Be brief.", input="What is the weather in Lisbon?", temperature=0.2)


CASES = (
    Case("chat", CONTENT, _chat),
    Case("stream", CONTENT, _stream, "chunk", CHUNKS),
    Case("async", CONTENT, _async, "call", AT_ONCE),
    Case("tools", CONTENT, _tools),
    Case("embeddings", CONTENT, _embeddings),
    Case("responses", CONTENT, _responses),
    Case("100 KB prompt", CONTENT, _prompt(long(LONG_CHARACTERS))),
    Case("1 MB image", CONTENT, _prompt(image())),
    Case("chat", NO_CONTENT, _chat),
    Case("stream", NO_CONTENT, _stream, "chunk", CHUNKS),
    Case("tools", NO_CONTENT, _tools),
    Case("chat", SAMPLED_OUT, _chat),
)
"""Every case in the setting of its processes."""
