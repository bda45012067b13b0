"""Messages of a model call as the indexed attributes that AgentOps' chat view is made of.

`gen_ai.prompt.{i}.*` and `gen_ai.completion.{i}.*`, each from 0 without a gap. A part that is not text becomes a short note in brackets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Values = dict[str, Any]
_CALLS: Final = frozenset({"tool_call", "server_tool_call"})
_RESPONSES: Final = frozenset({"tool_call_response", "server_tool_call_response"})
_decoder: Final = msgspec.json.Decoder()
_encoder: Final = msgspec.json.Encoder()


def prompts(instructions: object, messages: object) -> Values:
    """What was asked: the instructions as a system message, then each message."""
    listed: list[Values] = []
    parts = _listed(instructions)
    if parts:
        listed.append({"role": "system", "content": _text(parts)})
    for message in _listed(messages):
        listed += _prompt(message)
    return _indexed("gen_ai.prompt", listed)


def completions(messages: object, finish_reasons: object) -> Values:
    """What was answered. A message without a finish reason gets the response's."""
    reasons = cast("Sequence[object]", finish_reasons) if isinstance(finish_reasons, (list, tuple)) else ()
    listed: list[Values] = []
    for number, message in enumerate(_listed(messages)):
        found = _message(message)
        reason = message.get("finish_reason") or (reasons[number] if number < len(reasons) else None)
        if reason:
            found["finish_reason"] = str(reason)
        reasoning = "\n".join(str(part.get("content", "")) for part in _listed(message.get("parts")) if part.get("type") == "reasoning")
        if reasoning:
            found["reasoning"] = reasoning
        listed.append(found)
    return _indexed("gen_ai.completion", listed)


def functions(definitions: object) -> Values:
    """The tools that the model was offered."""
    listed = [
        {
            "name": str(tool["name"]),
            **({"description": str(tool["description"])} if tool.get("description") else {}),
            **({"parameters": _json(tool["parameters"])} if tool.get("parameters") else {}),
        }
        for tool in _listed(definitions)
        if tool.get("name")
    ]
    return _indexed("gen_ai.request.functions", listed)


def names_of_tools(definitions: object) -> str:
    """The names of the tools an agent has, as a JSON array; empty where there are none."""
    names = [str(tool["name"]) for tool in _listed(definitions) if tool.get("name")]
    return _json(names) if names else ""


def _prompt(message: Values) -> Iterator[Values]:
    """The message; each answer of a tool in it as a message of its own."""
    parts = _listed(message.get("parts"))
    answers = [part for part in parts if part.get("type") in _RESPONSES]
    for part in answers:
        answer: Values = {"role": "tool", "content": _json(part.get("response", part.get("server_tool_call_response")))}
        if part.get("id"):
            answer["tool_call_id"] = str(part["id"])
        yield answer
    if not answers or len(answers) < len(parts):
        yield _message(message)


def _message(message: Values) -> Values:
    parts = _listed(message.get("parts"))
    found: Values = {"role": str(message.get("role", ""))}
    text = _text(parts)
    if text:
        found["content"] = text
    calls = [part for part in parts if part.get("type") in _CALLS]
    for number, call in enumerate(calls):
        prefix = f"tool_calls.{number}"
        found[f"{prefix}.id"] = str(call.get("id") or "")
        found[f"{prefix}.name"] = str(call.get("name") or "")
        arguments = call.get("arguments", call.get("server_tool_call"))
        found[f"{prefix}.arguments"] = "" if arguments is None else _json(arguments)
    return found


def _text(parts: Sequence[Values]) -> str:
    return "\n".join(said for said in (_said(part) for part in parts) if said)


def _said(part: Values) -> str:
    kind = part.get("type")
    if kind == "text":
        return str(part.get("content", ""))
    if kind == "reasoning" or kind in _CALLS or kind in _RESPONSES:
        return ""
    modality = str(part.get("modality") or kind or "part")
    if kind == "blob":
        size = f", {part['size']} bytes" if part.get("size") else ""
        return f"[{modality} {part.get('mime_type') or ''}".rstrip() + f"{size}]"
    place = part.get("uri") or part.get("file_id")
    return f"[{modality} {place}]" if place else f"[{modality}] {_json(part)}"


def _indexed(prefix: str, listed: Sequence[Values]) -> Values:
    return {f"{prefix}.{number}.{name}": value for number, entry in enumerate(listed) for name, value in entry.items()}


def _listed(given: object) -> list[Values]:
    """The objects of a list, which may be JSON text."""
    if isinstance(given, str):
        try:
            given = _decoder.decode(given)
        except msgspec.DecodeError:
            return []
    if not isinstance(given, (list, tuple)):
        return []
    return [cast("Values", one) for one in cast("Sequence[object]", given) if isinstance(one, dict)]


def _json(value: object) -> str:
    """Text as it is, everything else as JSON."""
    return value if isinstance(value, str) else _encoder.encode(value).decode()
