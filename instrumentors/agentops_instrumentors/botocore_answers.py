"""How an answer that is read later reaches its caller: event streams and bodies, observed in place.

The caller keeps the SDK's own objects. An `EventStream` takes raw events from `_event_generator`, which is replaced by an observed one,
and tells them apart in `_parse_event`, which raises what the service reports in the middle of a stream. A `StreamingBody` is read
through `read` and its kin, which stand in on the object for those of a twin over the same response: a method bound to the body itself
would be a cycle, and a dropped body would keep its connection until the garbage collector runs.
"""

from __future__ import annotations

from functools import wraps
from inspect import iscoroutinefunction
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from agentops_instrumentors.core import dropped
from agentops_instrumentors.core.guard import guarded
from agentops_instrumentors.core.stream import ObservedAsyncIterator, ObservedIterator

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentops_instrumentors.core.invocation import Invocation
    from agentops_instrumentors.core.operation import Response
    from agentops_instrumentors.core.stream import Accumulator

_AS_THE_TWIN: Final = ("tell", "readable")


def decoded(payload: bytes) -> dict[str, Any]:
    """The JSON object of a payload; an empty one of what is not."""
    try:
        value = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


class Events:
    """Gathers the raw events of a stream: types and payloads, decoded when the stream has ended."""

    __slots__ = ("_gathered", "_read")

    def __init__(self, read: Callable[[list[tuple[str, Any]]], Response]) -> None:
        self._read = read
        self._gathered: list[tuple[str | None, bytes]] = []

    def add(self, message: Any) -> None:
        self._gathered.append((message.headers.get(":event-type"), message.payload))

    def response(self) -> Response:
        return self._read([(kind, decoded(payload)) for kind, payload in self._gathered if kind is not None])


class Pieces:
    """Gathers what is read of a body."""

    __slots__ = ("_read", "add", "gathered")

    def __init__(self, read: Callable[[dict[str, Any]], Response]) -> None:
        self._read = read
        self.gathered: list[bytes] = []
        self.add = self.gathered.append

    def response(self) -> Response:
        return self._read(decoded(b"".join(self.gathered)))


class _Events(ObservedIterator):
    """Raw events, of which an exception is no chunk."""

    __slots__ = ()

    def _observe(self, chunk: Any) -> None:
        if chunk.headers.get(":message-type") == "event":
            super()._observe(chunk)


class _AsyncEvents(ObservedAsyncIterator):
    """`_Events`, asynchronously."""

    __slots__ = ()

    def _observe(self, chunk: Any) -> None:
        if chunk.headers.get(":message-type") == "event":
            super()._observe(chunk)


def observe_events(stream: Any, invocation: Invocation, accumulator: Accumulator) -> None:
    """Observe an `EventStream` or `AioEventStream`."""
    kind = cast("Any", type(stream))
    source = stream._event_generator
    observed = (_AsyncEvents if hasattr(source, "__anext__") else _Events)(source, invocation, accumulator)
    stream._event_generator = observed
    failed = _failing(invocation)
    stream._parse_event = MethodType(_watched(kind._parse_event, failed), stream)
    stream.close = MethodType(_watched(kind.close, lambda _error: observed.closed(), lambda *_: observed.closed()), stream)


def observe_body(body: Any, invocation: Invocation, pieces: Pieces, length: str | None) -> None:
    """Observe a `StreamingBody` of botocore or aiobotocore; `length` is the header `content-length`."""
    kind = cast("Any", type(body))
    # The body of aiobotocore 2 is a proxy of the response. Its `close` is the response's own: that operation ends when it is dropped.
    raw = getattr(body, "_raw_stream", None)
    twin = kind(body.__wrapped__ if raw is None else raw, length)
    reader = _Reader(invocation, pieces, length)
    failed = _failing(invocation)
    for name, returned in (("read", reader.read), ("readinto", reader.read_into), ("readlines", reader.read_lines)):
        original = getattr(kind, name, None)
        # The asynchronous `readlines` goes through `read`.
        if original is not None and not (name == "readlines" and iscoroutinefunction(original)):
            setattr(body, name, MethodType(_watched(original, failed, returned), twin))
    for name in ("close", "aclose"):
        if hasattr(kind, name):
            setattr(body, name, MethodType(_watched(getattr(kind, name), reader.closed, reader.closed), twin))
    for name in _AS_THE_TWIN:
        setattr(body, name, getattr(twin, name))


class _Reader:
    """Follows the reads of a body until its end, an error, a close, or until nobody holds it any more."""

    __slots__ = ("_drop", "_invocation", "_left", "_take")

    def __init__(self, invocation: Invocation, pieces: Pieces, length: str | None) -> None:
        self._invocation = invocation
        self._take = pieces.add
        self._left = int(length) if length and length.isdecimal() else -1
        self._drop = dropped.prepare()
        invocation.settle = pieces.response

    def read(self, data: bytes, amt: int | None = None) -> None:
        self._took(data, amt is None or amt < 0 or (not data and amt > 0))

    def read_into(self, count: int, buffer: Any) -> None:
        self._took(bytes(memoryview(buffer)[:count]), not count and len(buffer) > 0)

    def read_lines(self, lines: list[bytes]) -> None:
        self._took(b"".join(lines), True)

    def closed(self, *_args: Any) -> None:
        """The caller closed it, read or not."""
        self._invocation.finish()

    def _took(self, data: bytes, last: bool) -> None:
        self._take(data)
        self._left -= len(data)
        if last or self._left == 0:
            self._invocation.finish()

    def __del__(self) -> None:
        self._drop(self._invocation)


def _failing(invocation: Invocation) -> Callable[[BaseException], None]:
    drop = dropped.prepare()

    def failed(error: BaseException) -> None:
        # A coroutine dropped half-way may be finalized by the garbage collector, where no operation may end.
        drop(invocation) if isinstance(error, GeneratorExit) else invocation.fail(error)

    return failed


def _watched(original: Any, failed: Callable[[BaseException], None], returned: Callable[..., None] | None = None) -> Any:
    """`original`, an unbound method, telling what it raises, or what it returns and the arguments it was given."""
    if iscoroutinefunction(original):

        @wraps(original)
        async def watch_async(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                value = await original(self, *args, **kwargs)
            except BaseException as error:
                failed(error)
                raise
            if returned is not None:
                guarded("body", returned, value, *args, *kwargs.values())
            return value

        return watch_async

    @wraps(original)
    def watch(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            value = original(self, *args, **kwargs)
        except BaseException as error:
            failed(error)
            raise
        if returned is not None:
            guarded("body", returned, value, *args, *kwargs.values())
        return value

    return watch
