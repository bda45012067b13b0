"""Fixtures of google-genai's tests: one fake service for the differential tests, one for the recording ones."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Final

import pytest
from google import genai
from google.genai import _extra_utils, types

from agentops_instrumentors.google_genai import GoogleGenAIInstrumentor
from tests.fakes.google_server import FakeGoogle
from tests.providers.google_genai.vendor import GoogleVendor, settings
from tests.providers.laboratory import Laboratory
from tests.providers.recorder import Recorder
from tests.unit.message_shapes import check_span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.in_memory import InMemory


_NEEDS: Final = {
    "test_recording_continued.py": hasattr(_extra_utils, "StreamContinuation"),
    "test_recording_http_response.py": "should_return_http_response" in types.GenerateContentConfig.model_fields,
}
"""Tests of what only younger versions of the client have."""

collect_ignore = [file for file, there in _NEEDS.items() if not there]


@pytest.fixture(scope="session")
def shared_google() -> Iterator[FakeGoogle]:
    """One fake service for the session; every run resets it."""
    with FakeGoogle() as server:
        yield server
    gc.unfreeze()


@pytest.fixture
def laboratory(shared_google: FakeGoogle, in_memory: InMemory, otel_context_log: list[str]) -> Iterator[Laboratory]:
    """A laboratory over `shared_google`; fails when `opentelemetry.context` logs anything."""
    shared_google.reset()
    yield Laboratory(GoogleVendor(shared_google), in_memory)
    assert otel_context_log == []


class GoogleRecorder(Recorder):
    """Records what `client` does, of the Gemini API, and `vertex`, of Vertex AI."""

    def __init__(self, server: FakeGoogle, telemetry: InMemory, client: Any, vertex: Any) -> None:
        super().__init__(server, telemetry, GoogleGenAIInstrumentor())
        self.client = client
        self.vertex = vertex


@pytest.fixture(scope="session")
def recorded_google() -> Iterator[tuple[FakeGoogle, Any, Any]]:
    """A service of its own, because its clients keep connections open."""
    with FakeGoogle() as server:
        options = settings(server)
        yield server, genai.Client(api_key="test", http_options=options), genai.Client(vertexai=True, api_key="test", http_options=options)


@pytest.fixture
def record(recorded_google: tuple[FakeGoogle, Any, Any], in_memory: InMemory, otel_context_log: list[str]) -> Iterator[GoogleRecorder]:
    """A recorder that is recording, content on spans included."""
    server, client, vertex = recorded_google
    server.reset()
    recorder = GoogleRecorder(server, in_memory, client, vertex)
    recorder.start()
    yield recorder
    recorder.stop()
    in_memory.assert_balanced()
    for span in in_memory.spans():
        check_span(span.attributes or {})
    assert otel_context_log == []
