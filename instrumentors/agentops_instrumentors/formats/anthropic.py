"""What a message says beside its content, whole or streamed: ids, stop reason, usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentops_instrumentors.core import parts, semconv
from agentops_instrumentors.core.messages import Message
from agentops_instrumentors.core.operation import AttributeValue, Response
from agentops_instrumentors.core.usage import Usage
from agentops_instrumentors.core.values import count, field, items, reader
from agentops_instrumentors.formats import anthropic_blocks as blocks

if TYPE_CHECKING:
    from collections.abc import Callable

FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",
    "tool_use": "tool_call",
    "refusal": "content_filter",
}
"""The vendor's stop reasons by the conventions; a paused turn is one that the provider cut off. `compaction` is both's own word."""


def response(message: Any, complete: bool = True) -> Response:
    """A message; one whose stream broke off (not `complete`) has no stop reason and an unknown number of output tokens."""
    read = reader(message)
    stopped = str(read("stop_reason") or "") if complete else ""
    reason = FINISH_REASONS.get(stopped, stopped) or "error"
    reported = read("usage")
    tier = field(reported, "service_tier")
    attributes: dict[str, AttributeValue] = {}
    if tier:
        attributes[semconv.ANTHROPIC_RESPONSE_SERVICE_TIER] = tier
    said = read("content")
    if any(field(block, "type") == "compaction" for block in items(said)):
        attributes[semconv.CONVERSATION_COMPACTED] = True
    return Response(
        id=read("id"),
        model=read("model"),
        finish_reasons=[reason],
        usage=usage(reported, complete),
        service_tier=tier,
        attributes=attributes,
        messages=lambda: [Message(str(read("role") or "assistant"), blocks.of_content(said), finish_reason=reason)],
    )


def usage(reported: Any, complete: bool = True) -> Usage | None:
    """Normalised usage: the vendor counts cached input apart from the rest, and compactions apart from everything."""
    if reported is None:
        return None
    read = reader(reported)
    apart = [reader(entry) for entry in items(read("iterations")) if field(entry, "type") == "compaction"] if complete else []
    every = [read, *apart]

    def total(name: str) -> int | None:
        known = [told for one in every if (told := count(one(name))) is not None]
        return sum(known) if known else None

    uncached, cached, written = (total(f"{name}input_tokens") for name in ("", "cache_read_", "cache_creation_"))
    return Usage(
        input_tokens=None if uncached is None else uncached + (cached or 0) + (written or 0),
        output_tokens=total("output_tokens") if complete else None,
        cache_read=cached,
        cache_write=written,
        reasoning=count(field(read("output_tokens_details"), "thinking_tokens")) if complete else None,
    )


class MessageStream:
    """Gathers the events of a streamed message. It keeps texts, not events: objects kept cost the garbage collector."""

    __slots__ = ("_blocks", "_changes", "_message")

    def __init__(self) -> None:
        self._message: Any = None
        self._blocks: dict[int, _Block] = {}
        self._changes: list[Any] = []

    def add(self, event: Any) -> None:
        kind = event.type
        if kind == "content_block_delta":
            self._blocks[event.index].add(event.delta)
        elif kind == "content_block_start":
            self._blocks[event.index] = _Block(event.content_block)
        elif kind == "message_start":
            self._message = event.message
        elif kind == "message_delta":
            self._changes.append(event)

    def response(self) -> Response:
        if self._message is None:
            return Response()
        read = reader(self._message)
        whole = {name: read(name) for name in ("id", "model", "role")}
        whole["content"] = [self._blocks[index].block() for index in sorted(self._blocks)]
        whole["usage"] = counts = _said(read("usage"))
        for change in self._changes:
            whole["stop_reason"] = field(change.delta, "stop_reason")
            counts.update({name: told for name, told in _said(change.usage).items() if told is not None})
        return response(whole, bool(self._changes))


def _said(model: Any) -> dict[str, Any]:
    return {**(getattr(model, "model_extra", None) or {}), **vars(model)}


class _Block:
    """A content block put together from deltas."""

    __slots__ = ("_citations", "_start", "_texts")

    def __init__(self, start: Any) -> None:
        self._start = start
        self._texts: list[str] = []
        self._citations: list[Any] = []

    def add(self, delta: Any) -> None:
        read = _DELTAS.get(delta.type)
        if read is not None:
            self._texts.append(read(delta))
        elif delta.type == "citations_delta":
            self._citations.append(delta.citation)

    def block(self) -> dict[str, Any]:
        """The block as a whole one would say it."""
        found = _said(self._start)
        text = "".join(self._texts)
        if found["type"] in ("text", "thinking"):
            found[found["type"]] = (found.get(found["type"]) or "") + text
        elif text:
            found["content" if found["type"] == "compaction" else "input"] = parts.arguments(text)
        return {**found, "citations": self._citations} if self._citations else found


_DELTAS: dict[str, Callable[[Any], str]] = {
    "text_delta": lambda delta: delta.text,
    "thinking_delta": lambda delta: delta.thinking,
    "input_json_delta": lambda delta: delta.partial_json,
    "compaction_delta": lambda delta: delta.content or "",
}
