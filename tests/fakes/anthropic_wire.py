"""What the Anthropic endpoints have in common: ids, model names, errors, events, usage. Standard library only."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from tests.fakes.openai_wire import Json, split_tokens

Event = tuple[str, Json]

CREATED: Final = "2026-10-26T18:00:00Z"

_DATED: Final = {
    "claude-3-5-haiku-latest": "claude-3-5-haiku-20241022",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
    "claude-opus-4-1": "claude-opus-4-1-20250805",
}
_KINDS: Final = {
    400: ("invalid_request_error", "Invalid request: the parameters are not accepted."),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "The requested resource could not be found."),
    413: ("request_too_large", "Request exceeds the maximum size"),
    429: ("rate_limit_error", "This request would exceed your organization's rate limit of 50 requests per minute."),
    500: ("api_error", "Internal server error"),
    503: ("api_error", "Service unavailable"),
    529: ("overloaded_error", "Overloaded"),
}
FAILING: Final = re.compile(r"error-(\d{3})")


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` for a JSON answer, `events` for a streamed message, `lines` for JSON lines; `usage` is what is billed."""

    status: int = 200
    body: Any = None
    events: list[Event] | None = None
    lines: list[Json] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    usage: Json | None = None


class ApiError(Exception):
    """An error the service answers with."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message)
        self.status = status

    def answer(self) -> Answer:
        headers = {"retry-after": "20"} if self.status == 429 else {}
        return Answer(self.status, error_body(self.status, str(self)), headers=headers)


def error_body(status: int, message: str = "") -> Json:
    """The body of an error, in a stream too."""
    kind, text = _KINDS.get(status, ("api_error" if status >= 500 else "invalid_request_error", "Error"))
    return {"type": "error", "error": {"type": kind, "message": message or text}, "request_id": "req_011"}


def served_model(requested: str) -> str:
    """The name the service answers with: dated for its aliases, unchanged otherwise."""
    return _DATED.get(requested, requested)


def message_events(message: Json, failing: bool = False) -> list[Event]:
    """A finished message told as the service streams it; with `failing` an `error` event comes in the middle, and no end."""
    placeholder = {**message["usage"], "output_tokens": 1}
    opening = {**message, "content": [], "stop_reason": None, "stop_sequence": None, "usage": placeholder}
    events: list[Event] = [("message_start", {"type": "message_start", "message": opening})]
    for index, block in enumerate(message["content"]):
        events += _block_events(index, block)
    if failing:
        return [*events[:4], ("error", error_body(529))]
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]}
    told = {name: count for name, count in message["usage"].items() if isinstance(count, int) or name.endswith(("_details", "iterations"))}
    events.append(("ping", {"type": "ping"}))
    events.append(("message_delta", {"type": "message_delta", "delta": delta, "usage": told}))
    return [*events, ("message_stop", {"type": "message_stop"})]


def _block_events(index: int, block: Json) -> list[Event]:
    start, deltas = _opened(block)
    head: Event = ("content_block_start", {"type": "content_block_start", "index": index, "content_block": start})
    body: list[Event] = [("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}) for delta in deltas]
    return [head, *body, ("content_block_stop", {"type": "content_block_stop", "index": index})]


def _opened(block: Json) -> tuple[Json, list[Json]]:
    kind = block["type"]
    if kind == "text":
        cited = [{"type": "citations_delta", "citation": citation} for citation in block.get("citations") or ()]
        opened = {**block, "text": "", **({"citations": []} if cited else {})}
        return opened, [*cited, *({"type": "text_delta", "text": piece} for piece in split_tokens(block["text"]))]
    if kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in split_tokens(block["thinking"])]
        return {**block, "thinking": "", "signature": ""}, [*deltas, {"type": "signature_delta", "signature": block["signature"]}]
    if kind in ("tool_use", "server_tool_use"):
        text = json.dumps(block["input"])
        pieces = ["", *split_tokens(text)] if block["input"] else []
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return block, []
