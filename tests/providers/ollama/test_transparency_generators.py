"""Ollama's streams are generators: with us they are generators still, with all that a generator can do."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import ollama
import pytest

from tests.providers.collector import run_collecting
from tests.providers.differential import MODES, Eyes, settle
from tests.providers.ollama.vendor import MESSAGES, MODEL, opening

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.providers.laboratory import Laboratory


def _method(stream: Any, name: str) -> Callable[..., Any]:
    """`send`, `throw` or `close` of a generator, or what an asynchronous one calls so."""
    return getattr(stream, f"a{name}" if inspect.isasyncgen(stream) else name)


async def _try(eyes: Eyes, work: Callable[[], Any]) -> None:
    try:
        eyes.see("value", await settle(work()))
    except BaseException as error:
        eyes.see("raised", [type(error), str(error)])


@pytest.mark.parametrize("mode", MODES)
def test_it_looks_the_same(laboratory: Laboratory, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        stream = (await opening("chat")(client)).stream
        eyes.see("kind", [type(stream), inspect.isgenerator(stream), inspect.isasyncgen(stream), stream.__name__, stream.__qualname__])
        eyes.see("itself", (aiter(stream) if mode == "async" else iter(stream)) is stream)
        eyes.see("state", None if mode == "async" else inspect.getgeneratorstate(stream))
        await _try(eyes, lambda: _method(stream, "send")(None))
        eyes.see("state", None if mode == "async" else inspect.getgeneratorstate(stream))
        await _try(eyes, lambda: _method(stream, "close")())
        eyes.see("state", None if mode == "async" else inspect.getgeneratorstate(stream))

    laboratory.both(body, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("started", [False, True])
def test_values_are_sent_into_it(laboratory: Laboratory, mode: str, started: bool) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        stream = (await opening("chat")(client)).stream
        if started:
            await _try(eyes, lambda: _method(stream, "send")(None))
        await _try(eyes, lambda: _method(stream, "send")("a value"))
        await _try(eyes, lambda: _method(stream, "close")())

    laboratory.both(body, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "thrown", [KeyError("k"), GeneratorExit(), StopIteration(3), asyncio.CancelledError(), KeyboardInterrupt()], ids=repr
)
@pytest.mark.parametrize("started", [False, True])
def test_exceptions_are_thrown_into_it(laboratory: Laboratory, mode: str, thrown: BaseException, started: bool) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        stream = (await opening("chat")(client)).stream
        if started:
            await _try(eyes, lambda: _method(stream, "send")(None))
        await _try(eyes, lambda: _method(stream, "throw")(type(thrown)(*thrown.args)))
        await _try(eyes, lambda: _method(stream, "send")(None))

    laboratory.both(body, mode)
    assert laboratory.span.status.is_unset


def test_two_readers_at_once_are_refused_the_same(laboratory: Laboratory) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        eyes.server.enqueue_default(hang_after=2)
        stream = (await opening("chat")(client)).stream
        await anext(stream)
        await anext(stream)
        waiting = asyncio.create_task(settle(anext(stream)))
        await asyncio.sleep(0.01)
        await _try(eyes, lambda: anext(stream))
        await _try(eyes, lambda: stream.aclose())
        waiting.cancel()
        eyes.see("ended", [type(one) for one in await asyncio.gather(waiting, return_exceptions=True)])

    laboratory.both(body, "async")


def test_it_outlives_its_loop_the_same(laboratory: Laboratory) -> None:
    kept: list[Any] = []

    async def body(client: Any, eyes: Eyes) -> None:
        stream = (await opening("chat")(client)).stream
        eyes.see("first", await anext(stream))
        kept.append(stream)

    laboratory.both(body, "async")
    kept.clear()


def test_a_collection_inside_a_lock_of_the_sdk_ends_the_span_and_stops_nobody(laboratory: Laboratory) -> None:
    def program() -> None:
        client = ollama.Client(laboratory.server.url)
        client.chat(MODEL, MESSAGES)
        circle: list[Any] = [client.chat("m1", MESSAGES, stream=True)]
        next(circle[0])
        circle.append(circle)
        del circle
        client.chat("m2", MESSAGES)
        client._client.close()

    run_collecting(laboratory, program)
    laboratory.telemetry.assert_balanced(3)
    assert sorted(span.name for span in laboratory.telemetry.spans()) == [f"chat {MODEL}", "chat m1", "chat m2"]
