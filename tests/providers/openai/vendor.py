"""The openai client as the laboratory needs it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, Final

import openai

from agentops_instrumentors.openai import OpenAIInstrumentor

if TYPE_CHECKING:
    from tests.fakes.openai_server import FakeOpenAI

_TLS: Final = ssl.create_default_context()


class OpenAIVendor:
    """The client, and the service at its base URL."""

    instrumentor = OpenAIInstrumentor
    unreadable = "agentops: Telemetry failed in openai.resources."

    def __init__(self, server: FakeOpenAI) -> None:
        self.server = server

    def client(self, mode: str) -> Any:
        kind = openai.OpenAI if mode == "sync" else openai.AsyncOpenAI
        return kind(**settings(mode, self.server))

    def close(self, client: Any) -> Any:
        return client.close()


def settings(mode: str, server: FakeOpenAI) -> dict[str, Any]:
    """Arguments of a client that neither retries nor makes a TLS context of its own."""
    http = openai.DefaultHttpxClient if mode == "sync" else openai.DefaultAsyncHttpxClient
    return {"base_url": server.base_url, "api_key": "test", "max_retries": 0, "timeout": 5, "http_client": http(verify=_TLS)}
