"""A conversation over a socket: each turn of the model is one operation, from what asks for it to what completes it."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from opentelemetry.context import get_current

from agentops_instrumentors.core import arbitration
from agentops_instrumentors.core.endpoint import Endpoint
from agentops_instrumentors.core.guard import guarded
from agentops_instrumentors.core.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from agentops_instrumentors.core.messages import Message
    from agentops_instrumentors.core.operation import Request
    from agentops_instrumentors.core.stream import Accumulator
    from agentops_instrumentors.core.telemetry import Telemetry


class Conversation:
    """What was said since the last turn, and the turn under way. `request` and `turn` make the next one's."""

    __slots__ = ("_invocation", "_request", "_said", "_telemetry", "_turn", "_turns")

    def __init__(self, telemetry: Telemetry, request: Callable[[Sequence[Message]], Request], turn: Callable[[], Accumulator]) -> None:
        self._telemetry = telemetry
        self._request = request
        self._turns = turn
        self._said: list[Message] = []
        self._turn: Accumulator | None = None
        self._invocation: Invocation | None = None

    def say(self, said: Callable[[], list[Message]], asks: bool) -> None:
        """The program said something, which asks for an answer or does not yet."""
        if self._telemetry.policy.captures:
            self._said.extend(said())
        if asks:
            self.begin()

    def begin(self) -> None:
        """The model's turn begins, unless it has."""
        current = get_current()
        if self._invocation is not None or arbitration.suppressed(current):
            return
        said, self._said = self._said, []
        request = self._request(said)
        if arbitration.nested(current, request.operation):
            return
        self._turn = self._turns()
        self._invocation = Invocation(self._telemetry, request, current)
        self._invocation.settle = self._turn.response

    def hear(self, received: Any, completes: bool) -> None:
        """A message of the model's turn arrived, perhaps its last."""
        self.begin()
        if self._invocation is not None and self._turn is not None:
            self._invocation.arrivals.append(perf_counter())
            self._turn.add(received)
        if completes:
            self.end()

    def end(self, error: BaseException | None = None) -> None:
        """The turn is over, or the conversation is."""
        invocation, self._invocation = self._invocation, None
        if invocation is not None:
            if error is None:
                invocation.finish()
            else:
                invocation.fail(error)


_known: Final[WeakKeyDictionary[Any, Conversation]] = WeakKeyDictionary()
"""By the SDK's session."""


async def entered(source: AsyncGenerator[Any, None], begin: Callable[[Any], Conversation]) -> AsyncGenerator[Any, None]:
    """The generator behind a context manager, `source`, which yields one session: it is known from then on, until it is left."""
    session = await anext(source)
    conversation = _known[session] = begin(session)
    try:
        yield session
    except BaseException as error:
        # An application's own error is no failure of the turn it leaves half-way.
        guarded("conversation", conversation.end)
        try:
            await source.athrow(error)
        except StopAsyncIteration:
            return
        raise
    guarded("conversation", conversation.end)
    async for _ in source:
        break


class SayEndpoint(Endpoint):
    """A session's method that sends what the program says."""

    def said(self, kwargs: dict[str, Any]) -> list[Message]:
        """The messages of one call."""
        raise NotImplementedError

    def asks(self, kwargs: dict[str, Any]) -> bool:
        """Whether it is the model's turn then."""
        return True

    def around(self, telemetry: Telemetry, asynchronous: bool) -> Callable[..., Any]:
        def run(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            conversation = _known.get(instance)
            if conversation is not None:
                guarded(self.target, lambda: conversation.say(lambda: self.said(kwargs), self.asks(kwargs)))
            return wrapped(*args, **kwargs)

        return run


class HearEndpoint(Endpoint):
    """A session's coroutine method that receives one message."""

    def completes(self, received: Any) -> bool | None:
        """Whether a message completes the turn; None for one that is no part of any."""
        raise NotImplementedError

    def around(self, telemetry: Telemetry, asynchronous: bool) -> Callable[..., Any]:
        async def run(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            conversation = _known.get(instance)
            try:
                received = await wrapped(*args, **kwargs)
            except Exception as error:
                if conversation is not None:
                    guarded(self.target, conversation.end, error)
                raise
            if conversation is not None:
                guarded(self.target, self._heard, conversation, received)
            return received

        return run

    def _heard(self, conversation: Conversation, received: Any) -> None:
        completes = self.completes(received)
        if completes is not None:
            conversation.hear(received, completes)
