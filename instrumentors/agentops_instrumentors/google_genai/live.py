"""Live sessions: each turn of the model is one operation, from what asks for it to the message that completes it.

Programs read messages through generators of the SDK's own, all of which take them from one method; that is where turns are seen.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from opentelemetry.context import get_current

from agentops_instrumentors.core import arbitration, semconv
from agentops_instrumentors.core.endpoint import Endpoint
from agentops_instrumentors.core.guard import guarded
from agentops_instrumentors.core.invocation import Invocation
from agentops_instrumentors.core.messages import Content, Message
from agentops_instrumentors.google_genai.client import reader, request
from agentops_instrumentors.google_genai.generate import parameters
from agentops_instrumentors.google_genai.live_turn import Turn, spoken
from agentops_instrumentors.google_genai.parts import instructions, listed, message, messages
from agentops_instrumentors.google_genai.tools import definitions

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from agentops_instrumentors.core.telemetry import Telemetry


class _Session:
    """What is known of one session: how it was set up, what was said since the last turn, and the turn under way."""

    __slots__ = ("_config", "_instance", "_invocation", "_model", "_said", "_telemetry", "_turn", "identifier")

    def __init__(self, telemetry: Telemetry, instance: Any, kwargs: dict[str, Any]) -> None:
        self._telemetry = telemetry
        self._instance = instance
        self._model = kwargs.get("model")
        self._config = kwargs.get("config")
        self._said: list[Message] = []
        self._turn: Turn | None = None
        self._invocation: Invocation | None = None
        self.identifier: str | None = None

    def say(self, said: Callable[[], list[Message]]) -> None:
        """The program said something that does not yet ask for an answer."""
        if self._telemetry.policy.captures:
            self._said.extend(said())

    def begin(self) -> None:
        """The model's turn begins, unless it has."""
        current = get_current()
        if self._invocation is not None or arbitration.suppressed(current) or arbitration.nested(current, semconv.GENERATE_CONTENT):
            return
        config = reader(self._config)
        attributes = parameters(config)
        if self.identifier:
            attributes[semconv.CONVERSATION_ID] = self.identifier
        said, self._said = self._said, []
        content = lambda: Content(said, instructions(config("system_instruction")), definitions(config("tools")))  # noqa: E731
        asked = request(semconv.GENERATE_CONTENT, self._instance, self._model, config, attributes, content, stream=True)
        self._turn = Turn()
        self._invocation = Invocation(self._telemetry, asked, current)
        self._invocation.settle = self._turn.response

    def hear(self, received: Any) -> None:
        """A message of the service's arrived."""
        content = received.server_content
        if content is None and received.tool_call is None and received.usage_metadata is None:
            return
        self.begin()
        if self._invocation is None or self._turn is None:
            return
        self._invocation.arrived()
        self._turn.add(received)
        if content is not None and content.turn_complete:
            self.end()

    def end(self, error: BaseException | None = None) -> None:
        """The turn is over, or the session is."""
        invocation, self._invocation = self._invocation, None
        if invocation is not None:
            if error is None:
                invocation.finish()
            else:
                invocation.fail(error)


_sessions: Final[WeakKeyDictionary[Any, _Session]] = WeakKeyDictionary()


class Connect(Endpoint):
    """`live.connect(model=, config=)`, a context manager over a generator that yields the session."""

    def around(self, telemetry: Telemetry, asynchronous: bool) -> Callable[..., Any]:
        def run(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            manager = wrapped(*args, **kwargs)
            if hasattr(manager, "gen"):
                manager.gen = _noting(manager.gen, _Session(telemetry, instance, kwargs))
            return manager

        return run


async def _noting(source: AsyncGenerator[Any, None], known: _Session) -> AsyncGenerator[Any, None]:
    """`source`, which yields one session: it is known from then on, until it is left."""
    session = await anext(source)
    known.identifier = getattr(session, "session_id", None)
    _sessions[session] = known
    try:
        yield session
    except BaseException as error:
        # An application's own error is no failure of the turn it leaves half-way.
        guarded("live", known.end)
        try:
            await source.athrow(error)
        except StopAsyncIteration:
            return
        raise
    guarded("live", known.end)
    async for _ in source:
        break


class Send(Endpoint):
    """`send_client_content`, `send_realtime_input` and `send_tool_response`: what the program says."""

    def __init__(self, target: str, said: Callable[[dict[str, Any]], list[Message]], asks: Callable[[dict[str, Any]], bool]) -> None:
        super().__init__(target)
        self._said = said
        self._asks = asks

    def around(self, telemetry: Telemetry, asynchronous: bool) -> Callable[..., Any]:
        def run(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            guarded(self.target, self._note, instance, kwargs)
            return wrapped(*args, **kwargs)

        return run

    def _note(self, instance: Any, kwargs: dict[str, Any]) -> None:
        known = _sessions.get(instance)
        if known is not None:
            known.say(partial(self._said, kwargs))
            if self._asks(kwargs):
                known.begin()


class Receive(Endpoint):
    """`_receive`: the next message of the service's."""

    def around(self, telemetry: Telemetry, asynchronous: bool) -> Callable[..., Any]:
        async def run(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            known = _sessions.get(instance)
            try:
                received = await wrapped(*args, **kwargs)
            except Exception as error:
                if known is not None:
                    guarded(self.target, known.end, error)
                raise
            if known is not None:
                guarded(self.target, known.hear, received)
            return received

        return run


def _turns(kwargs: dict[str, Any]) -> list[Message]:
    return messages(kwargs.get("turns"))


def _answers(kwargs: dict[str, Any]) -> list[Message]:
    answers = listed(kwargs.get("function_responses"))
    return [message({"parts": [{"function_response": one} for one in answers]})]


_LIVE: Final = "google.genai.live"
ENDPOINTS: Final = (
    Connect(f"{_LIVE}:AsyncLive.connect"),
    Receive(f"{_LIVE}:AsyncSession._receive"),
    Send(f"{_LIVE}:AsyncSession.send_client_content", _turns, lambda kwargs: bool(kwargs.get("turn_complete", True))),
    Send(f"{_LIVE}:AsyncSession.send_tool_response", _answers, lambda kwargs: True),
    # What is said all the time asks for nothing by itself: the service finds out when it is its turn.
    Send(f"{_LIVE}:AsyncSession.send_realtime_input", spoken, lambda kwargs: False),
)
