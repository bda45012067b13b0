"""What the recording tests of every vendor share: a recorder over a scripted service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from agentops_instrumentors.core import guard
from agentops_instrumentors.core.content import ContentMode, Policy
from tests.fakes.http import Reply

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from agentops_instrumentors.core.instrumentor import ProviderInstrumentor
    from tests.fakes.in_memory import InMemory

NOT_COMPARED: Final = ("thread.id", "thread.name", "gen_ai.response.time_to_first_chunk")
CONTENT: Final = ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions")


class Recorder:
    """Records into memory what an instrumented client does at `server`. Vendors add their clients."""

    def __init__(self, server: Any, telemetry: InMemory, instrumentor: ProviderInstrumentor) -> None:
        self.server = server
        self.telemetry = telemetry
        self.instrumentor = instrumentor
        self._failures = guard.failures()

    def start(self, mode: ContentMode = ContentMode.SPAN_ONLY, **policy: Any) -> None:
        """Instrument with a content policy, in place of the one before."""
        self.stop()
        self.instrumentor.instrument(**self.telemetry.kwargs, policy=Policy(mode, **policy))

    def stop(self) -> None:
        if self.instrumentor.is_instrumented_by_opentelemetry:
            self.instrumentor.uninstrument()

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
