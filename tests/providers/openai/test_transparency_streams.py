"""Streams: every surface that gives one, ended in every way, is the same to the application; and its span is whole."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest
from opentelemetry.trace import StatusCode

from tests.fakes.openai_server import Reply
from tests.providers.differential import MODES, Eyes, loop
from tests.providers.endings import DONE, ENDINGS, NOTHING, PARTIAL
from tests.providers.matrix import check_failure
from tests.providers.openai.surfaces import STREAMS, creation

if TYPE_CHECKING:
    from tests.providers.laboratory import Laboratory

CUTS: Final[dict[str, dict[str, Any]]] = {
    "server closes": {"disconnect_after": 4},
    "server resets": {"disconnect_after": 4, "abortive": True},
    "server closes after the head": {"disconnect_after": 0},
    "silence": {"hang_after": 4, "timeout": 0.3},
    "malformed event": {"extra": b"data: {not json\n\n"},
    "error event": {"extra": b'data: {"error": {"message": "overloaded", "type": "server_error", "code": "busy"}}\n\n'},
    "no end": {"extra": b""},
    "not text": {"extra": b"data: \xff\xfe\x00\n\n"},
}
"""How the service breaks a stream off after its fourth event."""


def _broken_off(eyes: Eyes, cut: dict[str, Any]) -> None:
    """Make the next answer a stream that the service breaks off after four events."""

    def reply(request: Any) -> Reply:
        whole = eyes.server.default_reply(request)
        if "extra" in cut:
            pieces = (*(whole.pieces or ())[:4], cut["extra"])
            return Reply(headers=whole.headers, pieces=pieces)
        behaviour = {name: value for name, value in cut.items() if name != "timeout"}
        return Reply(headers=whole.headers, pieces=whole.pieces, **behaviour)

    eyes.server.enqueue(reply)


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
        _broken_off(eyes, script)
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
