"""Beside an instrumentor that records no metrics, ours are the call's only ones: of answers, streams and failures alike."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.providers.openai import sdk
from tests.providers.openai.recording import HELLO, MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.providers.openai.recording import OpenAIRecorder

pytest_plugins = ("tests.providers.openai.recording_fixtures",)
WRAPPER = """
import wrapt
def traced(wrapped, instance, args, kwargs):
    return wrapped(*args, **kwargs)
wrapt.wrap_function_wrapper("openai", "OpenAI.request", traced)
"""
WITH_USAGE: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


@pytest.fixture(autouse=True)
def _theirs(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "wrapper.py").write_text(WRAPPER)
    spec = importlib.util.spec_from_file_location("openinference.instrumentation.openai", tmp_path / "wrapper.py")
    assert spec
    assert spec.loader
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    yield
    del openai.OpenAI.request


def tokens(record: OpenAIRecorder) -> int:
    return int(sum(point.sum for point in record.telemetry.points("gen_ai.client.token.usage")))


def test_an_answer_and_a_stream_are_metered_once(record: OpenAIRecorder) -> None:
    record.client.chat.completions.create(model=MODEL, messages=HELLO)
    assert len(list(record.client.chat.completions.create(model=MODEL, messages=HELLO, **WITH_USAGE))) > 1
    assert tokens(record) == sum(record.server.tokens())
    assert sum(point.count for point in record.telemetry.points("gen_ai.client.operation.duration")) == 2
    assert sum(point.count for point in record.telemetry.points("gen_ai.client.operation.time_to_first_chunk")) == 1
    record.telemetry.assert_balanced(0)


def test_a_helper_that_calls_what_is_patched_is_metered_once(record: OpenAIRecorder) -> None:
    with sdk.chat_stream(record.client)(model=MODEL, messages=HELLO, stream_options={"include_usage": True}) as stream:
        stream.get_final_completion()
    assert tokens(record) == sum(record.server.tokens())


def test_a_stream_left_early_has_a_duration(record: OpenAIRecorder) -> None:
    stream = record.client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    next(iter(stream))
    stream.close()
    (point,) = record.telemetry.points("gen_ai.client.operation.duration")
    assert "error.type" not in point.attributes


def test_a_failure_is_named(record: OpenAIRecorder) -> None:
    with pytest.raises(openai.NotFoundError):
        record.client.chat.completions.create(model="error-404", messages=HELLO)
    (point,) = record.telemetry.points("gen_ai.client.operation.duration")
    assert point.attributes["error.type"]
