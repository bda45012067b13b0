"""Cohere's Command R: a message, what was said before, and the answers of tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from agentops_instrumentors.core.messages import Content, Message, Part, TextPart, ToolCallPart, ToolCallResponsePart
from agentops_instrumentors.core.plain import dig, inside, many
from agentops_instrumentors.formats import converse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentops_instrumentors.core.operation import Response
    from agentops_instrumentors.formats.answer import Answer


def content(body: Mapping[str, Any]) -> Content:
    said = [_message(turn) for turn in many(body, "chat_history")]
    results = many(body, "tool_results")
    if results:
        said.append(Message("tool", [ToolCallResponsePart(result.get("outputs"), dig(result, "call", "name")) for result in results]))
    if body.get("message"):
        said.append(_message({"role": "USER", "message": body["message"]}))
    tools = [_tool(tool) for tool in many(body, "tools")]
    return Content(said, [TextPart(body["preamble"])] if body.get("preamble") else [], tools)


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "function", "name": str(tool.get("name")), "description": tool.get("description") or ""}


def _message(turn: Mapping[str, Any], reason: str | None = None) -> Message:
    role = str(turn.get("role")).lower()
    parts: list[Part] = [TextPart(str(turn["message"]))] if turn.get("message") else []
    parts += [ToolCallPart(str(call.get("name")), None, call.get("parameters")) for call in turn.get("tool_calls") or ()]
    return Message("assistant" if role == "chatbot" else role, parts, finish_reason=reason)


def response(answer: Answer) -> Response:
    whole = inside(answer.last("response")) or (answer.chunks[0] if len(answer.chunks) == 1 else {})
    text = whole.get("text") or "".join(str(piece) for chunk in answer.chunks if (piece := dig(chunk, "text")))
    calls = whole.get("tool_calls") or answer.last("tool_calls") or ()
    turn = {"role": "chatbot", "message": text, "tool_calls": calls}
    reason = converse.finish_reason("tool_use" if calls else answer.last("finish_reason"))
    billed = dig(whole, "meta", "billed_units")
    usage = answer.usage(dig(billed, "input_tokens"), dig(billed, "output_tokens"))
    found = answer.response([(reason, lambda told: _message(turn, told))], usage)
    return replace(found, id=answer.last("generation_id") or answer.id)
