"""The ollama client as the laboratory needs it, and every way an application asks it for something."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final

import ollama

from agentops_instrumentors.ollama import OllamaInstrumentor
from tests.providers.differential import settle
from tests.providers.endings import Opened

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.ollama_server import FakeOllama

_TLS: Final = ssl.create_default_context()
MODEL: Final = "llama3.2"
MESSAGES: Final[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "tell me about 3 tides in Brest"}]
FORMAT: Final[Any] = {"type": "object", "properties": {"port": {"type": "string"}, "count": {"type": "integer"}}}


class OllamaVendor:
    """The client, and the server at its host."""

    instrumentor = OllamaInstrumentor
    unreadable = "agentops: Telemetry failed in "

    def __init__(self, server: FakeOllama) -> None:
        self.server = server

    def client(self, mode: str) -> Any:
        return (ollama.Client if mode == "sync" else ollama.AsyncClient)(self.server.url, timeout=5, verify=_TLS)

    def close(self, client: Any) -> Any:
        # Clients have no `close` of their own before 0.6.
        return client._client.close() if isinstance(client, ollama.Client) else client._client.aclose()


def tides(port: str, days: int = 1) -> str:
    """The tides of a port.

    Args:
      port: where
      days: for how long
    """
    raise AssertionError(port)


PLAIN: Final[dict[str, Callable[..., Any]]] = {
    "chat": lambda client, model=MODEL: client.chat(model, MESSAGES),
    "chat format": lambda client, model=MODEL: client.chat(model=model, messages=MESSAGES, format=FORMAT, options={"seed": 7}),
    "chat tools": lambda client, model=MODEL: client.chat(model, MESSAGES, tools=[tides]),
    "generate": lambda client, model=MODEL: client.generate(model, "tides", system="Be brief.", images=[b"\x89PNG"]),
    "embed": lambda client, model=MODEL: client.embed(model, ["a", "b"]),
    "embeddings": lambda client, model=MODEL: client.embeddings(model, "a"),
}
_STREAMS: Final[dict[str, Callable[..., Any]]] = {
    "chat": lambda client, model=MODEL: client.chat(model, MESSAGES, stream=True),
    "generate": lambda client, model=MODEL: client.generate(model, "tell me about 3 tides in Brest", stream=True),
}


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


STREAMS: Final = tuple(_STREAMS)
