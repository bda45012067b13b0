"""The body of `invoke_model`, read in every way: the same to the application with and without the instrumentor."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import threading
import weakref
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.response import StreamingBody

from tests.fakes.aws_bedrock import Reply
from tests.providers import matrix
from tests.providers.bedrock.vendor import invoking
from tests.providers.differential import MODES, Eyes, settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.providers.laboratory import Laboratory

WHOLE, SOME, NONE = "whole", "some", "none"
READINGS: Final[dict[str, tuple[tuple[str, ...], str, Any]]] = {}
"""By name: in which modes there is such a thing, how much of the answer is read, and the application's code."""


def reading(name: str, much: str, *modes: str) -> Callable[[Any], Any]:
    def add(function: Any) -> Any:
        READINGS[name] = (modes or MODES, much, function)
        return function

    return add


def _readable(body: Any) -> Any:
    try:
        return body.readable()
    except AttributeError as error:  # aiobotocore 2's bodies ask the response for what it does not have
        return error


@reading("at once", WHOLE)
async def _at_once(body: Any, eyes: Eyes) -> None:
    eyes.see("all", await settle(body.read()))
    eyes.see("tell", body.tell())
    eyes.see("again", await settle(body.read()))


@reading("in pieces", WHOLE)
async def _in_pieces(body: Any, eyes: Eyes) -> None:
    while piece := await settle(body.read(7)):
        eyes.see("piece", piece)
        eyes.see("tell", body.tell())
    eyes.see("readable", _readable(body))


@reading("in chunks", WHOLE)
async def _in_chunks(body: Any, eyes: Eyes) -> None:
    if eyes.mode == "async":
        async for piece in body.iter_chunks(20):
            eyes.see("piece", piece)
    else:
        for piece in body.iter_chunks(20):
            eyes.see("piece", piece)


@reading("iterated", WHOLE)
async def _iterated(body: Any, eyes: Eyes) -> None:
    if eyes.mode == "async":
        eyes.see("pieces", [piece async for piece in body])
    else:
        eyes.see("pieces", list(body))


@reading("by next", WHOLE)
async def _by_next(body: Any, eyes: Eyes) -> None:
    eyes.see("piece", await body.__anext__() if eyes.mode == "async" else next(body))


@reading("in lines", WHOLE)
async def _in_lines(body: Any, eyes: Eyes) -> None:
    eyes.see("lines", [line async for line in body.iter_lines()] if eyes.mode == "async" else list(body.iter_lines()))


@reading("as lines", WHOLE)
async def _as_lines(body: Any, eyes: Eyes) -> None:
    eyes.see("lines", await settle(body.readlines()))


@reading("into a buffer", WHOLE, *(["sync"] if hasattr(StreamingBody, "readinto") else ["none"]))
async def _into_a_buffer(body: Any, eyes: Eyes) -> None:
    buffer = bytearray(500)
    eyes.see("count", body.readinto(buffer))
    eyes.see("buffer", bytes(buffer))
    eyes.see("end", body.readinto(buffer))


@reading("by the json module", WHOLE, "sync")
async def _by_json(body: Any, eyes: Eyes) -> None:
    eyes.see("answer", json.load(body))


@reading("as text", WHOLE, "sync")
async def _as_text(body: Any, eyes: Eyes) -> None:
    eyes.see("text", io.TextIOWrapper(io.BufferedReader(body)).read())


@reading("by a method kept", WHOLE)
async def _by_a_method(body: Any, eyes: Eyes) -> None:
    read = body.read
    del body
    gc.collect()
    eyes.see("all", await settle(read()))


@reading("closed after reading", WHOLE)
async def _closed_after_reading(body: Any, eyes: Eyes) -> None:
    eyes.see("all", await settle(body.read()))
    eyes.see("closed", await settle(body.close()))


@reading("elsewhere", WHOLE)
async def _elsewhere(body: Any, eyes: Eyes) -> None:
    found: list[Any] = []

    async def read() -> None:
        found.append(await settle(body.read()))

    if eyes.mode == "async":
        await asyncio.create_task(read())
    else:
        thread = threading.Thread(target=lambda: found.append(body.read()))
        thread.start()
        thread.join(10)
    eyes.see("all", found)


@reading("closed by contextlib", WHOLE, "sync")
async def _closing(body: Any, eyes: Eyes) -> None:
    with closing(body) as same:
        eyes.see("same", same is body)
        eyes.see("all", same.read())


@reading("in with", NONE)
async def _in_with(body: Any, eyes: Eyes) -> None:
    if eyes.mode == "async":
        async with body as raw:
            eyes.see("type", type(raw))
    else:
        with body as raw:
            eyes.see("type", type(raw))
            eyes.see("all", raw.read())


@reading("left", SOME)
async def _left(body: Any, eyes: Eyes) -> None:
    eyes.see("piece", await settle(body.read(10)))


@reading("left and closed", SOME)
async def _left_and_closed(body: Any, eyes: Eyes) -> None:
    eyes.see("piece", await settle(body.read(10)))
    eyes.see("closed", await settle(body.close()))
    if not hasattr(type(body), "close"):
        return  # aiobotocore 2's is the response's, which nobody watches
    try:
        eyes.see("after", await settle(body.read()))
    except Exception as error:
        eyes.see("raised", error)
        if error.__context__ is not None:
            # The asynchronous HTTP library keeps this one for ever, and its frames with it.
            error.__context__.with_traceback(None)


@reading("never read", NONE)
async def _never_read(body: Any, eyes: Eyes) -> None:
    eyes.see("readable", _readable(body))


@reading("closed at once", NONE)
async def _closed_at_once(body: Any, eyes: Eyes) -> None:
    await settle(body.close())


@pytest.mark.parametrize(("name", "mode"), [(name, mode) for name, (modes, *_) in READINGS.items() for mode in modes if mode in MODES])
def test_bodies_are_the_same(laboratory: Laboratory, name: str, mode: str) -> None:
    _, much, read = READINGS[name]

    async def body(client: Any, eyes: Eyes) -> None:
        answer = await invoking()(client)
        eyes.see("head", {member: value for member, value in answer.items() if member != "body"})
        found = answer.pop("body")
        eyes.see("body", found)
        eyes.watch("body", found)
        await read(found, eyes)

    laboratory.both(body, mode)
    attributes = matrix.succeeded(laboratory)
    assert ("gen_ai.output.messages" in attributes) is (much == WHOLE)
    assert attributes["gen_ai.usage.output_tokens"] == 5


@pytest.mark.parametrize("mode", MODES)
def test_a_body_nobody_holds_is_gone_at_once(laboratory: Laboratory, mode: str) -> None:
    """Its connection is free again without the garbage collector, where it is without the instrumentor."""

    async def body(client: Any, eyes: Eyes) -> None:
        answer = await invoking()(client)
        reference = weakref.ref(answer["body"])
        gc.disable()
        try:
            del answer
            eyes.see("gone", reference() is None)
        finally:
            gc.enable()

    laboratory.both(body, mode)
    matrix.succeeded(laboratory)


BROKEN: Final[dict[str, dict[str, Any]]] = {
    "cut": {"disconnect_after": 1},
    "reset": {"disconnect_after": 1, "abortive": True},
    "hangs": {"hang_after": 1},
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("broken", BROKEN)
def test_broken_bodies_are_the_same(laboratory: Laboratory, broken: str, mode: str) -> None:
    """The service promises more than it sends."""
    sent = b'{"generation": "You'
    reply = Reply(headers={"content-type": "application/json", "content-length": "90"}, body=sent, **BROKEN[broken])

    async def body(client: Any, eyes: Eyes) -> None:
        eyes.server.enqueue(Reply(verbatim=_head(len(sent) + 30) + sent) if broken == "cut" else reply)
        impatient = await settle(laboratory.vendor.client(mode, read_timeout=0.2))
        try:
            answer = await invoking()(impatient)
            eyes.see("piece", await settle(answer["body"].read(4)))
            eyes.see("all", await settle(answer["body"].read()))
        except Exception as error:
            eyes.failed(error)
        finally:
            await settle(laboratory.vendor.close(impatient))

    eyes = laboratory.both(body, mode)
    assert eyes.failure
    matrix.check_failure(laboratory, eyes)


def _head(length: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % length


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sent", [b"", b"null", b"[1]", b"{not json", b"\xff\x00"])
def test_bodies_that_make_no_sense_are_the_same(laboratory: Laboratory, sent: bytes, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        eyes.server.enqueue(Reply.garbage(sent))
        eyes.see("all", await settle((await invoking()(client))["body"].read()))

    laboratory.both(body, mode)
    assert "gen_ai.output.messages" not in matrix.succeeded(laboratory)


def test_a_cancelled_read_is_the_same(laboratory: Laboratory) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        eyes.server.enqueue(Reply(headers={"content-type": "application/json"}, pieces=(b"{", b"}"), hang_after=1))
        answer = await invoking()(client)
        task = asyncio.create_task(settle(answer["body"].read()))
        await asyncio.sleep(0.02)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError as error:
            eyes.failed(error)

    matrix.check_failure(laboratory, laboratory.both(body, "async"))
