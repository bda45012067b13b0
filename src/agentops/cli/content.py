"""Recorded content as labelled lines: instructions, messages, tool calls and results (GenAI message JSON)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import msgspec

from agentops.cli.text import clean
from agentops_instrumentors.core import semconv

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentops.cli.terminal import Glyphs
    from agentops.store.otlp import StoredRecord, StoredSpan

Part = dict[str, object]


@dataclass(frozen=True, slots=True)
class Block:
    """One message part, or one value: who says it, and what. `output` marks what came back."""

    label: str
    body: str
    output: bool = False


def log_blocks(records: Sequence[StoredRecord]) -> Iterator[Block]:
    """Log records in the order of their times: level, logger and text; a printed line as such, an exception with its stack trace."""
    for record in records:
        printed = semconv.LOG_IOSTREAM in record.attributes
        said = clean(record.body if isinstance(record.body, str) else _shown(record.body))
        trace = record.attributes.get(semconv.EXCEPTION_STACKTRACE)
        lines = [said if printed else f"{record.scope}: {said}", *([clean(trace).rstrip()] if isinstance(trace, str) else [])]
        yield Block("print" if printed else record.severity.lower() or "log", "\n".join(lines), output=True)


def blocks(span: StoredSpan, glyphs: Glyphs) -> Iterator[Block]:
    """What the span holds of content, in the order of the conversation."""
    for part in _parts(_loaded(span, semconv.SYSTEM_INSTRUCTIONS)):
        yield Block("system", _part(part, glyphs))
    for attribute, output in ((semconv.INPUT_MESSAGES, False), (semconv.OUTPUT_MESSAGES, True)):
        yield from _messages(_loaded(span, attribute), output, glyphs)
    for attribute, label in ((semconv.TOOL_CALL_ARGUMENTS, "arguments"), (semconv.TOOL_CALL_RESULT, "result")):
        value = _loaded(span, attribute)
        if value is not None:
            yield Block(label, _shown(value), output=label == "result")
    if span.failed and span.status_message:
        yield Block("error", clean(span.status_message), output=True)


def _loaded(span: StoredSpan, attribute: str) -> object:
    """The attribute, decoded where it is JSON text; as it stands where it is not."""
    value = span.attributes.get(attribute)
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return value


def _messages(value: object, output: bool, glyphs: Glyphs) -> Iterator[Block]:
    if value is None:
        return
    if not isinstance(value, list):
        yield Block("output" if output else "input", _shown(value), output)
        return
    for message in cast("list[object]", value):
        if not isinstance(message, dict):
            yield Block("output" if output else "input", _shown(message), output)
            continue
        fields = cast("Part", message)
        role = str(fields.get("role") or "message")
        for part in _parts(fields.get("parts", fields.get("content"))):
            yield Block("reasoning" if part.get("type") == "reasoning" else role, _part(part, glyphs), output)


def _parts(value: object) -> list[Part]:
    items = cast("list[object]", value) if isinstance(value, list) else [] if value is None else [value]
    return [cast("Part", item) if isinstance(item, dict) else {"type": "text", "content": item} for item in items]


def _part(part: Part, glyphs: Glyphs) -> str:
    kind = part.get("type")
    if kind in {"text", "reasoning"}:
        return _shown(part.get("content"))
    if kind == "tool_call":
        return f"{glyphs.arrow} {_call(part.get('name'), part.get('arguments'))}{_reference(part)}"
    if kind == "tool_call_response":
        return f"{glyphs.back} {_shown(part.get('response', part.get('result')))}{_reference(part)}"
    if kind == "server_tool_call":
        return f"{glyphs.arrow} {_call(part.get('name'), part.get('server_tool_call'))} (by the server){_reference(part)}"
    if kind == "server_tool_call_response":
        return f"{glyphs.back} {_shown(part.get('server_tool_call_response'))} (by the server){_reference(part)}"
    if kind in {"blob", "uri", "file"}:
        return _medium(part)
    return f"[{clean(str(kind))}] " + _shown({key: value for key, value in part.items() if key != "type"})


def _call(name: object, arguments: object) -> str:
    return f"{clean(str(name))}({'' if arguments in (None, {}, '') else _shown(arguments)})"


def _reference(part: Part) -> str:
    return f"  [{clean(str(part['id']))}]" if part.get("id") else ""


def _medium(part: Part) -> str:
    """An image, a recording or a document: what it is and where, not its bytes."""
    place = part.get("uri") or part.get("file_id")
    if place is None and isinstance(part.get("content"), str):
        place = f"{len(str(part['content'])):,} characters of base64"
    rest = [f"{key}={value}" for key, value in part.items() if key not in {"type", "modality", "mime_type", "content", "uri", "file_id"}]
    words = [part.get("mime_type") or part.get("modality"), place, *rest]
    return "[" + clean(", ".join(str(word) for word in words if word)) + "]"


def _shown(value: object) -> str:
    if isinstance(value, str):
        return clean(value)
    return "" if value is None else clean(msgspec.json.encode(value).decode())
