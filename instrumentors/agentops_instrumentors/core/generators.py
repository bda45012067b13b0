"""Observed generators: a stream that is a generator stays one, sync or async, of the same name and with its whole protocol."""

from __future__ import annotations

import sys
from inspect import isasyncgen
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
        watched = _AsyncSource(source, invocation, accumulator)
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

    def register(self) -> None:
        """Have the source start unknown to its event loop, which closes the generator around it, and would close both at once."""
        self._source = _Unlisted(self, self._source)

    def registered(self, source: Any) -> None:
        self._source = source

    async def aclose(self) -> None:
        try:
            await self._source.aclose()
        finally:
            _left(self.owner, self._invocation, self._drop)

    async def athrow(self, *thrown: Any) -> Any:
        try:
            chunk = await self._source.athrow(*thrown)
        except BaseException:
            self._invocation.finish()
            raise
        self._observe(chunk)
        return chunk


class _Unlisted:
    """Stands in for an async generator at its first step, when it takes the event loop's hooks: it gets none of them."""

    __slots__ = ("_source", "_watched")

    def __init__(self, watched: _AsyncSource, source: Any) -> None:
        self._watched = watched
        self._source: Any = source

    def __anext__(self) -> Any:
        source = self._source
        self._watched.registered(source)
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=None, finalizer=_left_alone)
        try:
            return source.__anext__()
        finally:
            sys.set_asyncgen_hooks(*hooks)


def _left_alone(_generator: object) -> None:
    """The finalizer of a source: the generator around it closes it."""


def _generator(watched: _Source) -> Generator[Any, Any, Any]:
    source: Generator[Any, Any, Any] = cast("Any", watched)
    return (yield from source)


async def _async_generator(watched: _AsyncSource) -> AsyncGenerator[Any, Any]:
    watched.register()
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
