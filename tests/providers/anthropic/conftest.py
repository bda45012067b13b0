"""Fixtures of anthropic's tests: one fake service for the differential tests, one for the recording ones."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import anthropic
import pytest

from agentops_instrumentors.anthropic import AnthropicInstrumentor
from agentops_instrumentors.core.content import ContentMode, set_default_mode
from tests.fakes.anthropic_server import FakeAnthropic
from tests.providers.anthropic.vendor import NATIVE, PARSE, TOOL_RUNNER, AnthropicVendor
from tests.providers.laboratory import Laboratory
from tests.providers.recorder import Recorder
from tests.unit.message_shapes import check_span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.in_memory import InMemory


_NEEDS: Final = {"test_recording_native.py": NATIVE, "test_recording_parse.py": PARSE, "test_recording_tools.py": TOOL_RUNNER}
"""Tests of what only younger versions of the client have."""

collect_ignore = [file for file, there in _NEEDS.items() if not there]


@pytest.fixture(scope="session")
def shared_anthropic() -> Iterator[FakeAnthropic]:
    """One fake service for the session; every run resets it."""
    with FakeAnthropic() as server:
        yield server
    gc.unfreeze()


@pytest.fixture
def laboratory(shared_anthropic: FakeAnthropic, in_memory: InMemory, otel_context_log: list[str]) -> Iterator[Laboratory]:
    """A laboratory over `shared_anthropic`; fails when `opentelemetry.context` logs anything."""
    shared_anthropic.reset()
    yield Laboratory(AnthropicVendor(shared_anthropic), in_memory)
    assert otel_context_log == []


class AnthropicRecorder(Recorder):
    """Records what `client` does, and clients of other settings."""

    def __init__(self, server: FakeAnthropic, telemetry: InMemory, client: anthropic.Anthropic) -> None:
        super().__init__(server, telemetry, AnthropicInstrumentor())
        self.client = client

    @contextmanager
    def client_at(self, kind: Any = anthropic.Anthropic, **options: Any) -> Iterator[Any]:
        with kind(**{"base_url": self.server.base_url, "max_retries": 0, "timeout": 10, **options}) as client:
            yield client

    def async_client(self) -> anthropic.AsyncAnthropic:
        return anthropic.AsyncAnthropic(base_url=self.server.base_url, api_key="test", max_retries=0, timeout=10)


@pytest.fixture(scope="session")
def recorded_anthropic() -> Iterator[FakeAnthropic]:
    """A service of their own: its client keeps a connection open, which tests that count connections must not see."""
    with FakeAnthropic() as server:
        yield server


@pytest.fixture(scope="session")
def recorded_client(recorded_anthropic: FakeAnthropic) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=recorded_anthropic.base_url, api_key="test", max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
def record(
    recorded_anthropic: FakeAnthropic, recorded_client: anthropic.Anthropic, in_memory: InMemory, otel_context_log: list[str]
) -> Iterator[AnthropicRecorder]:
    """A recorder that is recording, content on spans included."""
    recorded_anthropic.reset()
    recorder = AnthropicRecorder(recorded_anthropic, in_memory, recorded_client)
    recorder.start()
    yield recorder
    recorder.stop()
    # The process's policy is read from the environment again after it.
    set_default_mode(ContentMode.NO_CONTENT)
    in_memory.assert_balanced()
    for span in in_memory.spans():
        check_span(span.attributes or {})
    assert otel_context_log == []
