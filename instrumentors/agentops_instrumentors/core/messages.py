"""Messages and their parts as the GenAI conventions encode them (gen-ai-input-messages.json and its siblings).

`msgspec` writes the `type` of a part and leaves out what is None. A part type the conventions do not know is a
plain dict with a `type` (their GenericPart).
"""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct


class _Part(Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """Base of the parts: immutable, tagged by `type`, without the fields that are None."""


class TextPart(_Part, frozen=True, gc=False, tag="text"):
    content: str


class ReasoningPart(_Part, frozen=True, gc=False, tag="reasoning"):
    content: str


class ToolCallPart(_Part, frozen=True, gc=False, tag="tool_call"):
    name: str
    id: str | None = None
    arguments: Any = None


class ToolCallResponsePart(_Part, frozen=True, gc=False, tag="tool_call_response"):
    response: Any
    id: str | None = None


class ServerToolCallPart(_Part, frozen=True, tag="server_tool_call"):
    """`server_tool_call` holds at least a `type` (for instance `web_search`)."""

    name: str
    server_tool_call: dict[str, Any]
    id: str | None = None


class ServerToolCallResponsePart(_Part, frozen=True, tag="server_tool_call_response"):
    server_tool_call_response: dict[str, Any]
    id: str | None = None


class BlobPart(_Part, frozen=True, gc=False, tag="blob"):
    """Inline binary data. The bytes themselves are left out: `size` (bytes) and `digest` (`sha256:` + hex) stand for them."""

    modality: str
    content: str
    mime_type: str | None = None
    size: int | None = None
    digest: str | None = None


class UriPart(_Part, frozen=True, gc=False, tag="uri"):
    modality: str
    uri: str
    mime_type: str | None = None


class FilePart(_Part, frozen=True, gc=False, tag="file"):
    modality: str
    file_id: str
    mime_type: str | None = None


class CompactionPart(_Part, frozen=True, gc=False, tag="compaction"):
    id: str | None = None
    content: str | None = None


Part: TypeAlias = (
    TextPart
    | ReasoningPart
    | ToolCallPart
    | ToolCallResponsePart
    | ServerToolCallPart
    | ServerToolCallResponsePart
    | BlobPart
    | UriPart
    | FilePart
    | CompactionPart
    | dict[str, Any]
)


class Message(Struct, frozen=True, omit_defaults=True, gc=False):
    """One message of `gen_ai.input.messages` or `gen_ai.output.messages`; `finish_reason` on output only."""

    role: str
    parts: list[Part]
    name: str | None = None
    finish_reason: str | None = None


class Content(Struct, frozen=True, gc=False):
    """What a request says: instructions kept apart from the chat, the messages, the tools offered; or what is looked for."""

    messages: list[Message]
    instructions: list[Part] = []
    tools: list[dict[str, Any]] = []
    query: str | None = None
