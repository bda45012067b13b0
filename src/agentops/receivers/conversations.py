"""What the model calls of a trace were asked first and answered last: what a receiver shows of a root that says nothing itself."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from agentops_instrumentors.core import semconv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.util.types import AttributeValue

_TRACES: Final = 1000
_CHARACTERS: Final = 10_000


class _Part(msgspec.Struct):
    type: str = ""
    content: object = None


class _Message(msgspec.Struct):
    role: str = ""
    parts: list[_Part] = []


_MESSAGES: Final = msgspec.json.Decoder(list[_Message])


@dataclass(slots=True)
class _Said:
    asked: str = ""
    asked_at: int = 0
    answered: str = ""
    answered_at: int = 0


class Conversations:
    """Texts of the 1000 traces heard of last, each cut after 10000 characters. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traces: OrderedDict[int, _Said] = OrderedDict()

    def hear(self, span: ReadableSpan) -> None:
        """Take note of a span's messages. The question is the user's last one of the call that started first, the answer the assistant's
        of the call that ended last."""
        given = span.attributes or {}
        if not has_messages(given):
            return
        started, ended = span.start_time or 0, span.end_time or 0
        with self._lock:
            said = self._of(_trace_id(span))
            if not said.asked or started < said.asked_at:
                text = question(given)
                said.asked, said.asked_at = (text, started) if text else (said.asked, said.asked_at)
            if ended >= said.answered_at:
                text = answer(given)
                said.answered, said.answered_at = (text, ended) if text else (said.answered, said.answered_at)

    def end(self, span: ReadableSpan) -> tuple[str, str]:
        """What was asked and answered in the trace of `span`, each empty where nothing is known, and forget the trace."""
        with self._lock:
            said = self._traces.pop(_trace_id(span), _Said())
        return said.asked, said.answered

    def _of(self, trace_id: int) -> _Said:
        said = self._traces.setdefault(trace_id, _Said())
        self._traces.move_to_end(trace_id)
        if len(self._traces) > _TRACES:
            self._traces.popitem(last=False)
        return said


def _trace_id(span: ReadableSpan) -> int:
    context = span.get_span_context()
    return context.trace_id if context else 0


def has_messages(given: Mapping[str, AttributeValue]) -> bool:
    """Whether a span tells what was said in it."""
    return semconv.INPUT_MESSAGES in given or semconv.OUTPUT_MESSAGES in given


def question(given: Mapping[str, AttributeValue]) -> str:
    """The user's last text in a call's messages; empty where there is none."""
    return _last_text(given.get(semconv.INPUT_MESSAGES), "user")


def answer(given: Mapping[str, AttributeValue]) -> str:
    """The assistant's last text in a call's messages; empty where there is none."""
    return _last_text(given.get(semconv.OUTPUT_MESSAGES), "assistant")


def _last_text(messages: object, role: str) -> str:
    """The text of the last message of `role` that has any, in messages as JSON."""
    try:
        decoded = _MESSAGES.decode(messages) if isinstance(messages, str) else []
    except msgspec.DecodeError:
        return ""
    texts = (_text(message) for message in reversed(decoded) if message.role == role)
    return next((text[:_CHARACTERS] for text in texts if text), "")


def _text(message: _Message) -> str:
    return "\n".join(part.content for part in message.parts if part.type == "text" and isinstance(part.content, str))
