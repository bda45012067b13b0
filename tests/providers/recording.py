"""What the recording tests share: a recorder over a client and a scripted service, and bodies for it to answer with."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from openai import AsyncOpenAI, OpenAI

from agentops_instrumentors.core import guard
from agentops_instrumentors.core.content import ContentMode, Policy
from agentops_instrumentors.openai import OpenAIInstrumentor
from tests.fakes.openai_server import FakeOpenAI, Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from opentelemetry.sdk.trace import ReadableSpan

    from tests.fakes.in_memory import InMemory

MODEL: Final = "gpt-4o-mini"
DATED: Final = "gpt-4o-mini-2024-07-18"
HELLO: Final[Any] = [{"role": "user", "content": "hello there"}]
NOT_COMPARED: Final = ("thread.id", "thread.name", "gen_ai.response.time_to_first_chunk")
CONTENT: Final = ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions")


class Recorder:
    """Records into memory while the client talks to `server`."""

    def __init__(self, server: FakeOpenAI, telemetry: InMemory, client: OpenAI) -> None:
        self.server = server
        self.telemetry = telemetry
        self.client = client
        self.instrumentor = OpenAIInstrumentor()
        self._failures = guard.failures()

    def start(self, mode: ContentMode = ContentMode.SPAN_ONLY, **policy: Any) -> None:
        """Instrument with a content policy, in place of the one before."""
        self.stop()
        self.instrumentor.instrument(**self.telemetry.kwargs, policy=Policy(mode, **policy))

    def stop(self) -> None:
        if self.instrumentor.is_instrumented_by_opentelemetry:
            self.instrumentor.uninstrument()

    @contextmanager
    def client_at(self, **options: Any) -> Iterator[OpenAI]:
        with OpenAI(**{"base_url": self.server.base_url, "api_key": "test", "max_retries": 0, "timeout": 10, **options}) as client:
            yield client

    def async_client(self) -> AsyncOpenAI:
        return AsyncOpenAI(base_url=self.server.base_url, api_key="test", max_retries=0, timeout=10)

    def answer(self, *bodies: Any) -> None:
        """Script the next JSON answers."""
        self.server.enqueue(*(Reply.json(body) for body in bodies))

    @property
    def span(self) -> ReadableSpan:
        """The one span recorded, every started one being ended and no telemetry having failed."""
        self.telemetry.assert_balanced(1)
        assert guard.failures() == self._failures
        return self.telemetry.spans()[0]

    def attributes(self, *prefixes: str) -> dict[str, Any]:
        """Attributes of the one span; of those that start with a prefix, if any is given. Times, threads, content and cost left out."""
        left_out = (*NOT_COMPARED, *CONTENT)
        found = {name: value for name, value in (self.span.attributes or {}).items() if name not in left_out}
        if prefixes:
            return {name: value for name, value in found.items() if name.startswith(prefixes)}
        return {name: value for name, value in found.items() if not name.startswith("agentops.usage.cost.")}

    def content(self, name: str) -> Any:
        """A content attribute of the one span, decoded; None when it is not there."""
        text = (self.span.attributes or {}).get(f"gen_ai.{name}")
        return None if text is None else json.loads(str(text))

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The parts of the one input message."""
        (message,) = self.content("input.messages")
        return message["parts"]

    @property
    def said(self) -> list[dict[str, Any]]:
        """The parts of the one output message."""
        (message,) = self.content("output.messages")
        return message["parts"]

    def where(self) -> dict[str, Any]:
        """The server's attributes."""
        return {"server.address": "127.0.0.1", "server.port": self.server.port}


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
