"""The anthropic client as the laboratory needs it, and every way an application asks it for a message, sync and async alike."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final

import anthropic
from pydantic import BaseModel

from agentops_instrumentors.anthropic import AnthropicInstrumentor
from tests.providers.differential import settle
from tests.providers.endings import Opened, enter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.fakes.anthropic_server import FakeAnthropic

MODEL: Final = "claude-haiku-4-5"
MESSAGES: Final[Any] = [{"role": "user", "content": "tell me about 3 tides in Brest"}]
TOOL: Final[Any] = {"name": "tides", "input_schema": {"type": "object", "properties": {"port": {"type": "string"}}}}
THINKING: Final[Any] = {"type": "enabled", "budget_tokens": 1024}
CLIENT: Final = anthropic.Anthropic(api_key="test")
"""A client to look at, never to call."""
NATIVE: Final = hasattr(CLIENT, "open_telemetry")
"""Whether this version of the client emits spans of its own."""
PARSE: Final = hasattr(CLIENT.messages, "parse")
TOOL_RUNNER: Final = hasattr(CLIENT.beta.messages, "tool_runner")
PLATFORM_STREAM: Final = "stream" in vars(anthropic.lib.bedrock._beta_messages.Messages)
_TLS: Final = ssl.create_default_context()


class Tides(BaseModel):
    port: str
    count: int


class AnthropicVendor:
    """The client, and the service at its base URL."""

    instrumentor = AnthropicInstrumentor
    unreadable = "agentops: Telemetry failed in anthropic.resources."

    error_codes = ("invalid_request_error", "authentication_error", "rate_limit_error", "api_error", "overloaded_error")

    def __init__(self, server: FakeAnthropic) -> None:
        self.server = server

    def client(self, mode: str) -> Any:
        kind = anthropic.Anthropic if mode == "sync" else anthropic.AsyncAnthropic
        return kind(api_key="test", **settings(mode, self.server))

    def close(self, client: Any) -> Any:
        return client.close()


def settings(mode: str, server: FakeAnthropic) -> dict[str, Any]:
    """Arguments of a client that neither retries, makes a TLS context of its own, nor sends the ids of spans."""
    http = anthropic.DefaultHttpxClient if mode == "sync" else anthropic.DefaultAsyncHttpxClient
    quiet: dict[str, Any] = {"open_telemetry": {"propagation": False}} if NATIVE else {}
    return {"base_url": server.base_url, "max_retries": 0, "timeout": 5, "http_client": http(verify=_TLS), **quiet}


def asked(**more: Any) -> dict[str, Any]:
    """Arguments of a message."""
    return {"model": MODEL, "max_tokens": 200, "messages": MESSAGES, **more}


PLAIN: Final[dict[str, Callable[[Any, dict[str, Any]], Any]]] = {
    "create": lambda client, more: client.messages.create(**asked(**more)),
    "create tools": lambda client, more: client.messages.create(**asked(tools=[TOOL], thinking=THINKING, **more)),
    "beta": lambda client, more: client.beta.messages.create(**asked(betas=["x-1"], **more)),
}
COUNTS: Final[dict[str, Callable[[Any, dict[str, Any]], Any]]] = {
    "count_tokens": lambda client, more: client.messages.count_tokens(**{"model": MODEL, "messages": MESSAGES, **more}),
    "beta count_tokens": lambda client, more: client.beta.messages.count_tokens(**{"model": MODEL, "messages": MESSAGES, **more}),
}
"""Calls that use no tokens."""
if PARSE:
    PLAIN["parse"] = lambda client, more: client.messages.parse(**asked(output_format=Tides, **more))
    PLAIN["beta parse"] = lambda client, more: client.beta.messages.parse(**asked(output_format=Tides, **more))


def asking(surface: str, **more: Any) -> Callable[[Any], Awaitable[Any]]:
    """A plain call, to be made on either kind of client."""

    async def ask(client: Any) -> Any:
        return await settle({**PLAIN, **COUNTS}[surface](client, more))

    return ask


async def _create(client: Any, more: dict[str, Any]) -> Opened:
    return Opened(await settle(client.messages.create(**asked(stream=True, **more))))


async def _beta(client: Any, more: dict[str, Any]) -> Opened:
    return Opened(await settle(client.beta.messages.create(**asked(stream=True, **more))))


async def _managed(client: Any, more: dict[str, Any]) -> Opened:
    manager = client.messages.stream(**asked(**more))
    return Opened(await enter(manager), manager, events=6)


async def _beta_managed(client: Any, more: dict[str, Any]) -> Opened:
    manager = client.beta.messages.stream(**asked(**more))
    return Opened(await enter(manager), manager, events=6)


async def _raw(client: Any, more: dict[str, Any]) -> Opened:
    raw = await settle(client.messages.with_raw_response.create(**asked(stream=True, **more)))
    return Opened(await settle(raw.parse()), source=raw)


async def _streaming(client: Any, more: dict[str, Any]) -> Opened:
    manager = client.messages.with_streaming_response.create(**asked(stream=True, **more))
    response = await enter(manager)
    return Opened(await settle(response.parse()), manager, response)


STREAMS: Final[dict[str, Callable[[Any, dict[str, Any]], Awaitable[Opened]]]] = {
    "create": _create,
    "beta": _beta,
    "stream()": _managed,
    "beta stream()": _beta_managed,
    "with_raw_response": _raw,
    "with_streaming_response": _streaming,
}


def opening(surface: str, **more: Any) -> Callable[[Any], Awaitable[Opened]]:
    """A stream, to be opened on either kind of client."""

    async def opener(client: Any) -> Opened:
        return await STREAMS[surface](client, more)

    return opener
