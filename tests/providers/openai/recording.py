"""What the recording tests share: a recorder over a client and a scripted service, and bodies for it to answer with."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from openai import AsyncOpenAI, OpenAI

from agentops_instrumentors.openai import OpenAIInstrumentor
from tests.providers.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.fakes.in_memory import InMemory
    from tests.fakes.openai_server import FakeOpenAI

MODEL: Final = "gpt-4o-mini"
DATED: Final = "gpt-4o-mini-2024-07-18"
HELLO: Final[Any] = [{"role": "user", "content": "hello there"}]


class OpenAIRecorder(Recorder):
    """Records what `client` does, and clients of other settings."""

    def __init__(self, server: FakeOpenAI, telemetry: InMemory, client: OpenAI) -> None:
        super().__init__(server, telemetry, OpenAIInstrumentor())
        self.client = client

    @contextmanager
    def client_at(self, **options: Any) -> Iterator[OpenAI]:
        with OpenAI(**{"base_url": self.server.base_url, "api_key": "test", "max_retries": 0, "timeout": 10, **options}) as client:
            yield client

    def async_client(self) -> AsyncOpenAI:
        return AsyncOpenAI(base_url=self.server.base_url, api_key="test", max_retries=0, timeout=10)


async def drained(stream: AsyncIterator[Any]) -> list[Any]:
    """Everything an async stream yields."""
    return [item async for item in stream]


def chat_answer(*messages: dict[str, Any], reason: str = "stop", **more: Any) -> dict[str, Any]:
    """The body of a chat completion, one choice a message."""
    choices = [{"index": n, "message": {"role": "assistant", **message}, "finish_reason": reason} for n, message in enumerate(messages)]
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": DATED, "choices": choices, **more}


def response_answer(*output: dict[str, Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    """The body of a response with these output items."""
    head = {"id": "resp_1", "object": "response", "created_at": 1, "model": DATED, "status": status, "output": list(output)}
    return {**head, "error": None, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], **more}
