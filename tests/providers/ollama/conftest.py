"""Fixtures of ollama's tests: one fake server for the differential tests, one for the recording ones."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import ollama
import pytest

from agentops_instrumentors.ollama import OllamaInstrumentor
from tests.fakes.ollama_server import FakeOllama
from tests.providers.laboratory import Laboratory
from tests.providers.ollama.vendor import OllamaVendor
from tests.providers.recorder import Recorder
from tests.unit.message_shapes import check_span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.in_memory import InMemory


@pytest.fixture(scope="session")
def shared_ollama() -> Iterator[FakeOllama]:
    """One fake server for the session; every run resets it."""
    with FakeOllama() as server:
        yield server
    gc.unfreeze()


@pytest.fixture
def laboratory(shared_ollama: FakeOllama, in_memory: InMemory, otel_context_log: list[str]) -> Iterator[Laboratory]:
    """A laboratory over `shared_ollama`; fails when `opentelemetry.context` logs anything."""
    shared_ollama.reset()
    yield Laboratory(OllamaVendor(shared_ollama), in_memory)
    assert otel_context_log == []


class OllamaRecorder(Recorder):
    """Records what `client` does."""

    def __init__(self, server: FakeOllama, telemetry: InMemory, client: ollama.Client) -> None:
        super().__init__(server, telemetry, OllamaInstrumentor())
        self.client = client


@pytest.fixture(scope="session")
def recorded_ollama() -> Iterator[tuple[FakeOllama, ollama.Client]]:
    """A server of its own, because its client keeps a connection open."""
    with FakeOllama() as server:
        client = ollama.Client(server.url)
        yield server, client
        client._client.close()


@pytest.fixture
def record(recorded_ollama: tuple[FakeOllama, ollama.Client], in_memory: InMemory, otel_context_log: list[str]) -> Iterator[OllamaRecorder]:
    """A recorder that is recording, content on spans included."""
    server, client = recorded_ollama
    server.reset()
    recorder = OllamaRecorder(server, in_memory, client)
    recorder.start()
    yield recorder
    recorder.stop()
    in_memory.assert_balanced()
    for span in in_memory.spans():
        check_span(span.attributes or {})
    assert otel_context_log == []
