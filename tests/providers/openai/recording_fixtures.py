"""Pytest plugin of the recording tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from openai import OpenAI

from agentops_instrumentors.core.content import ContentMode, set_default_mode
from tests.fakes.openai_server import FakeOpenAI
from tests.providers.openai.recording import OpenAIRecorder
from tests.unit.message_shapes import check_span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.in_memory import InMemory


@pytest.fixture(scope="session")
def recorded_openai() -> Iterator[FakeOpenAI]:
    """A service of their own: its client keeps a connection open, which tests that count connections must not see."""
    with FakeOpenAI() as server:
        yield server


@pytest.fixture(scope="session")
def recorded_client(recorded_openai: FakeOpenAI) -> Iterator[OpenAI]:
    with OpenAI(base_url=recorded_openai.base_url, api_key="test", max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
def record(
    recorded_openai: FakeOpenAI, recorded_client: OpenAI, in_memory: InMemory, otel_context_log: list[str]
) -> Iterator[OpenAIRecorder]:
    """A recorder that is recording, content on spans included."""
    recorded_openai.reset()
    recorder = OpenAIRecorder(recorded_openai, in_memory, recorded_client)
    recorder.start()
    yield recorder
    recorder.stop()
    # The process's policy is read from the environment again after it.
    set_default_mode(ContentMode.NO_CONTENT)
    in_memory.assert_balanced()
    for span in in_memory.spans():
        check_span(span.attributes or {})
    assert otel_context_log == []
