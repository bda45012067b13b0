"""Chat messages of the OpenAI wire format as the conventions' messages.

Callers mix dicts and the SDK's own models in one list, so every value is read with `field`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from agentops_instrumentors.core.blobs import blob
from agentops_instrumentors.core.messages import (
    Content,
    FilePart,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
    UriPart,
)
from agentops_instrumentors.core.parts import arguments, data_url, elided, generic
from agentops_instrumentors.core.values import field, items, reader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DICT: Any = dict
_AUDIO_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav", "flac": "audio/flac", "opus": "audio/opus", "aac": "audio/aac"}


def of_request(kwargs: Mapping[str, Any]) -> Content:
    """What the parameters of a chat request say."""
    tools: list[dict[str, Any]] = []
    if "tools" in kwargs:
        tools += [tool_definition(tool) for tool in items(kwargs["tools"])]
    if "functions" in kwargs:
        tools += [tool_definition({"type": "function", "function": function}) for function in items(kwargs["functions"])]
    return Content([input_message(message) for message in items(kwargs.get("messages"))], tools=tools)


def input_message(message: Any) -> Message:
    """One message of a chat request."""
    brief = type(message) is _DICT and len(message) == 2
    read: Callable[[str], Any] = message.get if brief else reader(message)
    role, said = str(read("role") or "user"), read("content")
    if role in ("tool", "function"):
        return Message(role, [ToolCallResponsePart(tool_answer(said), read("tool_call_id") or read("name"))])
    if brief and type(said) is str:
        # A role and a text, as most are: nothing else to look for.
        return Message(role, [TextPart(said)] if said else [])
    return Message(role, _parts(read), read("name"))


def message_parts(message: Any) -> list[Part]:
    """The parts of a message as asked or answered: reasoning, content, refusal, audio, tool calls."""
    return _parts(reader(message))


def _parts(read: Callable[[str], Any]) -> list[Part]:
    parts: list[Part] = []
    reasoning = read("reasoning_content") or read("reasoning")
    if isinstance(reasoning, str):
        parts.append(ReasoningPart(reasoning))
    said = read("content")
    if isinstance(said, str):
        if said:
            parts.append(TextPart(said))
    elif said is not None:
        parts.extend(content_part(item) for item in items(said))
    refusal = read("refusal")
    if refusal:
        parts.append({"type": "refusal", "content": refusal})
    audio = read("audio")
    if audio is not None:
        parts.extend(_answered_audio(audio))
    calls = read("tool_calls")
    if calls is not None:
        parts.extend(tool_call(call) for call in items(calls))
    function = read("function_call")
    if function is not None:
        parts.append(ToolCallPart(str(field(function, "name") or ""), None, arguments(field(function, "arguments"))))
    return parts


def content_part(item: Any) -> Part:
    """One item of a content list, of chat (`image_url`) or of responses (`input_image`)."""
    if isinstance(item, str):
        return TextPart(item)
    kind = field(item, "type")
    if kind in ("text", "input_text", "output_text", "summary_text", "reasoning_text"):
        return TextPart(str(field(item, "text") or ""))
    if kind in ("image_url", "input_image"):
        return _image(item)
    if kind == "input_audio":
        audio = field(item, "input_audio")
        return blob("audio", str(field(audio, "data") or ""), _AUDIO_TYPES.get(str(field(audio, "format"))))
    if kind in ("file", "input_file"):
        return _file(field(item, "file") or item)
    if kind == "refusal":
        return {"type": "refusal", "content": field(item, "refusal")}
    return generic(item)


def tool_call(call: Any) -> Part:
    """A function or custom tool call of an assistant's message."""
    read = reader(call)
    custom = read("custom")
    if custom is not None:
        return ToolCallPart(str(field(custom, "name") or ""), read("id"), field(custom, "input"))
    asked = reader(read("function"))
    return ToolCallPart(str(asked("name") or ""), read("id"), arguments(asked("arguments")))


def tool_definition(tool: Any) -> dict[str, Any]:
    """A tool as the conventions define it: chat's nested `function` laid flat."""
    outer = reader(tool)
    kind = str(outer("type") or "function")
    inner = outer(kind)
    if type(inner) is dict and "name" in inner:
        return {"type": kind, **cast("dict[str, Any]", inner)}
    read = reader(inner) if inner else outer
    found = {"type": kind, "name": str(read("name") or read("server_label") or kind)}
    for name in ("description", "parameters"):
        value = read(name)
        if value is not None:
            found[name] = value
    return found


def tool_answer(said: Any) -> Any:
    """What a tool answered: a text, an object, or a list of texts and parts."""
    if said is None or isinstance(said, (str, dict)):
        return elided(said or "")
    parts = [content_part(item) for item in items(said)]
    answers = [part.content if isinstance(part, TextPart) else part for part in parts]
    return answers[0] if len(answers) == 1 else answers


def _image(item: Any) -> Part:
    image = field(item, "image_url")
    url = image if isinstance(image, str) else field(image, "url")
    if url is None:
        return FilePart("image", str(field(item, "file_id")))
    return data_url(url, "image") if url.startswith("data:") else UriPart("image", url)


def _file(file: Any) -> Part:
    if field(file, "file_id"):
        return FilePart("document", str(field(file, "file_id")))
    if field(file, "file_url"):
        return UriPart("document", str(field(file, "file_url")))
    data = str(field(file, "file_data") or "")
    return data_url(data) if data.startswith("data:") else blob("document", data)


def _answered_audio(audio: Any) -> list[Part]:
    data = field(audio, "data")
    if data is None:
        return [FilePart("audio", str(field(audio, "id")))]
    heard = blob("audio", data)
    transcript = field(audio, "transcript")
    return [heard, TextPart(transcript)] if transcript else [heard]
