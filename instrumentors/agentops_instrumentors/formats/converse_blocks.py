"""Content blocks of the Converse API, asked and answered, as the conventions' messages and parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from agentops_instrumentors.core import parts as parts_of
from agentops_instrumentors.core.blobs import blob
from agentops_instrumentors.core.messages import (
    Message,
    Part,
    ReasoningPart,
    ServerToolCallPart,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
    UriPart,
)
from agentops_instrumentors.core.plain import dig, inside, many

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MEDIA: Final = ("image", "document", "video", "audio")
_MIME_TYPES: Final = {
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "mp3": "audio/mpeg",
    "three_gp": "video/3gpp",
    "mov": "video/quicktime",
    "mkv": "video/x-matroska",
}
_UNSAID: Final = frozenset({"cachePoint"})
"""Blocks that say nothing: they mark what is to be cached."""
_CAPITAL: Final = re.compile("[A-Z]")


def message(given: Any, finish_reason: str | None = None) -> Message:
    """A message of a request or an answer."""
    said = dig(given, "content")
    role, found = str(dig(given, "role") or "user"), parts([{"text": said}] if isinstance(said, str) else many(said))
    answers = role == "user" and bool(found) and all(isinstance(part, ToolCallResponsePart) for part in found)
    return Message("tool" if answers else role, found, finish_reason=finish_reason)


def parts(blocks: Iterable[Any]) -> list[Part]:
    """The parts of a list of blocks, in their order."""
    found: list[Part] = []
    for block in blocks:
        for kind, value in inside(block).items():
            if kind == "text":
                found.append(TextPart(str(value)))
            elif kind not in _UNSAID:
                read = _READ.get(kind, _other) if isinstance(value, dict) else _other
                found.extend(read(kind, cast("Any", value)))
    return found


def tool_definitions(config: Any) -> list[dict[str, Any]]:
    """The tools of a `toolConfig`."""
    found: list[dict[str, Any]] = []
    for tool in many(config, "tools"):
        for kind, value in inside(tool).items():
            spec = inside(value)
            if kind in _UNSAID:
                continue
            defined = {"type": "function" if kind == "toolSpec" else snake(kind), "name": str(spec.get("name") or kind)}
            if spec.get("description"):
                defined["description"] = spec["description"]
            if dig(spec, "inputSchema", "json") is not None:
                defined["parameters"] = spec["inputSchema"]["json"]
            found.append(defined)
    return found


def snake(name: str) -> str:
    """`searchResult` as `search_result`."""
    return _CAPITAL.sub(lambda capital: f"_{capital[0].lower()}", name)


def _media(kind: str, value: Mapping[str, Any]) -> list[Part]:
    source = inside(value, "source")
    extension = str(value.get("format") or "")
    mime_type = _MIME_TYPES.get(extension) or (f"{kind}/{extension}" if extension and kind != "document" else None)
    if source.get("bytes") is not None:
        return [blob(kind, source["bytes"], mime_type)]
    if source.get("s3Location"):
        return [UriPart(kind, str(dig(source, "s3Location", "uri")), mime_type)]
    return _other(kind, value)


def _tool_use(_kind: str, value: Mapping[str, Any]) -> list[Part]:
    name, identity, asked = str(value.get("name") or ""), value.get("toolUseId"), parts_of.elided(value.get("input"))
    if value.get("type") == "server_tool_use":
        return [ServerToolCallPart(name, {"type": name, "input": asked}, identity)]
    return [ToolCallPart(name, identity, asked)]


def _tool_result(_kind: str, value: Mapping[str, Any]) -> list[Part]:
    answers: list[Any] = []
    for block in value.get("content") or ():
        answers.extend(
            block["json"] if "json" in block else part.content if isinstance(part, TextPart) else part for part in parts([block])
        )
    return [ToolCallResponsePart(answers[0] if len(answers) == 1 else answers, value.get("toolUseId"))]


def _reasoning(_kind: str, value: Mapping[str, Any]) -> list[Part]:
    text = dig(value, "reasoningText", "text")
    if text is not None:
        return [ReasoningPart(str(text))]
    hidden = value.get("redactedContent")
    return [] if hidden is None else [{**blob("text", hidden), "type": "redacted_reasoning"}]


def _guarded(_kind: str, value: Mapping[str, Any]) -> list[Part]:
    text = dig(value, "text", "text")
    return parts([value]) if text is None else [TextPart(str(text))]


def _cited(_kind: str, value: Mapping[str, Any]) -> list[Part]:
    said: list[Part] = [TextPart("".join(str(dig(item, "text") or "") for item in many(value, "content")))]
    citations = value.get("citations")
    return [*said, {"type": "citations", "citations": citations}] if citations else said


def _unknown(_kind: str, value: Mapping[str, Any]) -> list[Part]:
    """A block younger than the SDK, which passes on its name alone."""
    return [{"type": snake(str(value.get("name")))}]


def _other(kind: str, value: Any) -> list[Part]:
    told = parts_of.elided(value)
    return [{**(told if isinstance(told, dict) else {"content": told}), "type": snake(kind)}]


_READ: Final = {
    **dict.fromkeys(_MEDIA, _media),
    "toolUse": _tool_use,
    "toolResult": _tool_result,
    "reasoningContent": _reasoning,
    "guardContent": _guarded,
    "citationsContent": _cited,
    "SDK_UNKNOWN_MEMBER": _unknown,
}
