"""The transparency matrix, whatever the vendor: each way to ask, in each way it can go, is the same to the application."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import StatusCode

from tests.fakes.http import Reply
from tests.providers.differential import Eyes, loop
from tests.providers.endings import DONE, ENDINGS, NOTHING, PARTIAL, Opened
from tests.providers.observation import copies

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tests.providers.laboratory import Laboratory

    Ask = Callable[[Any], Awaitable[Any]]
    Open = Callable[[Any], Awaitable[Opened]]

MANAGED = ("drained in with", "left in with")
"""Endings that only a stream which is a context manager has."""
UNREAD = ("never iterated", "closed at once")
"""Endings without a request, and so without an operation, where the patched method is called at the first read."""


def same_answer(laboratory: Laboratory, ask: Ask, mode: str) -> Mapping[str, Any]:
    """A plain call; the attributes of its span."""

    async def body(client: Any, eyes: Eyes) -> None:
        answer = eyes.see("answer", await ask(client))
        eyes.see("copies", copies(answer))
        eyes.see("set", sorted(vars(answer)))
        eyes.watch("answer", answer)

    laboratory.both(body, mode)
    return succeeded(laboratory)


def same_trouble(laboratory: Laboratory, ask: Ask, mode: str, reply: Reply | None = None, readable: bool = True) -> Eyes:
    """A call that `reply` answers, if any: what comes of it reaches the caller."""

    async def body(client: Any, eyes: Eyes) -> None:
        if reply is not None:
            eyes.server.enqueue(reply)
        try:
            answer = await ask(client)
        except Exception as error:
            eyes.failed(error)
            # A client that gives up soon may have done so before the service has read what it sent.
            eyes.server.wait_for(lambda: eyes.server.requests, 0.5)
        else:
            eyes.see("answer", answer)

    eyes = laboratory.both(body, mode, readable=readable)
    if readable:
        check_failure(laboratory, eyes)
    return eyes


def same_stream(laboratory: Laboratory, opener: Open, ending: str, mode: str, tokens: bool = True) -> Mapping[str, Any]:
    """A stream that ends as `ending` says, and tells its `tokens`; the attributes of its span."""
    knows, finish = ENDINGS[ending]

    async def body(client: Any, eyes: Eyes) -> None:
        if knows != DONE:
            # Nothing more ever comes: an application that is read ahead of would wait for its timeout.
            eyes.server.enqueue_default(hang_after=4 if knows == PARTIAL else 0)
        opened = await opener(client)
        eyes.see("stream", opened.stream)
        eyes.see("source", opened.source)
        eyes.see("public", sorted(name for name in dir(opened.stream) if not name.startswith("_")))
        eyes.watch("stream", opened.stream)
        await finish(opened, eyes)

    laboratory.both(body, mode)
    attributes = succeeded(laboratory)
    assert (getattr(laboratory.vendor, "evidence", "gen_ai.response.model") in attributes) is (knows != NOTHING)
    assert ("gen_ai.output.messages" in attributes) is (knows != NOTHING)
    if knows == DONE:
        assert attributes["gen_ai.response.finish_reasons"]
        assert "gen_ai.usage.output_tokens" in attributes or not tokens
    return attributes


def same_broken_stream(laboratory: Laboratory, opener: Open, cut: Mapping[str, Any], mode: str) -> Eyes:
    """A stream that breaks off after its fourth event: with an `extra` event, or as the fields of `Reply` in `cut` say."""

    def reply(request: Any) -> Reply:
        whole = laboratory.server.default_reply(request)
        if "extra" in cut:
            return Reply(headers=whole.headers, pieces=(*(whole.pieces or ())[:4], *filter(None, [cut["extra"]])))
        return Reply(headers=whole.headers, pieces=whole.pieces, **cut)

    async def body(client: Any, eyes: Eyes) -> None:
        eyes.server.enqueue(reply)
        opened = await opener(client)
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
        assert getattr(laboratory.vendor, "evidence", "gen_ai.response.model") in (laboratory.span.attributes or {})
    return eyes


def same_refused_stream(laboratory: Laboratory, opener: Open, mode: str) -> Eyes:
    """A stream that the service refuses, when it is asked for or when it is first read."""

    async def body(client: Any, eyes: Eyes) -> None:
        try:
            opened = await opener(client)
            await loop(opened.stream, eyes)
        except Exception as error:
            eyes.failed(error)

    eyes = laboratory.both(body, mode)
    assert eyes.failure
    check_failure(laboratory, eyes)
    return eyes


def same_cancelled_stream(laboratory: Laboratory, opener: Open, after: int) -> None:
    """A task that is cancelled while it waits for the first chunk, or for one later."""

    async def body(client: Any, eyes: Eyes) -> None:
        eyes.server.enqueue_default(hang_after=after)
        opened = await opener(client)
        eyes.watch("stream", opened.stream)

        async def read() -> None:
            try:
                await loop(opened.stream, eyes)
            except asyncio.CancelledError as error:
                eyes.failed(error)
                await opened.leave(error)
                raise

        task = asyncio.create_task(read())
        while not eyes.server.exchanges or eyes.chunks < after or eyes.server.exchanges[-1].pieces_sent < after:
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.005)
        task.cancel()
        eyes.see("ended", (await asyncio.gather(task, return_exceptions=True))[0])

    eyes = laboratory.both(body, "async")
    assert eyes.failure is asyncio.CancelledError
    check_failure(laboratory, eyes)
    assert ("gen_ai.output.messages" in (laboratory.span.attributes or {})) is bool(after)


def same_cancelled_call(laboratory: Laboratory, ask: Ask) -> None:
    """A call that is cancelled while it waits for its answer."""

    async def body(client: Any, eyes: Eyes) -> None:
        eyes.server.enqueue(Reply.hang())
        task = asyncio.ensure_future(ask(client))
        while not eyes.server.requests:
            await asyncio.sleep(0.002)
        for _ in range(100):  # the service has the request before the client has left the code that sends it
            await asyncio.sleep(0)
        task.cancel("enough")
        try:
            await task
        except asyncio.CancelledError as error:
            eyes.failed(error)

    check_failure(laboratory, laboratory.both(body, "async"))


def succeeded(laboratory: Laboratory) -> Mapping[str, Any]:
    """The attributes of the one span, which is a child and no failure."""
    span = laboratory.span
    assert span.parent is not None
    assert span.status.status_code is StatusCode.UNSET
    assert span.events == ()
    assert "error.type" not in (span.attributes or {})
    return span.attributes or {}


def check_failure(laboratory: Laboratory, eyes: Eyes) -> None:
    """An exception that came out of the SDK is on the span once, by its type or the provider's code; and on no span otherwise."""
    if eyes.failure is None:
        succeeded(laboratory)
        return
    span = laboratory.span
    kind = eyes.failure
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    attributes = span.attributes or {}
    assert span.status.status_code is StatusCode.ERROR
    codes = (str(attributes.get("http.response.status_code")), *getattr(laboratory.vendor, "error_codes", ()))
    assert attributes["error.type"] in (name, *codes)
    (event,) = span.events
    assert event.name == "exception"
