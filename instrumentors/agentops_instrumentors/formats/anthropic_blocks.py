"""Content blocks of the Anthropic wire format, asked and answered, as the conventions' parts.

Callers mix dicts and the SDK's own models in one list, so every value is read with `field`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentops_instrumentors.core import parts
from agentops_instrumentors.core.blobs import blob
from agentops_instrumentors.core.messages import (
    CompactionPart,
    Content,
    FilePart,
    Message,
    Part,
    ReasoningPart,
    ServerToolCallPart,
    ServerToolCallResponsePart,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
    UriPart,
)
from agentops_instrumentors.core.values import given, items, reader

if TYPE_CHECKING:
    from collections.abc import Mapping

_SERVER_TOOL_CALLS = ("server_tool_use", "mcp_tool_use")
_MODALITIES = {"image": "image", "document": "document", "container_upload": "document"}


def of_request(kwargs: Mapping[str, Any]) -> Content:
    """What a request says: messages, system prompt, tools."""
    messages = [_message(message) for message in items(kwargs.get("messages"))]
    return Content(messages, of_content(given(kwargs.get("system"))), [_tool(tool) for tool in items(kwargs.get("tools"))])


def of_content(said: Any) -> list[Part]:
    """The parts of a message's content: a text, or a list of blocks."""
    if said is None:
        return []
    if isinstance(said, str):
        return [TextPart(said)] if said else []
    return [part for block in items(said) for part in _parts(block)]


def _message(message: Any) -> Message:
    read = reader(message)
    role = str(read("role") or "user")
    found = of_content(read("content"))
    answers = role == "user" and bool(found) and all(isinstance(part, ToolCallResponsePart) for part in found)
    return Message("tool" if answers else role, found)


def _tool(tool: Any) -> dict[str, Any]:
    """A tool as the conventions define it; the provider's own tools have a dated type and no parameters."""
    dump = getattr(tool, "to_dict", None)
    read = reader(dump() if dump else tool)
    kind = str(read("type") or "custom")
    found = {"type": "function" if kind == "custom" else kind, "name": str(read("name") or read("mcp_server_name") or kind)}
    for theirs, ours in (("description", "description"), ("input_schema", "parameters")):
        value = read(theirs)
        if value is not None:
            found[ours] = value
    return found


def _parts(block: Any) -> list[Part]:
    if isinstance(block, str):
        return [TextPart(block)]
    read = reader(block)
    kind = str(read("type"))
    if kind == "text":
        return [_text(read("text"), read("citations"))]
    if kind in _MODALITIES:
        return _binary(_MODALITIES[kind], read("source") or block)
    if kind == "thinking":
        return [ReasoningPart(str(read("thinking") or ""))]
    if kind == "redacted_thinking":
        # Its data is encrypted: nobody but the provider can read it.
        return [{"type": "redacted_reasoning", "size": len(str(read("data") or ""))}]
    if kind == "compaction":
        return [CompactionPart(content=read("content"))]
    return [_tool_part(block, kind)]


def _tool_part(block: Any, kind: str) -> Part:
    read = reader(block)
    if kind == "tool_use":
        return ToolCallPart(str(read("name") or ""), read("id"), read("input"))
    if kind == "tool_result":
        return ToolCallResponsePart(_answer(read("content")), read("tool_use_id"))
    if kind in _SERVER_TOOL_CALLS:
        called = {"type": read("name") if kind == "server_tool_use" else "mcp", "input": read("input")}
        return ServerToolCallPart(str(read("name") or ""), called, read("id"))
    if kind.endswith("_tool_result"):
        answered = {"type": kind.removesuffix("_tool_result"), "content": parts.plain(read("content"))}
        return ServerToolCallResponsePart(answered, read("tool_use_id"))
    return parts.generic(block)


def _text(text: Any, citations: Any) -> Part:
    if citations:
        return {"type": "text", "content": str(text or ""), "citations": [parts.plain(citation) for citation in items(citations)]}
    return TextPart(str(text or ""))


def _binary(modality: str, source: Any) -> list[Part]:
    """An image or a document, by what its source is."""
    read = reader(source)
    kind = read("type")
    if read("file_id"):
        return [FilePart(modality, str(read("file_id")))]
    if kind == "url":
        return [UriPart(modality, str(read("url")))]
    if kind == "text":
        return [TextPart(str(read("data") or ""))]
    if kind == "content":
        return of_content(read("content"))
    data = read("data")
    if not isinstance(data, (str, bytes)):
        return [{"type": "blob", "modality": modality, "content": "", "mime_type": read("media_type")}]
    return [blob(modality, data, read("media_type"))]


def _answer(said: Any) -> Any:
    """What a tool answered: a text, or a list of texts and parts."""
    if said is None or isinstance(said, str):
        return said or ""
    answers = [part.content if isinstance(part, TextPart) else part for part in of_content(said)]
    return answers[0] if len(answers) == 1 else answers
