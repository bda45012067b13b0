"""Answers of the OpenAI chat format, whole or streamed, by whatever client reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.messages import Message
from agentops_instrumentors.core.operation import AttributeValue, Response
from agentops_instrumentors.core.usage import Usage
from agentops_instrumentors.core.values import field, reader
from agentops_instrumentors.formats.openai_chat import message_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

FINISH_REASONS = {"tool_calls": "tool_call", "function_call": "tool_call"}
"""The vendor's finish reasons that the conventions' messages call otherwise."""
_TEXT_ALONE = {"content"}
"""What most deltas of a stream say."""


def response(returned: Any) -> Response:
    """A whole chat completion."""
    return _response(returned, returned.choices or ())


def _response(returned: Any, choices: Sequence[Any]) -> Response:
    attributes: dict[str, AttributeValue] = {}
    tier = getattr(returned, "service_tier", None)
    if tier:
        attributes[semconv.OPENAI_RESPONSE_SERVICE_TIER] = tier
    fingerprint = getattr(returned, "system_fingerprint", None)
    if fingerprint:
        attributes[semconv.OPENAI_RESPONSE_SYSTEM_FINGERPRINT] = fingerprint
    return Response(
        id=returned.id,
        model=returned.model,
        finish_reasons=[choice.finish_reason or "error" for choice in choices],
        usage=usage(returned.usage),
        service_tier=tier,
        attributes=attributes,
        metric_attributes=attributes,
        messages=lambda: [_output_message(choice) for choice in choices],
    )


def _output_message(choice: Any) -> Message:
    reason = choice.finish_reason or "error"
    message = choice.message
    return Message(getattr(message, "role", None) or "assistant", message_parts(message), finish_reason=FINISH_REASONS.get(reason, reason))


def usage(reported: Any) -> Usage | None:
    """Usage of chat and legacy completions; the vendor's prompt tokens include cached ones, as ours do."""
    if reported is None:
        return None
    read = reader(reported)
    asked, answered = reader(read("prompt_tokens_details")), reader(read("completion_tokens_details"))
    return Usage(
        input_tokens=read("prompt_tokens"),
        output_tokens=read("completion_tokens"),
        cache_read=asked("cached_tokens"),
        cache_write=asked("cache_write_tokens"),
        reasoning=answered("reasoning_tokens"),
        text_input=asked("text_tokens"),
        text_output=answered("text_tokens"),
        audio_input=asked("audio_tokens"),
        audio_output=answered("audio_tokens"),
        image_input=asked("image_tokens"),
        image_output=answered("image_tokens"),
    )


class _Choice:
    """A choice put together from deltas, shaped like the whole one."""

    __slots__ = ("deltas", "finish_reason", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.deltas: list[Any] = []
        """Deltas that say more than text."""
        self.finish_reason: str | None = None

    @property
    def message(self) -> Any:
        return _Message(self.texts, self.deltas)


class _Message:
    """A message put together from deltas, shaped like the whole one."""

    def __init__(self, texts: list[str], deltas: list[Any]) -> None:
        self.role = next((delta.role for delta in deltas if delta.role), "assistant")
        self.content = "".join(texts) or None
        self.refusal = _joined(deltas, "refusal")
        self.reasoning_content = _joined(deltas, "reasoning_content") or _joined(deltas, "reasoning")
        self.tool_calls = _tool_calls(deltas)
        self.audio = _audio(deltas)
        self.function_call = _function_call(deltas)


class ChatStream:
    """Gathers the chunks of a streamed chat completion, shaped like a whole one; of what they say beside their choices, the last word.

    It keeps texts, not chunks: objects kept cost the garbage collector.
    """

    __slots__ = ("_choices", "id", "model", "service_tier", "system_fingerprint", "usage")

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}
        self.id: str | None = None
        self.model: str | None = None
        self.usage: Any = None
        self.service_tier: str | None = None
        self.system_fingerprint: str | None = None

    def add(self, chunk: Any) -> None:
        self.id = self.id or chunk.id
        self.model = self.model or chunk.model
        self.service_tier = getattr(chunk, "service_tier", None) or self.service_tier
        self.system_fingerprint = chunk.system_fingerprint or self.system_fingerprint
        if chunk.usage is not None:
            self.usage = chunk.usage
        for piece in chunk.choices or ():
            choice = self._choices.get(piece.index)
            if choice is None:
                choice = self._choices[piece.index] = _Choice()
            if piece.finish_reason:
                choice.finish_reason = piece.finish_reason
            delta = piece.delta
            if not delta:
                continue
            # Not every client declares every member.
            said = delta.__dict__.get
            text = said("content")
            if text:
                choice.texts.append(text)
                if delta.__pydantic_fields_set__ == _TEXT_ALONE and not delta.__pydantic_extra__:
                    continue
            if not text or said("tool_calls") or said("refusal") or said("function_call") or said("reasoning") or delta.__pydantic_extra__:
                choice.deltas.append(delta)

    def response(self) -> Response:
        if not (self._choices or self.id or self.model or self.usage):
            return Response()
        return _response(self, [self._choices[index] for index in sorted(self._choices)])


def _joined(deltas: list[Any], name: str) -> str | None:
    return "".join(text for delta in deltas if isinstance(text := field(delta, name), str)) or None


def _tool_calls(deltas: list[Any]) -> list[dict[str, Any]]:
    calls: dict[int, dict[str, Any]] = {}
    for delta in deltas:
        for piece in getattr(delta, "tool_calls", None) or ():
            call = calls.setdefault(piece.index, {"id": None, "function": {"name": "", "arguments": ""}})
            call["id"] = call["id"] or piece.id
            if piece.function is not None:
                call["function"]["name"] += piece.function.name or ""
                call["function"]["arguments"] += piece.function.arguments or ""
    return [calls[index] for index in sorted(calls)]


def _function_call(deltas: list[Any]) -> dict[str, str] | None:
    pieces = [delta.function_call for delta in deltas if getattr(delta, "function_call", None)]
    if not pieces:
        return None
    return {"name": "".join(p.name or "" for p in pieces), "arguments": "".join(p.arguments or "" for p in pieces)}


def _audio(deltas: list[Any]) -> dict[str, Any] | None:
    pieces = [audio for delta in deltas if (audio := field(delta, "audio")) is not None]
    if not pieces:
        return None
    joined = {name: "".join(field(piece, name) or "" for piece in pieces) for name in ("data", "transcript")}
    return {"id": next((field(piece, "id") for piece in pieces if field(piece, "id")), None), **joined}
