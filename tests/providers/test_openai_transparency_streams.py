"""Streams: every surface that gives one, ended in every way, is the same to the application; and its span is whole."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import StatusCode

from tests.providers.differential import MODES, Eyes, loop
from tests.providers.openai_endings import CUTS, DONE, ENDINGS, NOTHING, PARTIAL, broken_off
from tests.providers.openai_surfaces import STREAMS, creation
from tests.providers.test_openai_transparency import check_failure

if TYPE_CHECKING:
    from tests.providers.conftest import Laboratory


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("surface", STREAMS)
def test_streams_are_the_same(laboratory: Laboratory, surface: str, ending: str, mode: str) -> None:
    knows, finish = ENDINGS[ending]

    async def body(client: Any, eyes: Eyes) -> None:
        identifier = await creation(client, surface)
        if knows != DONE:
            # Nothing more ever comes: an application that is read ahead of would wait for its timeout.
            eyes.server.enqueue_default(hang_after=4 if knows == PARTIAL else 0)
        opened = await STREAMS[surface](client, **identifier)
        eyes.see("stream", opened.stream)
        eyes.see("source", opened.source)
        eyes.see("public", sorted(name for name in dir(opened.stream) if not name.startswith("_")))
        eyes.see("state", sorted(vars(opened.stream)))
        eyes.watch("stream", opened.stream)
        await finish(opened, eyes)

    laboratory.both(body, mode)
    span = laboratory.span
    attributes = span.attributes or {}
    assert span.parent is not None
    assert span.status.status_code is StatusCode.UNSET
    assert "error.type" not in attributes
    assert span.events == ()
    assert ("gen_ai.response.id" in attributes) is (knows != NOTHING or surface == "retrieve")
    assert ("gen_ai.output.messages" in attributes) is (knows != NOTHING)
    if knows == DONE:
        assert attributes["gen_ai.response.finish_reasons"] in (("stop",), ("length",))
        assert surface == "retrieve" or attributes["gen_ai.usage.output_tokens"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("surface", STREAMS)
def test_broken_streams_are_the_same(laboratory: Laboratory, surface: str, cut: str, mode: str) -> None:
    script = CUTS[cut]

    async def body(client: Any, eyes: Eyes) -> None:
        identifier = await creation(client, surface)
        broken_off(eyes, script)
        opened = await STREAMS[surface](client, **identifier, **({"timeout": script["timeout"]} if "timeout" in script else {}))
        eyes.watch("stream", opened.stream)
        try:
            await loop(opened.stream, eyes)
        except Exception as error:
            eyes.failed(error)
            await opened.leave(error)
        else:
            await opened.leave()

    eyes = laboratory.both(body, mode)
    check_failure(laboratory, eyes)
    if eyes.chunks:
        assert (laboratory.span.attributes or {})["gen_ai.response.id"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("model", ["error-400", "error-401", "error-429", "error-500"])
@pytest.mark.parametrize("surface", STREAMS)
def test_refused_streams_are_the_same(laboratory: Laboratory, surface: str, model: str, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        try:
            await STREAMS[surface](client, model=model)
        except Exception as error:
            eyes.failed(error)

    eyes = laboratory.both(body, mode)
    assert eyes.failure
    check_failure(laboratory, eyes)


@pytest.mark.parametrize("surface", STREAMS)
@pytest.mark.parametrize("after", [0, 4])
def test_cancelled_tasks_are_the_same(laboratory: Laboratory, surface: str, after: int) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        identifier = await creation(client, surface)
        eyes.server.enqueue_default(hang_after=after)
        opened = await STREAMS[surface](client, **identifier)
        eyes.watch("stream", opened.stream)

        async def read() -> None:
            try:
                await loop(opened.stream, eyes)
            except asyncio.CancelledError as error:
                eyes.failed(error)
                await opened.leave(error)
                raise

        task = asyncio.create_task(read())
        while eyes.chunks < after or eyes.server.exchanges[-1].pieces_sent < after:
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.005)
        task.cancel()
        eyes.see("ended", (await asyncio.gather(task, return_exceptions=True))[0])

    eyes = laboratory.both(body, "async")
    assert eyes.failure is asyncio.CancelledError
    check_failure(laboratory, eyes)
    assert ("gen_ai.output.messages" in (laboratory.span.attributes or {})) is bool(after)
