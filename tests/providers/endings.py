"""Every way a stream can end: what the application does, and what the service does meanwhile."""

from __future__ import annotations

import asyncio
import gc
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.providers.differential import END, Eyes, close, loop, pull

if TYPE_CHECKING:
    from collections.abc import Callable

DONE, PARTIAL, NOTHING = "done", "partial", "nothing"

Ending = "Callable[[Opened, Eyes], Awaitable[None]]"
ENDINGS: Final[dict[str, tuple[str, Any]]] = {}
"""By name: how much the operation's span must know at the end, and the application's code."""


@dataclass(slots=True)
class Opened:
    """A stream as the application holds it, with the manager or response it came from.

    `events` is how many items the application gets out of the service's first four events.
    """

    stream: Any
    manager: Any = None
    source: Any = None
    events: int = 4

    async def leave(self, error: BaseException | None = None) -> None:
        """What the end of the `with` block does, where there is one."""
        manager, self.manager = self.manager, None
        if manager is not None:
            done = (type(error) if error else None, error, error.__traceback__ if error else None)
            await (manager.__aexit__(*done) if hasattr(manager, "__aexit__") else _at_once(manager.__exit__(*done)))


async def _at_once(value: Any) -> Any:
    return value


async def enter(manager: Any) -> Any:
    return await manager.__aenter__() if hasattr(manager, "__aenter__") else manager.__enter__()


def ending(name: str, knows: str) -> Callable[[Any], Any]:
    def add(function: Any) -> Any:
        ENDINGS[name] = (knows, function)
        return function

    return add


@ending("drained", DONE)
async def _drained(opened: Opened, eyes: Eyes) -> None:
    await loop(opened.stream, eyes)
    await opened.leave()


@ending("drained twice", DONE)
async def _drained_twice(opened: Opened, eyes: Eyes) -> None:
    await loop(opened.stream, eyes)
    await loop(opened.stream, eyes)
    await close(opened.stream)
    await opened.leave()


@ending("drained by next", DONE)
async def _drained_by_next(opened: Opened, eyes: Eyes) -> None:
    while (item := await pull(opened.stream)) is not END:
        eyes.chunk(item)
    eyes.see("after the end", await pull(opened.stream))
    await opened.leave()


@ending("drained in with", DONE)
async def _drained_in_with(opened: Opened, eyes: Eyes) -> None:
    if hasattr(opened.stream, "__aenter__"):
        async with opened.stream as stream:
            eyes.see("same", stream is opened.stream)
            await loop(stream, eyes)
    else:
        with opened.stream as stream:
            eyes.see("same", stream is opened.stream)
            await loop(stream, eyes)
    await opened.leave()


@ending("left", PARTIAL)
async def _left(opened: Opened, eyes: Eyes) -> None:
    await loop(opened.stream, eyes, stop_after=4)
    await opened.leave()


@ending("left and resumed", DONE)
async def _resumed(opened: Opened, eyes: Eyes) -> None:
    """Only a stream read by `next` goes on after a `break`: leaving a loop may close it, and both must agree."""
    await loop(opened.stream, eyes, stop_after=2)
    try:
        while (item := await pull(opened.stream)) is not END:
            eyes.chunk(item)
    finally:
        await opened.leave()


@ending("left and closed", PARTIAL)
async def _left_and_closed(opened: Opened, eyes: Eyes) -> None:
    await loop(opened.stream, eyes, stop_after=4)
    eyes.see("closed", await close(opened.stream))
    eyes.see("closed again", await close(opened.stream))
    await opened.leave()


@ending("read after close", PARTIAL)
async def _read_after_close(opened: Opened, eyes: Eyes) -> None:
    await loop(opened.stream, eyes, stop_after=opened.events)
    await close(opened.stream)
    try:
        eyes.see("after close", await pull(opened.stream))
    except Exception as error:
        eyes.see("raised", error)
    await opened.leave()


@ending("left in with", PARTIAL)
async def _left_in_with(opened: Opened, eyes: Eyes) -> None:
    if hasattr(opened.stream, "__aenter__"):
        async with opened.stream as stream:
            await loop(stream, eyes, stop_after=4)
    else:
        with opened.stream as stream:
            await loop(stream, eyes, stop_after=4)
    await opened.leave()


async def _thrown(opened: Opened, eyes: Eyes, thrown: BaseException) -> None:
    try:
        await loop(opened.stream, eyes, stop_after=4, error=thrown)
    except BaseException as error:
        eyes.see("own error", error)
        eyes.see("same", error is thrown)
        await opened.leave(error)


@ending("error in the loop", PARTIAL)
async def _error_in_loop(opened: Opened, eyes: Eyes) -> None:
    await _thrown(opened, eyes, ValueError("the application's own"))


@ending("interrupt in the loop", PARTIAL)
async def _interrupt_in_loop(opened: Opened, eyes: Eyes) -> None:
    await _thrown(opened, eyes, SystemExit(3))


@ending("never iterated", NOTHING)
async def _never_iterated(opened: Opened, eyes: Eyes) -> None:
    await opened.leave()


@ending("closed at once", NOTHING)
async def _closed_at_once(opened: Opened, eyes: Eyes) -> None:
    await close(opened.stream)
    await opened.leave()


@ending("collected", PARTIAL)
async def _collected(opened: Opened, eyes: Eyes) -> None:
    await loop(opened.stream, eyes, stop_after=4)
    opened.stream = opened.source = opened.manager = None
    gc.collect()
    eyes.see("alive", [label for label, reference in eyes.watched if reference() is not None])


@ending("closed elsewhere", PARTIAL)
async def _closed_elsewhere(opened: Opened, eyes: Eyes) -> None:
    await loop(opened.stream, eyes, stop_after=opened.events)
    await _elsewhere(eyes, lambda: close(opened.stream))
    try:
        eyes.see("after close", await pull(opened.stream))
    except Exception as error:
        eyes.see("raised", error)
    await opened.leave()


@ending("read elsewhere", DONE)
async def _read_elsewhere(opened: Opened, eyes: Eyes) -> None:
    found: list[Any] = []

    async def one() -> None:
        found.append(await pull(opened.stream))

    while not found or found[-1] is not END:
        await _elsewhere(eyes, one)
    for item in found:
        eyes.see("chunk", item)
    await opened.leave()


async def _elsewhere(eyes: Eyes, work: Callable[[], Any]) -> None:
    """Run `work` in another thread, or in another task."""
    if eyes.mode == "async":
        await asyncio.create_task(work())
        return
    thread = threading.Thread(target=_to_its_end, args=(work(),))
    thread.start()
    thread.join(10)


def _to_its_end(running: Any) -> None:
    try:
        running.send(None)
    except StopIteration:
        return
