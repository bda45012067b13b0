"""Contents of the Gemini format as the conventions' messages. Callers mix texts, dicts, models, files and images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentops_instrumentors.core.messages import (
    BlobPart,
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
from agentops_instrumentors.core.parts import blob_of, generic, plain
from agentops_instrumentors.core.reading import listed, reader, word

if TYPE_CHECKING:
    from agentops_instrumentors.core.reading import Read

_ROLES: Final = {"model": "assistant"}
_CODE_EXECUTION: Final = "code_execution"


def messages(contents: Any) -> list[Message]:
    """What a request says. Parts that follow each other without a content around them are one message of the user's."""
    found: list[Message] = []
    loose: list[Part] = []
    for item in listed(contents):
        read = None if isinstance(item, str) else reader(item)
        if read is not None and read("parts") is not None:
            if loose:
                found.append(Message("user", loose))
                loose = []
            found.append(message(item))
        else:
            loose.append(part(item))
    if loose:
        found.append(Message("user", loose))
    return found


def message(content: Any, finish_reason: str | None = None) -> Message:
    """One content, with its role by the conventions; one that only answers tool calls is the tools'."""
    read = reader(content)
    parts = [part(item) for item in read("parts") or ()]
    answers = bool(parts) and all(isinstance(each, ToolCallResponsePart) for each in parts)
    role = "tool" if answers else _ROLES.get(str(read("role")), str(read("role") or "user"))
    return Message(role, parts, finish_reason=finish_reason)


def instructions(said: Any) -> list[Part]:
    """The parts of a system instruction: a text, a part, a content, or a list of them."""
    found: list[Part] = []
    for item in listed(said):
        inner = None if isinstance(item, str) else reader(item)("parts")
        found.extend([part(each) for each in inner] if inner is not None else [part(item)])
    return found


def part(item: Any) -> Part:
    """One part of a content."""
    if isinstance(item, str):
        return TextPart(item)
    read = reader(item)
    text = read("text")
    if text is not None:
        return ReasoningPart(str(text)) if read("thought") else TextPart(str(text))
    return _media(read) or _tool(read) or _code(read) or _other(item, read)


def _media(read: Read) -> Part | None:
    data = read("inline_data")
    if data is not None:
        blob = reader(data)
        return blob_of(blob("data") or b"", blob("mime_type"))
    # A file that was uploaded is a part too.
    file = read("file_data")
    file = read if file is None else reader(file)
    uri = file("file_uri") or file("uri")
    if not uri:
        return None
    mime_type = file("mime_type")
    return media(str(uri), mime_type)


def media(uri: str, mime_type: Any, modality: str = "document") -> Part:
    """Something that lies elsewhere; its media type overrules `modality`."""
    kind = str(mime_type or "").partition("/")[0]
    return UriPart(kind if kind in ("image", "audio", "video") else modality, uri, mime_type)


def _tool(read: Read) -> Part | None:
    call = read("function_call")
    if call is not None:
        asked = reader(call)
        return ToolCallPart(str(asked("name") or ""), asked("id"), asked("args"))
    response = read("function_response")
    if response is not None:
        answer = reader(response)
        return ToolCallResponsePart(plain(answer("response")), answer("id") or answer("name"))
    return None


def _code(read: Read) -> Part | None:
    code = read("executable_code")
    if code is not None:
        written = reader(code)
        told = {"type": _CODE_EXECUTION, "code": written("code"), "language": word(written("language"))}
        return ServerToolCallPart(_CODE_EXECUTION, told, written("id"))
    result = read("code_execution_result")
    if result is not None:
        came = reader(result)
        return ServerToolCallResponsePart({"type": _CODE_EXECUTION, "outcome": word(came("outcome")), "output": came("output")}, came("id"))
    return None


def _other(item: Any, read: Read) -> Part:
    call, answer = read("tool_call"), read("tool_response")
    if call is not None:
        asked = reader(call)
        kind = word(asked("tool_type")).lower()
        return ServerToolCallPart(kind, {"type": kind, "args": plain(asked("args"))}, asked("id"))
    if answer is not None:
        came = reader(answer)
        return ServerToolCallResponsePart({"type": word(came("tool_type")).lower(), "response": plain(came("response"))}, came("id"))
    signature = read("thought_signature")
    if signature:
        # Of a thought that the model keeps to itself; the bytes mean nothing to anyone else.
        return {"type": "thought_signature", "size": len(signature)}
    if hasattr(item, "tobytes") and hasattr(item, "mode"):
        # An image of PIL: the SDK encodes it, and once is enough.
        return BlobPart("image", "")
    return generic(item)
