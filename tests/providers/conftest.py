"""Fixtures of the differential tests: one fake service for all of them, and a laboratory that runs a body twice."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import openai  # noqa: F401  (imported before anything is patched, so that both runs see the same modules)
import pytest

from agentops_instrumentors.core import dropped, guard
from agentops_instrumentors.core.content import ContentMode, Policy
from agentops_instrumentors.openai import OpenAIInstrumentor
from tests.fakes.openai_server import FakeOpenAI
from tests.providers.differential import observe
from tests.providers.observation import Eyes, compare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

    from tests.fakes.in_memory import InMemory
    from tests.providers.differential import Body


class Laboratory:
    """Runs a body bare and instrumented and compares; afterwards `spans` is what was recorded."""

    def __init__(self, server: FakeOpenAI, telemetry: InMemory) -> None:
        self.server = server
        self.telemetry = telemetry
        self.options: dict[str, Any] = {**telemetry.kwargs, "policy": Policy(ContentMode.SPAN_ONLY)}

    def both(self, body: Body, mode: str, spans: int | None = 1, readable: bool = True) -> Eyes:
        """What the instrumented run saw, once it is proven to be what the bare one saw.

        Ours may say that it could not read an answer only where the service's answer is not `readable`.
        """
        before = guard.failures()
        bare, _ = observe(body, mode, self.server)
        assert self.telemetry.started == 0
        with instrumented(self.options):
            ours, eyes = observe(body, mode, self.server, bare.connections)
        if ours.connections > bare.connections:
            # Whether a finished connection goes back to the client's pool is a race of the client's own: what bare ever does, ours may do.
            bare.connections = max(observe(body, mode, self.server)[0].connections for _ in range(8))
        if not readable:
            ours.own = [text for text in ours.own if not text.startswith("agentops: Telemetry failed in openai.resources.")]
        compare(bare, ours)
        dropped.flush(10)
        assert guard.failures() == before or not readable
        self.telemetry.assert_balanced(spans)
        return eyes

    @property
    def span(self) -> ReadableSpan:
        """The one span recorded."""
        (span,) = self.telemetry.spans()
        return span


class instrumented:  # noqa: N801
    """`with instrumented(options):` patches the client, and leaves it as it was."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options

    def __enter__(self) -> None:
        OpenAIInstrumentor().instrument(**self._options)

    def __exit__(self, *_error: object) -> None:
        OpenAIInstrumentor().uninstrument()


@pytest.fixture(scope="session")
def shared_openai() -> Iterator[FakeOpenAI]:
    """One fake OpenAI service for the session; every run resets it."""
    with FakeOpenAI() as server:
        yield server
    gc.unfreeze()


@pytest.fixture
def laboratory(shared_openai: FakeOpenAI, in_memory: InMemory, otel_context_log: list[str]) -> Iterator[Laboratory]:
    """A laboratory over `shared_openai`; fails when `opentelemetry.context` logs anything."""
    shared_openai.reset()
    yield Laboratory(shared_openai, in_memory)
    assert otel_context_log == []
