"""Live sessions. Programs read messages through generators of the SDK's own, all of which take them from one method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.blobs import BlobInPieces
from agentops_instrumentors.core.conversation import Conversation, HearEndpoint, SayEndpoint, entered
from agentops_instrumentors.core.endpoint import Endpoint
from agentops_instrumentors.core.messages import Content, Message, Part, TextPart
from agentops_instrumentors.core.operation import Request, Response
from agentops_instrumentors.core.reading import listed, reader
from agentops_instrumentors.formats.gemini import instructions, message, messages, part
from agentops_instrumentors.formats.gemini_answer import usage
from agentops_instrumentors.formats.gemini_tools import definitions
from agentops_instrumentors.google_genai.client import request
from agentops_instrumentors.google_genai.generate import parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agentops_instrumentors.core.telemetry import Telemetry


class Connect(Endpoint):
    """`live.connect(model=, config=)`, a context manager over a generator that yields the session."""

    def around(self, telemetry: Telemetry, asynchronous: bool) -> Callable[..., Any]:
        def run(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            manager = wrapped(*args, **kwargs)
            if hasattr(manager, "gen"):
                manager.gen = entered(
                    manager.gen, lambda session: Conversation(telemetry, lambda said: _asked(instance, kwargs, session, said), Turn)
                )
            return manager

        return run


def _asked(instance: Any, kwargs: dict[str, Any], session: Any, said: Sequence[Message]) -> Request:
    config = reader(kwargs.get("config"))
    attributes = parameters(config)
    identifier = getattr(session, "session_id", None)
    if identifier:
        attributes[semconv.CONVERSATION_ID] = identifier
    tools = config("tools")
    return request(
        semconv.GENERATE_CONTENT,
        instance,
        kwargs.get("model"),
        config,
        attributes,
        lambda: Content(list(said), instructions(config("system_instruction")), definitions(tools)),
        stream=True,
    )


class Turns(SayEndpoint):
    """`send_client_content(turns=, turn_complete=)`."""

    def said(self, kwargs: dict[str, Any]) -> list[Message]:
        return messages(kwargs.get("turns"))

    def asks(self, kwargs: dict[str, Any]) -> bool:
        return bool(kwargs.get("turn_complete", True))


class Answers(SayEndpoint):
    """`send_tool_response(function_responses=)`."""

    def said(self, kwargs: dict[str, Any]) -> list[Message]:
        return [message({"parts": [{"function_response": one} for one in listed(kwargs.get("function_responses"))]})]


class Realtime(SayEndpoint):
    """`send_realtime_input`: its text. Its sound and pictures are a stream without end, and left out."""

    def said(self, kwargs: dict[str, Any]) -> list[Message]:
        text = kwargs.get("text")
        return [Message("user", [TextPart(str(text))])] if text else []

    def asks(self, kwargs: dict[str, Any]) -> bool:
        # The service finds out by itself when it is the model's turn.
        return False


class Receive(HearEndpoint):
    """`_receive`: the next message of the service's."""

    def completes(self, received: Any) -> bool | None:
        content = received.server_content
        if content is None and received.tool_call is None and received.usage_metadata is None:
            return None
        return content is not None and bool(content.turn_complete)


class Turn:
    """Gathers what the model says in one turn."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._others: list[Part] = []
        self._sound: BlobInPieces | None = None
        self._usage: Any = None
        self._reason = "error"

    def add(self, received: Any) -> None:
        self._usage = received.usage_metadata or self._usage
        if received.tool_call is not None:
            self._reason = "tool_call"
            self._others.extend(part({"function_call": call}) for call in received.tool_call.function_calls or ())
        content = received.server_content
        if content is None:
            return
        if content.output_transcription is not None and content.output_transcription.text:
            self._texts.append(content.output_transcription.text)
        for item in (content.model_turn.parts if content.model_turn is not None else None) or ():
            self._take(item)
        if content.turn_complete:
            self._reason = "stop"

    def _take(self, item: Any) -> None:
        data = item.inline_data
        if data is not None and str(data.mime_type).startswith("audio/"):
            self._sound = self._sound or BlobInPieces("audio", data.mime_type)
            self._sound.add(data.data or b"")
        elif item.text is not None and not item.thought:
            self._texts.append(item.text)
        else:
            self._others.append(part(item))

    def response(self) -> Response:
        texts: list[Part] = [TextPart("".join(self._texts))] if self._texts else []
        sounds: list[Part] = [self._sound.part()] if self._sound else []
        said = Message("assistant", [*texts, *sounds, *self._others], finish_reason=self._reason)
        return Response(finish_reasons=[self._reason], usage=usage(self._usage), messages=lambda: [said])


_LIVE: Final = "google.genai.live"
ENDPOINTS: Final = (
    Connect(f"{_LIVE}:AsyncLive.connect"),
    Receive(f"{_LIVE}:AsyncSession._receive"),
    Turns(f"{_LIVE}:AsyncSession.send_client_content"),
    Answers(f"{_LIVE}:AsyncSession.send_tool_response"),
    Realtime(f"{_LIVE}:AsyncSession.send_realtime_input"),
)
