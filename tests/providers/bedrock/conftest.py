"""Fixtures of Bedrock's tests: one fake service for the differential tests, one for the recording ones."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from agentops_instrumentors.bedrock import BedrockInstrumentor
from tests.fakes.aws_bedrock import FakeBedrock
from tests.providers.bedrock.vendor import BedrockVendor, Clients, clients
from tests.providers.laboratory import Laboratory
from tests.providers.recorder import Recorder
from tests.unit.message_shapes import check_span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.in_memory import InMemory


@pytest.fixture(scope="session")
def shared_bedrock() -> Iterator[FakeBedrock]:
    """One fake service for the session; every run resets it."""
    with FakeBedrock() as server:
        yield server
    gc.unfreeze()


@pytest.fixture
def laboratory(shared_bedrock: FakeBedrock, in_memory: InMemory, otel_context_log: list[str]) -> Iterator[Laboratory]:
    """A laboratory over `shared_bedrock`; fails when `opentelemetry.context` logs anything."""
    shared_bedrock.reset()
    yield Laboratory(BedrockVendor(shared_bedrock), in_memory)
    assert otel_context_log == []


class BedrockRecorder(Recorder):
    """Records what the clients of both runtimes do."""

    server: FakeBedrock

    def __init__(self, server: FakeBedrock, telemetry: InMemory, made: Clients) -> None:
        super().__init__(server, telemetry, BedrockInstrumentor())
        self.runtime = made.runtime
        self.agents = made.agents


@pytest.fixture(scope="session")
def recorded_bedrock() -> Iterator[tuple[FakeBedrock, Clients]]:
    """A service of its own, because its clients keep connections open."""
    with FakeBedrock() as server:
        made = clients(server.url)
        yield server, made
        made.runtime.close()
        made.agents.close()


@pytest.fixture
def record(recorded_bedrock: tuple[FakeBedrock, Clients], in_memory: InMemory, otel_context_log: list[str]) -> Iterator[BedrockRecorder]:
    """A recorder that is recording, content on spans included."""
    server, made = recorded_bedrock
    server.reset()
    recorder = BedrockRecorder(server, in_memory, made)
    recorder.start()
    yield recorder
    recorder.stop()
    in_memory.assert_balanced()
    for span in in_memory.spans():
        check_span(span.attributes or {})
    assert otel_context_log == []
