"""Streams that the garbage collector finds: their spans end, wherever the collector happens to run."""

from __future__ import annotations

import contextvars
import gc
import os
import types
from typing import TYPE_CHECKING, Any

import openai
import pytest
from opentelemetry import trace
from opentelemetry.context import get_current

from agentops_instrumentors.core import dropped
from agentops_instrumentors.core.invocation import Invocation
from agentops_instrumentors.core.operation import Request, Response
from agentops_instrumentors.core.stream import ObservedAsyncIterator
from agentops_instrumentors.core.telemetry import Telemetry
from tests.providers.collector import run_collecting
from tests.providers.openai.surfaces import chat
from tests.providers.openai.vendor import settings

if TYPE_CHECKING:
    from tests.providers.laboratory import Laboratory


def test_a_collection_inside_a_lock_of_the_sdk_ends_the_span_and_stops_nobody(laboratory: Laboratory) -> None:
    def program() -> None:
        with openai.OpenAI(**settings("sync", laboratory.server)) as client:
            client.chat.completions.create(**chat())
            stream: Any = client.chat.completions.create(**{**chat(stream=True), "model": "m1"})
            next(stream)
            del stream
            client.chat.completions.create(**{**chat(), "model": "m2"})

    run_collecting(laboratory, program)
    laboratory.telemetry.assert_balanced(3)
    assert sorted(span.name for span in laboratory.telemetry.spans()) == ["chat gpt-4o-mini", "chat m1", "chat m2"]


def test_a_forked_child_ends_its_own_dropped_streams_and_leaves_the_parents_alone(laboratory: Laboratory) -> None:
    with laboratory.instrumented(), openai.OpenAI(**settings("sync", laboratory.server)) as client:
        stream: Any = client.chat.completions.create(**chat(stream=True))
        next(stream)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                stream = None
                with openai.OpenAI(**settings("sync", laboratory.server)) as own:
                    mine: Any = own.chat.completions.create(**{**chat(stream=True), "model": "child"})
                    next(mine)
                    del mine
                    gc.collect()
                    dropped.flush(5)
                    status = 0 if [span.name for span in laboratory.telemetry.spans()] == ["chat child"] else 2
            finally:
                os._exit(status)
        _, code = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(code) == 0
        stream.close()
    assert [span.name for span in laboratory.telemetry.spans()] == ["chat gpt-4o-mini"]


class _Waiting:
    """A source that never has its first chunk."""

    async def __anext__(self) -> Any:
        await _pause()


class _Nothing:
    def add(self, chunk: Any, /) -> None:
        raise AssertionError(chunk)

    def response(self) -> Response:
        return Response()


@types.coroutine
def _pause() -> Any:
    yield


@pytest.mark.parametrize("how", ["closed", "collected"])
def test_a_read_that_is_given_up_in_another_context_ends_quietly(laboratory: Laboratory, how: str) -> None:
    """As when a loop goes away with its tasks: the reader's own context is no longer the current one."""
    invocation = Invocation(Telemetry("test", "1", **laboratory.options), Request("chat", "openai"), get_current())
    observed = ObservedAsyncIterator(_Waiting(), invocation, _Nothing())
    reader: Any = observed.__anext__()
    contextvars.copy_context().run(reader.send, None)
    assert laboratory.telemetry.unfinished() == ["chat"]
    if how == "closed":
        reader.close()
    del reader
    gc.collect()
    dropped.flush(10)
    assert trace.get_current_span() is trace.INVALID_SPAN
    laboratory.telemetry.assert_balanced(1)
    assert laboratory.span.status.is_unset
