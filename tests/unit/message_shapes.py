"""The shape of recorded content by the GenAI conventions; a part's rule is chosen by its `type`, since a generic part may be anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FINISH_REASONS: Final = {"stop", "length", "content_filter", "tool_call", "compaction", "error"}
_TEXTS: Final = {
    "text": ("content",),
    "reasoning": ("content",),
    "uri": ("modality", "uri"),
    "file": ("modality", "file_id"),
    "tool_call": ("name",),
}
_TEXTS_OF_BLOB: Final = ("modality", "content")
_OPTIONAL_TEXTS: Final = ("id", "mime_type", "name")
_OBJECTS: Final = {"server_tool_call": "server_tool_call", "server_tool_call_response": "server_tool_call_response"}


def check_span(attributes: Mapping[str, Any]) -> None:
    """Check every content attribute of a span."""
    for name, check in (("input.messages", check_messages), ("output.messages", check_messages), ("system_instructions", check_parts)):
        text = attributes.get(f"gen_ai.{name}")
        if text is not None:
            check(json.loads(text))
    if "gen_ai.tool.definitions" in attributes:
        check_tools(json.loads(attributes["gen_ai.tool.definitions"]))


def check_messages(messages: Any) -> None:
    assert isinstance(messages, list)
    for message in messages:
        assert isinstance(message["role"], str)
        assert isinstance(message.get("name", ""), str)
        assert message.get("finish_reason", "stop") in FINISH_REASONS, message
        check_parts(message["parts"])


def check_parts(parts: Any) -> None:
    assert isinstance(parts, list)
    for part in parts:
        kind = part["type"]
        assert isinstance(kind, str)
        for name in _TEXTS.get(kind, _TEXTS_OF_BLOB if kind == "blob" else ()):
            assert isinstance(part[name], str), part
        for name in _OPTIONAL_TEXTS:
            assert isinstance(part.get(name, ""), str), part
        if kind == "tool_call_response":
            assert "response" in part
        if kind in _OBJECTS:
            assert isinstance(part[_OBJECTS[kind]]["type"], str), part
        assert kind != "uri" or not part["uri"].startswith("data:")


def check_tools(tools: Any) -> None:
    assert isinstance(tools, list)
    for tool in tools:
        assert isinstance(tool["type"], str)
        assert isinstance(tool["name"], str)
        assert isinstance(tool.get("description", ""), str)
        assert isinstance(tool.get("parameters", {}), dict)
