"""A finished response told as the service streams it: named events with sequence numbers. Standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.openai_wire import Json, error_body, split_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

Event = tuple[str, Json]


def response_events(final: Json, failing: bool = False) -> list[Event]:
    """Every event of `final`; with `failing` an `error` event after the fifth, and no end."""
    numbered = [(name, {"type": name, "sequence_number": number, **data}) for number, (name, data) in enumerate(_events(final))]
    if not failing:
        return numbered
    failure = error_body(500)
    error = {"type": "error", "sequence_number": 5, "code": failure["type"], "message": failure["message"], "param": None}
    return [*numbered[:5], ("error", error)]


def _events(final: Json) -> Iterator[Event]:
    opening = {
        **final,
        "status": "in_progress",
        "output": [],
        "usage": None,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
    }
    if final["background"]:
        opening["status"] = "queued"
    yield "response.created", {"response": opening}
    if final["background"]:
        yield "response.queued", {"response": opening}
    yield "response.in_progress", {"response": {**opening, "status": "in_progress"}}
    for index, item in enumerate(final["output"]):
        yield from _item_events(index, item)
    yield f"response.{final['status']}", {"response": final}


def _item_events(index: int, item: Json) -> Iterator[Event]:
    where: Json = {"item_id": item["id"], "output_index": index}
    inner: Any = {"message": _message_events, "function_call": _call_events, "reasoning": _reasoning_events}[item["type"]]
    empty = {"message": {"content": []}, "function_call": {"arguments": ""}, "reasoning": {"summary": []}}[item["type"]]
    status = {"status": "in_progress"} if "status" in item else {}
    yield "response.output_item.added", {"output_index": index, "item": {**item, **empty, **status}}
    yield from inner(where, item)
    yield "response.output_item.done", {"output_index": index, "item": item}


def _message_events(where: Json, item: Json) -> Iterator[Event]:
    for index, part in enumerate(item["content"]):
        place = {**where, "content_index": index}
        key = "text" if part["type"] == "output_text" else "refusal"
        name = "response.output_text" if key == "text" else "response.refusal"
        extra: Json = {"logprobs": []} if key == "text" else {}
        yield "response.content_part.added", {**place, "part": {**part, key: ""}}
        for piece in split_tokens(part[key]):
            yield f"{name}.delta", {**place, "delta": piece, **extra, "obfuscation": "x8Fq2"}
        yield f"{name}.done", {**place, key: part[key], **extra}
        yield "response.content_part.done", {**place, "part": part}


def _call_events(where: Json, item: Json) -> Iterator[Event]:
    for piece in split_tokens(item["arguments"]):
        yield "response.function_call_arguments.delta", {**where, "delta": piece, "obfuscation": "x8Fq2"}
    yield "response.function_call_arguments.done", {**where, "name": item["name"], "arguments": item["arguments"]}


def _reasoning_events(where: Json, item: Json) -> Iterator[Event]:
    for index, part in enumerate(item["summary"]):
        place = {**where, "summary_index": index}
        yield "response.reasoning_summary_part.added", {**place, "part": {**part, "text": ""}}
        for piece in split_tokens(part["text"]):
            yield "response.reasoning_summary_text.delta", {**place, "delta": piece, "obfuscation": "x8Fq2"}
        yield "response.reasoning_summary_text.done", {**place, "text": part["text"]}
        yield "response.reasoning_summary_part.done", {**place, "part": part}
