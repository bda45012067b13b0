"""Fixtures of the differential tests of openai: one fake service for all of them."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from tests.fakes.openai_server import FakeOpenAI
from tests.providers.laboratory import Laboratory
from tests.providers.openai.vendor import OpenAIVendor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.in_memory import InMemory


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
    yield Laboratory(OpenAIVendor(shared_openai), in_memory)
    assert otel_context_log == []
