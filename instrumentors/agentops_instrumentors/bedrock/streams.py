"""How an answer that is read later reaches its caller: event streams and bodies, observed in place.

The caller keeps the SDK's own object. An `EventStream` gets its raw events from `_event_generator`, which is replaced by an observed
one, and tells them apart in `_parse_event`, where errors in the middle of a stream are raised; it is closed by `close`.
"""

from __future__ import annotations

from functools import wraps
from inspect import iscoroutinefunction
from types import MethodType
from typing import TYPE_CHECKING, Any, cast

import msgspec

from agentops_instrumentors.core.stream import ObservedAsyncIterator, ObservedIterator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentops_instrumentors.bedrock.surface import Asked
    from agentops_instrumentors.core.invocation import Invocation
    from agentops_instrumentors.core.operation import Response


class Events:
    """Gathers the raw events of a stream: types and payloads, decoded when the stream has ended."""

    __slots__ = ("_asked", "_gathered", "_head")

    def __init__(self, head: Mapping[str, Any], asked: Asked) -> None:
        self._head = head
        self._asked = asked
        self._gathered: list[tuple[str | None, bytes]] = []

    def add(self, message: Any) -> None:
        self._gathered.append((message.headers.get(":event-type"), message.payload))

    def response(self) -> Response:
        surface = self._asked.surface
        events = [(kind, decoded(payload)) for kind, payload in self._gathered if kind is not None]
        return surface.response(surface.whole(self._head, events), self._asked)


def decoded(payload: bytes) -> Any:
    """The JSON object of a payload; an empty one of what is not, which the SDK tells its caller."""
    try:
        value = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def observe_events(stream: Any, invocation: Invocation, events: Events) -> None:
    """Observe an `EventStream` or `AioEventStream`."""
    kind = cast("Any", type(stream))
    source = stream._event_generator
    asynchronous = hasattr(source, "__anext__")
    observed = (ObservedAsyncIterator if asynchronous else ObservedIterator)(source, invocation, events)
    stream._event_generator = observed
    parse = _parse_async if iscoroutinefunction(kind._parse_event) else _parse
    stream._parse_event = MethodType(parse(kind._parse_event, invocation), stream)
    stream.close = MethodType(_close(kind.close, observed), stream)


def _parse(original: Any, invocation: Invocation) -> Any:
    @wraps(original)
    def parse_event(self: Any, event: Any) -> Any:
        try:
            return original(self, event)
        except BaseException as error:
            invocation.fail(error)
            raise

    return parse_event


def _parse_async(original: Any, invocation: Invocation) -> Any:
    @wraps(original)
    async def parse_event(self: Any, event: Any) -> Any:
        try:
            return await original(self, event)
        except BaseException as error:
            invocation.fail(error)
            raise

    return parse_event


def _close(original: Any, observed: ObservedIterator | ObservedAsyncIterator) -> Any:
    @wraps(original)
    def close(self: Any) -> Any:
        try:
            return original(self)
        finally:
            observed.closed()

    return close
