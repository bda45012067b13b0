"""Observed generators: a stream that is a generator stays one, sync or async, of the same name and with its whole protocol."""

from __future__ import annotations

import sys
from inspect import isasyncgen
from types import coroutine
from typing import TYPE_CHECKING, Any, cast
from weakref import ref

from agentops_instrumentors.core.stream import ObservedAsyncIterator, ObservedIterator

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from agentops_instrumentors.core.invocation import Invocation
    from agentops_instrumentors.core.stream import Accumulator


def observed(source: Any, invocation: Invocation, accumulator: Accumulator) -> Any:
    """A generator that yields what the generator `source` yields, and ends `invocation` however it ends."""
    if isasyncgen(source):
        watched = _AsyncSource(_Unlisted(source), invocation, accumulator)
        made: Any = _async_generator(watched)
    else:
        watched = _Source(source, invocation, accumulator)
        made = _generator(watched)
    made.__name__, made.__qualname__ = source.__name__, source.__qualname__
    watched.owner = ref(made, _gone)
    return made


def _gone(_reference: object) -> None:
    """A weak reference with a callback is cleared before the finalizers run, by every garbage collector; one without may not be."""


def _left(owner: ref[Any], invocation: Invocation, drop: Callable[[Invocation], None]) -> None:
    # The generator is closed by its user, or finalized: perhaps by the garbage collector, where no operation may end.
    if owner() is None:
        drop(invocation)
    else:
        invocation.finish()


class _Source(ObservedIterator):
    """The source as `yield from` takes it: closed and thrown into along with the generator around it."""

    __slots__ = ("owner",)
    owner: ref[Any]
    _source: Any

    def close(self) -> None:
        try:
            self._source.close()
        finally:
            _left(self.owner, self._invocation, self._drop)

    def throw(self, *thrown: Any) -> Any:
        try:
            chunk = self._source.throw(*thrown)
        except BaseException:
            self._invocation.finish()
            raise
        self._observe(chunk)
        return chunk


class _AsyncSource(ObservedAsyncIterator):
    """The source of an async generator around it."""

    __slots__ = ("owner",)
    owner: ref[Any]
    _source: Any

    async def aclose(self) -> None:
        try:
            await _driven(self._source.aclose(), closing=True)
        finally:
            _left(self.owner, self._invocation, self._drop)

    async def athrow(self, *thrown: Any) -> Any:
        try:
            chunk = await _driven(self._source.athrow(*thrown), closing=True)
        except BaseException:
            self._invocation.finish()
            raise
        self._observe(chunk)
        return chunk


class _Unlisted:
    """An async generator that takes none of its event loop's hooks, since the loop closes the generator around it, and would close both."""

    __slots__ = ("_source", "_started")

    def __init__(self, source: Any) -> None:
        self._source: Any = source
        self._started = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def __anext__(self) -> Any:
        return _driven(self._source.__anext__() if self._started else self._start())

    def _start(self) -> Any:
        self._started = True
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=None, finalizer=_left_alone)
        try:
            return self._source.__anext__()
        finally:
            sys.set_asyncgen_hooks(*hooks)


@coroutine
def _driven(step: Any, closing: bool = False) -> Generator[Any, Any, Any]:
    """Await a step of an async generator. Whatever happens meanwhile reaches the generator, also that nobody waits any more:
    a step that is awaited as usual and closed (GeneratorExit) would leave it where it is.

    A source that is `closing` goes on with it: a loop that cancels the closing of a dropped generator before it began throws twice.
    """
    advance, argument = step.send, None
    while True:
        try:
            waiting = advance(argument)
        except StopIteration as done:
            return done.value
        try:
            argument = yield waiting
            advance = step.send
        except BaseException as error:
            advance, argument = (step.send, None) if closing and isinstance(error, GeneratorExit) else (step.throw, error)
            closing = False


def _left_alone(_generator: object) -> None:
    """The finalizer of a source: the generator around it closes it."""


def _generator(watched: _Source) -> Generator[Any, Any, Any]:
    source: Generator[Any, Any, Any] = cast("Any", watched)
    return (yield from source)


async def _async_generator(watched: _AsyncSource) -> AsyncGenerator[Any, Any]:
    step: Any = watched.__anext__()
    while True:
        try:
            chunk = await step
        except StopAsyncIteration:
            return
        try:
            sent = yield chunk
        except GeneratorExit:
            await watched.aclose()
            raise
        except BaseException as error:
            step = watched.athrow(error)
        else:
            step = watched.__anext__() if sent is None else watched.asend(sent)
