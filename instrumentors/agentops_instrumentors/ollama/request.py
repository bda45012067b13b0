"""What is asked of Ollama, read from the JSON that the client is about to send: messages and tools are plain dicts by then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.blobs import blob
from agentops_instrumentors.core.messages import Content, Message, Part, ReasoningPart, TextPart, ToolCallPart, ToolCallResponsePart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentops_instrumentors.core.operation import AttributeValue

_OPTIONS: Final = {
    "temperature": semconv.REQUEST_TEMPERATURE,
    "top_p": semconv.REQUEST_TOP_P,
    "top_k": semconv.REQUEST_TOP_K,
    "seed": semconv.REQUEST_SEED,
    "frequency_penalty": semconv.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": semconv.REQUEST_PRESENCE_PENALTY,
}


def attributes(sent: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Request parameters that the conventions name; a limit below zero stands for none."""
    options = cast("Mapping[str, Any]", sent.get("options") or {})
    found: dict[str, AttributeValue] = {name: options[option] for option, name in _OPTIONS.items() if options.get(option) is not None}
    limit = options.get("num_predict")
    if limit is not None and limit >= 0:
        found[semconv.REQUEST_MAX_TOKENS] = limit
    stop = options.get("stop")
    if stop:
        found[semconv.REQUEST_STOP_SEQUENCES] = (stop,) if isinstance(stop, str) else tuple(stop)
    if sent.get("format"):
        found[semconv.OUTPUT_TYPE] = "json"
    if isinstance(sent.get("think"), str):
        found[semconv.REQUEST_REASONING_LEVEL] = sent["think"]
    if sent.get("dimensions"):
        found[semconv.EMBEDDINGS_DIMENSION_COUNT] = sent["dimensions"]
    return found


def content(sent: Mapping[str, Any]) -> Content:
    """The messages of a chat, or the prompt and the system text of a generation."""
    if "prompt" not in sent and "messages" not in sent:
        return Content([])
    if "messages" not in sent:
        system = sent.get("system")
        return Content([Message("user", _prompt(sent))], [TextPart(system)] if system else [])
    tools = [_tool(tool) for tool in sent.get("tools") or ()]
    return Content([_message(message) for message in sent["messages"]], tools=tools)


def parts(message: Mapping[str, Any]) -> list[Part]:
    """The parts of a message as asked or answered: reasoning, text, images, tool calls."""
    found: list[Part] = []
    if message.get("thinking"):
        found.append(ReasoningPart(message["thinking"]))
    if message.get("content"):
        found.append(TextPart(message["content"]))
    found += [blob("image", image) for image in message.get("images") or ()]
    for call in message.get("tool_calls") or ():
        found.append(ToolCallPart(call["function"]["name"], call.get("id"), call["function"].get("arguments")))
    return found


def _message(message: Mapping[str, Any]) -> Message:
    role = str(message.get("role") or "user")
    if role == "tool":
        # Ollama knows a tool's answer by the tool's name: its calls have no ids.
        return Message(role, [ToolCallResponsePart(message.get("content") or "", message.get("tool_name"))])
    return Message(role, parts(message))


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": tool.get("type") or "function", **cast("dict[str, Any]", tool.get("function") or {})}


def _prompt(sent: Mapping[str, Any]) -> list[Part]:
    found = parts({"content": sent.get("prompt"), "images": sent.get("images")})
    if sent.get("suffix"):
        found.append({"type": "suffix", "content": sent["suffix"]})
    return found
