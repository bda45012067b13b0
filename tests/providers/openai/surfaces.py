"""Every way an application asks the openai client for something, sync and async alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from tests.providers.differential import settle
from tests.providers.endings import Opened, enter
from tests.providers.openai import sdk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MODEL: Final = "gpt-4o-mini"
MESSAGES: Final[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "tell me about 3 tides in Brest"}]
INPUT: Final = "tell me about 3 tides in Brest"
USAGE: Final[Any] = {"include_usage": True}
TOOL: Final[Any] = {
    "type": "function",
    "function": {"name": "tides", "parameters": {"type": "object", "properties": {"port": {"type": "string"}}}},
}


class Tides(BaseModel):
    port: str
    count: int


def chat(**more: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": MESSAGES, **more}


def responses(**more: Any) -> dict[str, Any]:
    return {"model": MODEL, "input": INPUT, **more}


def legacy(**more: Any) -> dict[str, Any]:
    return {"model": "gpt-3.5-turbo-instruct", "prompt": "tides", **more}


async def _stored(client: Any) -> str:
    """The id of a response that the service keeps, made without the SDK's patched methods."""
    answer = await settle(client.post("/responses", body=responses(), cast_to=object))
    return answer["id"]


async def creation(client: Any, surface: str) -> dict[str, Any]:
    """What a call on `surface` needs made beforehand: the id of a stored response, for its retrieval."""
    return {"model": await _stored(client)} if surface == "retrieve" else {}


PLAIN: Final[dict[str, Callable[..., Awaitable[Any]]]] = {}
STREAMS: Final[dict[str, Callable[..., Awaitable[Opened]]]] = {}


def _plain(name: str, opener: Callable[..., Any]) -> None:
    async def call(client: Any, **more: Any) -> Any:
        return await settle(opener(client, more))

    PLAIN[name] = call


_plain("chat", lambda client, more: client.chat.completions.create(**chat(**more)))
_plain("chat tools", lambda client, more: client.chat.completions.create(**chat(tools=[TOOL], n=2, **more)))
_plain("chat parse", lambda client, more: sdk.chat_parse(client)(**chat(response_format=Tides, **more)))
_plain("responses", lambda client, more: client.responses.create(**responses(**more)))
_plain("responses parse", lambda client, more: client.responses.parse(**responses(text_format=Tides, **more)))
_plain(
    "embeddings",
    lambda client, more: client.embeddings.create(**{"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 8, **more}),
)
_plain("completions", lambda client, more: client.completions.create(**legacy(**more)))


async def _retrieve(client: Any, **more: Any) -> Any:
    identifier = more.pop("model", None) or await _stored(client)
    return await settle(client.responses.retrieve(identifier, **more))


PLAIN["retrieve"] = _retrieve


def _stream(name: str, opener: Callable[..., Any]) -> None:
    async def call(client: Any, **more: Any) -> Opened:
        return Opened(await settle(opener(client, more)))

    STREAMS[name] = call


def _managed(name: str, opener: Callable[..., Any], events: int) -> None:
    async def call(client: Any, **more: Any) -> Opened:
        manager = opener(client, more)
        return Opened(await enter(manager), manager, events=events)

    STREAMS[name] = call


_stream("chat", lambda client, more: client.chat.completions.create(**chat(stream=True, stream_options=USAGE, **more)))
_stream("responses", lambda client, more: client.responses.create(**responses(stream=True, **more)))
_stream("completions", lambda client, more: client.completions.create(**legacy(stream=True, stream_options=USAGE, **more)))
_managed("chat.stream()", lambda client, more: sdk.chat_stream(client)(**chat(stream_options=USAGE, **more)), events=7)
_managed("responses.stream()", lambda client, more: client.responses.stream(**responses(**more)), events=4)


async def _retrieve_stream(client: Any, **more: Any) -> Opened:
    identifier = more.pop("model", None) or await _stored(client)
    return Opened(await settle(client.responses.retrieve(identifier, stream=True, **more)))


async def _raw_stream(client: Any, **more: Any) -> Opened:
    raw = await settle(client.chat.completions.with_raw_response.create(**chat(stream=True, stream_options=USAGE, **more)))
    return Opened(await settle(raw.parse()), source=raw)


async def _streaming_response(client: Any, **more: Any) -> Opened:
    call = client.chat.completions.with_streaming_response
    manager = call.create(**chat(stream=True, stream_options=USAGE, **more))
    response = await enter(manager)
    return Opened(await settle(response.parse()), manager, response)


if sdk.STREAMED_RETRIEVAL:
    STREAMS["retrieve"] = _retrieve_stream
STREAMS["with_raw_response"] = _raw_stream
STREAMS["with_streaming_response"] = _streaming_response
