"""Transparent observation of a stream: the caller's own stream object, with its source iterator observed.

An observed iterator yields exactly what its source yields, raises what it raises, reads only when it is asked to, and
ends the operation exactly once: at the last chunk, at an error, when it is closed, or when it is dropped.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from agentops_instrumentors.core import dropped
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from agentops_instrumentors.core.invocation import Invocation
    from agentops_instrumentors.core.operation import Response


class Accumulator(Protocol):
    """Gathers a stream's chunks; cheap per chunk, and all the work in `response`."""

    def add(self, chunk: Any, /) -> None:
        """Take the next chunk."""
        ...

    def response(self) -> Response:
        """What the chunks so far amount to."""
        ...


class _Observed:
    """What the sync and the async observed iterator share. Unknown attributes are the source's."""

    __slots__ = ("__weakref__", "_add", "_arrived", "_drop", "_invocation", "_source", "reading")

    def __init__(self, source: Any, invocation: Invocation, accumulator: Accumulator) -> None:
        self._source = source
        self._invocation = invocation
        self._add = accumulator.add
        self._arrived = invocation.arrivals.append
        self.reading = False
        """True while the source is being asked for a chunk: a close seen then is the source's own."""
        invocation.settle = accumulator.response
        self._drop = dropped.prepare()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def _observe(self, chunk: Any) -> None:
        self._arrived(perf_counter())
        try:
            self._add(chunk)
        except Exception as error:
            swallowed("chunk", error)

    def closed(self) -> None:
        """The stream was closed by its user: the operation ends with what had arrived."""
        if not self.reading:
            self._invocation.finish()

    def __del__(self) -> None:
        self._drop(self._invocation)


class ObservedIterator(_Observed):
    """A synchronous source iterator, observed."""

    __slots__ = ("_enter", "_leave")

    def __init__(self, source: Any, invocation: Invocation, accumulator: Accumulator) -> None:
        super().__init__(source, invocation, accumulator)
        self._enter, self._leave = invocation.passage()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        token = self._enter()
        self.reading = True
        try:
            chunk = next(self._source)
        except StopIteration:
            self._leave(token)
            self._invocation.finish()
            raise
        except BaseException as error:
            self._leave(token)
            self._invocation.fail(error)
            raise
        finally:
            self.reading = False
        self._leave(token)
        self._observe(chunk)
        return chunk

    def close(self) -> None:
        """Close the source and end the operation."""
        try:
            self._source.close()
        finally:
            self._invocation.finish()


class ObservedAsyncIterator(_Observed):
    """An asynchronous source iterator, observed."""

    __slots__ = ()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        invocation = self._invocation
        token = invocation.enter()
        self.reading = True
        try:
            chunk = await anext(self._source)
        except StopAsyncIteration:
            invocation.leave(token)
            invocation.finish()
            raise
        except GeneratorExit:
            # The reader was dropped half-way, perhaps by the garbage collector.
            invocation.leave(token)
            self._drop(invocation)
            raise
        except BaseException as error:
            invocation.leave(token)
            invocation.fail(error)
            raise
        finally:
            self.reading = False
        invocation.leave(token)
        self._observe(chunk)
        return chunk

    async def aclose(self) -> None:
        """Close the source and end the operation."""
        try:
            await self._source.aclose()
        finally:
            self._invocation.finish()
