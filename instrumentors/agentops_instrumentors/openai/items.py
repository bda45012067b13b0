"""Items of the Responses API, asked and answered, as the conventions' messages and parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentops_instrumentors.core.blobs import blob
from agentops_instrumentors.core.messages import (
    CompactionPart,
    Message,
    Part,
    ReasoningPart,
    ServerToolCallPart,
    ServerToolCallResponsePart,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
)
from agentops_instrumentors.core.parts import arguments, generic
from agentops_instrumentors.core.values import field, items
from agentops_instrumentors.formats.openai_chat import content_part, tool_answer

if TYPE_CHECKING:
    from collections.abc import Iterable

_ANSWERS = ("output", "outputs", "results", "error")
CLIENT_TOOL_CALLS = frozenset({"function_call", "custom_tool_call", "computer_call", "local_shell_call", "shell_call", "apply_patch_call"})
"""Items that ask the caller to run something: a response that ends with one has finished for a tool call."""


def input_messages(asked: Any) -> list[Message]:
    """The `input` of a request: a text, or a list of items."""
    if asked is None:
        return []
    if isinstance(asked, str):
        return [Message("user", [TextPart(asked)])]
    return [_input_message(item) for item in items(asked)]


def _input_message(item: Any) -> Message:
    kind = field(item, "type") or "message"
    if kind == "message":
        said = field(item, "content")
        parts: list[Part] = [TextPart(said)] if isinstance(said, str) else [content_part(part) for part in items(said)]
        return Message(str(field(item, "role") or "user"), parts)
    if kind.endswith("_output"):
        return Message("tool", [ToolCallResponsePart(tool_answer(field(item, "output")), field(item, "call_id"))])
    return Message("user" if kind == "mcp_approval_response" else "assistant", output_parts([item]))


def output_parts(output: Iterable[Any]) -> list[Part]:
    """The parts of a response's output items, in their order."""
    parts: list[Part] = []
    for item in output:
        kind = str(field(item, "type"))
        if kind == "message":
            parts.extend(content_part(part) for part in field(item, "content") or ())
        elif kind == "reasoning":
            parts.extend(_reasoning(item))
        elif kind == "function_call":
            parts.append(ToolCallPart(str(field(item, "name")), field(item, "call_id"), arguments(field(item, "arguments"))))
        elif kind in CLIENT_TOOL_CALLS:
            asked = field(item, "input") or field(item, "action") or field(item, "operation")
            parts.append(ToolCallPart(str(field(item, "name") or kind), field(item, "call_id"), asked))
        elif kind == "compaction":
            parts.append(CompactionPart(field(item, "id")))
        elif kind.endswith("_call"):
            parts.extend(_server_tool(item, kind))
        else:
            parts.append(generic(item))
    return parts


def _server_tool(item: Any, kind: str) -> list[Part]:
    """A tool the provider ran: the call, and what came of it."""
    called = generic(item)
    identity = field(item, "id")
    name = str(field(item, "name") or kind.removesuffix("_call"))
    image = called.pop("result", None)
    answer = {answered: called.pop(answered) for answered in _ANSWERS if called.get(answered) is not None}
    parts: list[Part] = [ServerToolCallPart(name, called, identity)]
    if answer:
        parts.append(ServerToolCallResponsePart({"type": kind, **answer}, identity))
    if isinstance(image, str):
        parts.append(blob("image", image, f"image/{field(item, 'output_format') or 'png'}"))
    return parts


def _reasoning(item: Any) -> list[Part]:
    thoughts = [*(field(item, "content") or ()), *(field(item, "summary") or ())]
    return [ReasoningPart(str(field(thought, "text"))) for thought in thoughts]
