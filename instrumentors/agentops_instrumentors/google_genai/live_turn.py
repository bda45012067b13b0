"""One turn of a live session, from the messages that make it."""

from __future__ import annotations

import hashlib
from typing import Any

from agentops_instrumentors.core.messages import BlobPart, Message, Part, TextPart
from agentops_instrumentors.core.operation import Response
from agentops_instrumentors.google_genai.parts import part
from agentops_instrumentors.google_genai.response import usage


class Turn:
    """Gathers what the model says in one turn. Of sound nothing is kept but its size and digest."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._others: list[Part] = []
        self._sound: _Sound | None = None
        self._usage: Any = None
        self._over = False
        self._called = False

    def add(self, received: Any) -> None:
        self._usage = received.usage_metadata or self._usage
        if received.tool_call is not None:
            self._called = True
            self._others.extend(part({"function_call": call}) for call in received.tool_call.function_calls or ())
        content = received.server_content
        if content is None:
            return
        if content.output_transcription is not None and content.output_transcription.text:
            self._texts.append(content.output_transcription.text)
        for item in (content.model_turn.parts if content.model_turn is not None else None) or ():
            self._take(item)
        self._over = self._over or bool(content.turn_complete)

    def _take(self, item: Any) -> None:
        data = item.inline_data
        if data is not None and str(data.mime_type).startswith("audio/"):
            self._sound = self._sound or _Sound(data.mime_type)
            self._sound.add(data.data or b"")
        elif item.text is not None and not item.thought:
            self._texts.append(item.text)
        else:
            self._others.append(part(item))

    def response(self) -> Response:
        reason = "stop" if self._over else "tool_call" if self._called else "error"
        texts: list[Part] = [TextPart("".join(self._texts))] if self._texts else []
        sounds: list[Part] = [self._sound.part()] if self._sound else []
        said = Message("assistant", [*texts, *sounds, *self._others], finish_reason=reason)
        return Response(finish_reasons=[reason], usage=usage(self._usage), messages=lambda: [said])


class _Sound:
    def __init__(self, mime_type: str) -> None:
        self._mime_type = mime_type
        self._size = 0
        self._digest = hashlib.sha256()

    def add(self, data: bytes) -> None:
        self._size += len(data)
        self._digest.update(data)

    def part(self) -> BlobPart:
        return BlobPart("audio", "", self._mime_type, self._size, "sha256:" + self._digest.hexdigest())


def spoken(kwargs: dict[str, Any]) -> list[Message]:
    """What realtime input says as text; its sound and pictures are a stream without end, and left out."""
    text = kwargs.get("text")
    return [Message("user", [TextPart(str(text))])] if text else []
