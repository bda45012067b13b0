"""The google-genai client as the laboratory needs it, and every way an application asks it for something."""

from __future__ import annotations

import ssl
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from google import genai
from google.genai import types
from google.genai.client import AsyncClient
from pydantic import BaseModel

from agentops_instrumentors.google_genai import GoogleGenAIInstrumentor
from tests.fakes.google_wire import STATUSES
from tests.providers.differential import settle
from tests.providers.endings import Opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.google_server import FakeGoogle

_TLS: Final = ssl.create_default_context()
_MADE: Final[Any] = genai.Client(api_key="test", http_options={"client_args": {"verify": _TLS}, "async_client_args": {"verify": _TLS}})
_KINDS: Final = [kind.__module__.partition(".")[0] for kind in type(_MADE._api_client._async_httpx_client).__mro__]
_HTTP: Final[Any] = import_module(next(name for name in _KINDS if name.startswith("httpx")))
"""The HTTP library the SDK uses; some versions of it know two."""
MODEL: Final = "gemini-2.5-flash"
ASKED: Final = "tell me about 3 tides in Brest"
WAYS: Final = {"sync": ("sync", ""), "aiohttp": ("async", "aiohttp"), "httpx": ("async", "httpx")}
"""Modes of the laboratory, with what an async client sends its requests through."""


class GoogleVendor:
    """The client, and the service at its base URL."""

    instrumentor = GoogleGenAIInstrumentor
    unreadable = "agentops: Telemetry failed in google.genai."
    error_codes = tuple(STATUSES.values())

    def __init__(self, server: FakeGoogle) -> None:
        self.server = server
        self.transport = "aiohttp"
        self.options: dict[str, Any] = {"api_key": "test"}

    def client(self, mode: str) -> Any:
        made = genai.Client(**self.options, http_options=settings(self.server, self.transport))
        if mode == "sync":
            return made
        # Its own client closes itself when it is dropped.
        made.aio.owner = made  # type: ignore[attr-defined]
        return made.aio

    def close(self, client: Any) -> Any:
        asynchronous = isinstance(client, AsyncClient)
        if hasattr(client, "aclose" if asynchronous else "close"):
            return client.aclose() if asynchronous else client.close()
        # Clients cannot be closed in early versions.
        inner = client._api_client
        return _close_both(inner) if asynchronous else inner._httpx_client.close()


async def _close_both(inner: Any) -> None:
    await inner._async_httpx_client.aclose()
    if getattr(inner, "_aiohttp_session", None) is not None:
        await inner._aiohttp_session.close()


def settings(server: FakeGoogle, transport: str = "aiohttp", seconds: float = 5) -> types.HttpOptions:
    """Options of a client that makes no TLS context of its own."""
    # A TLS context costs fifty times the client.
    shared: dict[str, Any] = {"verify": _TLS, "ssl": _TLS}
    if transport == "httpx":
        shared["transport"] = _HTTP.AsyncHTTPTransport(verify=_TLS)
    return types.HttpOptions(base_url=server.url, timeout=int(seconds * 1000), client_args={"verify": _TLS}, async_client_args=shared)


class Tides(BaseModel):
    """A schema."""

    port: str
    count: int


SETTINGS: Final[Any] = {
    "system_instruction": "Be brief.",
    "temperature": 0.5,
    "top_k": 3,
    "response_mime_type": "application/json",
    "response_schema": Tides,
}
PLAIN: Final[dict[str, Callable[..., Any]]] = {
    "generate": lambda client, model=MODEL: client.models.generate_content(model=model, contents=ASKED),
    "generate schema": lambda client, model=MODEL: client.models.generate_content(model=model, contents=[ASKED], config=SETTINGS),
    "chat": lambda client, model=MODEL: client.chats.create(model=model).send_message(ASKED),
    "embed": lambda client, model=MODEL: client.models.embed_content(model=model, contents=["a", "b"]),
    "count": lambda client, model=MODEL: client.models.count_tokens(model=model, contents=ASKED),
    "batch": lambda client, model=MODEL: client.batches.create(model=model, src=[{"contents": [{"parts": [{"text": "a"}]}]}]),
    "cache": lambda client, model=MODEL: client.caches.create(model=model, config={"contents": [ASKED]}),
}
_STREAMS: Final[dict[str, Callable[..., Any]]] = {
    "generate": lambda client, model=MODEL: client.models.generate_content_stream(model=model, contents=ASKED),
    "chat": lambda client, model=MODEL: client.chats.create(model=model).send_message_stream(ASKED),
}
STREAMS: Final = tuple(_STREAMS)


def asking(surface: str, model: str = MODEL) -> Callable[[Any], Any]:
    """A plain call on `surface`."""

    async def ask(client: Any) -> Any:
        return await settle(PLAIN[surface](client, model))

    return ask


def opening(surface: str, model: str = MODEL) -> Callable[[Any], Any]:
    """A streamed call on `surface`."""

    async def opener(client: Any) -> Opened:
        return Opened(await settle(_STREAMS[surface](client, model)))

    return opener
