"""Vendors for the fuzz tests, and how a good answer of theirs is spoilt.

A vendor slots in by a line in `VENDORS`: its fake service, whose default mind gives the good answers, its instrumentor, a client, and
calls that drain what they get.
"""

from __future__ import annotations

import copy
import ssl
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import anthropic
import ollama
import openai

from agentops_instrumentors.anthropic import AnthropicInstrumentor
from agentops_instrumentors.ollama import OllamaInstrumentor
from agentops_instrumentors.openai import OpenAIInstrumentor
from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.ollama_server import FakeOllama, lines
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.scripted import Reply, Request, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

_TLS = ssl.create_default_context()
_CLOSING = {"connection": "close"}
"""What a spoilt answer leaves on its connection is no other call's trouble."""
ASKED: Any = [{"role": "user", "content": "tell me about 3 tides in Brest, then use a tool"}]
TOOL: Any = {
    "type": "function",
    "function": {"name": "tides", "parameters": {"type": "object", "properties": {"port": {"type": "string"}}}},
}
JUNK: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 1e308, 10**30, "", "x", "\ud800", "\x00", "🌊" * 3, "a" * 3000),
    *([], [None], [[]], {}, {"a": {"b": [1]}}, [{"type": "text"}], "[1", '{"a": 1}'),
)
STATUSES = (200, 200, 200, 200, 202, 302, 400, 401, 404, 422, 429, 500, 503, 529)


@dataclass(frozen=True)
class Vendor:
    """One vendor. `encode` makes a stream's reply of its events."""

    server: Callable[[], ScriptedServer]
    instrumentor: type[Any]
    client: Callable[[Any], Any]
    calls: Mapping[str, Callable[[Any], Any]]
    encode: Callable[[list[Any]], Reply]


def _drained(stream: Any) -> list[Any]:
    return list(stream)


def _helped(client: Any) -> Any:
    with client.chat.completions.stream(model="gpt-4o-mini", messages=ASKED) as stream:
        return list(stream)


VENDORS: Mapping[str, Vendor] = {
    "openai": Vendor(
        FakeOpenAI,
        OpenAIInstrumentor,
        lambda server: openai.OpenAI(
            base_url=server.base_url,
            api_key="test",
            default_headers=_CLOSING,
            max_retries=0,
            timeout=5,
            http_client=openai.DefaultHttpxClient(verify=_TLS),
        ),
        {
            "chat": lambda client: client.chat.completions.create(model="gpt-4o-mini", messages=ASKED, tools=[TOOL], n=2, logprobs=True),
            "chat stream": lambda client: _drained(
                client.chat.completions.create(
                    model="gpt-4o-mini", messages=ASKED, tools=[TOOL], stream=True, stream_options={"include_usage": True}
                )
            ),
            "chat helper": _helped,
            "responses": lambda client: client.responses.create(model="gpt-4o-mini", input="tell me about 3 tides"),
            "responses stream": lambda client: _drained(client.responses.create(model="gpt-4o-mini", input="3 tides", stream=True)),
            "embeddings": lambda client: client.embeddings.create(model="text-embedding-3-small", input=["a", "b"], dimensions=8),
            "completions": lambda client: client.completions.create(model="gpt-3.5-turbo-instruct", prompt="say"),
        },
        lambda events: Reply.sse(events, done=False),
    ),
    "anthropic": Vendor(
        FakeAnthropic,
        AnthropicInstrumentor,
        lambda server: anthropic.Anthropic(
            base_url=server.url,
            api_key="test",
            default_headers=_CLOSING,
            max_retries=0,
            timeout=5,
            http_client=anthropic.DefaultHttpxClient(verify=_TLS),
        ),
        {
            "messages": lambda client: client.messages.create(model="claude-haiku-4-5", max_tokens=99, messages=ASKED),
            "messages stream": lambda client: _drained(
                client.messages.create(model="claude-haiku-4-5", max_tokens=99, messages=ASKED, stream=True)
            ),
            "count tokens": lambda client: client.messages.count_tokens(model="claude-haiku-4-5", messages=ASKED),
        },
        lambda events: Reply.sse(events, done=False),
    ),
    "ollama": Vendor(
        FakeOllama,
        OllamaInstrumentor,
        lambda server: ollama.Client(server.url, timeout=5, verify=_TLS, headers=_CLOSING),
        {
            "chat": lambda client: client.chat(model="llama3.2", messages=ASKED),
            "chat stream": lambda client: _drained(client.chat(model="llama3.2", messages=ASKED, stream=True)),
            "generate": lambda client: client.generate(model="llama3.2", prompt="tell me about 3 tides"),
            "embed": lambda client: client.embed(model="llama3.2", input=["a", "b"]),
        },
        lines,
    ),
}
CALLS = [(vendor, call) for vendor, known in VENDORS.items() for call in known.calls]


def spoilt(vendor: Vendor, server: ScriptedServer, random: Random) -> Callable[[Request], Reply]:
    """An answer like the service's own, but spoilt in a way that `random` decides; the same for every request."""
    ways = (_in_values, _in_values, _in_values, _in_events, _in_bytes, _in_transit)
    way, seed = random.choice(ways), random.getrandbits(64)

    def reply(request: Request) -> Reply:
        chance = type(random)(seed)
        return way(vendor, server.default_reply(request), chance)

    return reply


def _in_values(vendor: Vendor, reply: Reply, random: Random) -> Reply:
    payload = copy.deepcopy(reply.payload)
    for _ in range(random.choice((1, 1, 2, 5))):
        payload = _spoil(payload, random)
    if reply.pieces is None or not isinstance(payload, list):
        return Reply.json(payload, random.choice(STATUSES))
    return vendor.encode(_sendable(payload))


def _in_events(vendor: Vendor, reply: Reply, random: Random) -> Reply:
    """Events twice, in another order, or missing."""
    if reply.pieces is None:
        return _in_values(vendor, reply, random)
    events = [event for event in reply.payload for _ in range(random.choice((0, 1, 1, 1, 2)))]
    if random.random() < 0.3:
        random.shuffle(events)
    return vendor.encode(events)


def _in_bytes(vendor: Vendor, reply: Reply, random: Random) -> Reply:
    """Bytes changed, and the end missing."""
    whole = bytearray(reply.body if reply.pieces is None else b"".join(reply.pieces))
    for _ in range(min(len(whole), random.choice((0, 1, 20)))):
        whole[random.randrange(len(whole))] = random.randrange(256)
    cut = bytes(whole[: random.randrange(len(whole) + 1)])
    if reply.pieces is None:
        return replace(reply, body=cut)
    size = random.choice((7, 1000))
    return replace(reply, pieces=tuple(cut[start : start + size] for start in range(0, len(cut), size)))


def _in_transit(vendor: Vendor, reply: Reply, random: Random) -> Reply:
    """The connection ends early."""
    return replace(reply, disconnect_after=random.choice((-1, 0, 1, 2)), abortive=random.random() < 0.5)


def _sendable(events: list[Any]) -> list[Any]:
    """Events that can be encoded: a text without lone surrogates, a pair of a name and a value."""
    return [_event(event) for event in events]


def _event(event: Any) -> Any:
    if isinstance(event, str):
        return event.encode("utf-8", "replace").decode()
    if isinstance(event, tuple):
        name = event[0] if len(event) == 2 and isinstance(event[0], str) else "event"
        return _event(name), event[-1]
    return event


def _spoil(value: Any, random: Random) -> Any:
    """`value` with one thing in it, or it itself, replaced by junk, or gone, or doubled."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        key = random.choice(list(value))
        if random.random() < 0.15:
            return {name: item for name, item in value.items() if name != key}
        return {**value, key: _spoil(value[key], random)}
    if isinstance(value, (list, tuple)) and value and random.random() < 0.9:
        place = random.randrange(len(value))
        if isinstance(value, tuple):
            return (*value[:-1], _spoil(value[-1], random))
        if random.random() < 0.15:
            return [*value, *value]
        return [_spoil(item, random) if index == place else item for index, item in enumerate(value)]
    return copy.deepcopy(random.choice(JUNK))
