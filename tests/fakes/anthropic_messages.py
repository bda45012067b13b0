"""Messages as the service answers them: text, thinking, tools of both kinds, citations, prompt caching. Standard library only."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.fakes.anthropic_wire import Answer, ApiError, message_events, served_model
from tests.fakes.openai_plan import Turn, decide
from tests.fakes.openai_wire import Ids, Json, prompt_size, split_tokens

THINKING_TOKENS: Final = 64
_THOUGHT: Final = "The user asks; let me think."
_PART_TOKENS: Final = {"image": 85, "document": 200}
_SEARCHED: Final = {
    "type": "web_search_result",
    "url": "https://example.org/tides",
    "title": "Tides",
    "encrypted_content": "EqgfCio",
    "page_age": None,
}


class Messages:
    """`messages` and `count_tokens`. Remembers which prompt prefixes are in the cache."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._cached: set[str] = set()

    def reset(self) -> None:
        self._cached.clear()

    def create(self, body: Json) -> Answer:
        """POST .../messages; also one request of a batch."""
        message = self.message(body)
        if body.get("stream"):
            return Answer(events=message_events(message, "error-stream" in body["model"]), usage=message["usage"])
        return Answer(body=message, usage=message["usage"])

    def count(self, body: Json) -> Answer:
        """POST .../messages/count_tokens."""
        return Answer(body={"input_tokens": _prompt_tokens(body)})

    def message(self, body: Json) -> Json:
        """A whole message."""
        _validate(body)
        content, reason = self._content(body)
        message: Json = {
            "id": self._ids.new("msg_", 22),
            "type": "message",
            "role": "assistant",
            "model": served_model(body["model"]),
            "content": content,
            "stop_reason": reason,
            "stop_sequence": None,
        }
        return {**message, "usage": self._usage(body, content)}

    def _content(self, body: Json) -> tuple[list[Json], str]:
        blocks: list[Json] = _thoughts(body)
        searching = any(str(tool.get("type", "")).startswith("web_search") for tool in body.get("tools") or ())
        turn = _turn(body)
        if "refusal" in body["model"]:
            return [{"type": "text", "text": ""}], "refusal"
        plan = decide(turn)
        if searching and not turn.tools:
            return [*blocks, *self._search(turn.user)], "end_turn"
        if plan.calls:
            calls = [
                {"type": "tool_use", "id": self._ids.new("toolu_"), "name": name, "input": json.loads(arguments)}
                for name, arguments in plan.calls
            ]
            return [*blocks, *calls], "tool_use"
        tokens = split_tokens(plan.text or "")
        limit = body["max_tokens"]
        blocks.append({"type": "text", "text": "".join(tokens[:limit])})
        return blocks, "max_tokens" if len(tokens) > limit else "end_turn"

    def _search(self, user: str) -> list[Json]:
        identifier = self._ids.new("srvtoolu_")
        citation = {
            "type": "web_search_result_location",
            "url": _SEARCHED["url"],
            "title": _SEARCHED["title"],
            "encrypted_index": "Eo8BCioIAhgB",
            "cited_text": "High water at noon",
        }
        return [
            {"type": "server_tool_use", "id": identifier, "name": "web_search", "input": {"query": user}},
            {"type": "web_search_tool_result", "tool_use_id": identifier, "content": [_SEARCHED]},
            {"type": "text", "text": "High water is at noon.", "citations": [citation]},
        ]

    def _usage(self, body: Json, content: list[Json]) -> Json:
        total, marked = _prompt_tokens(body), _cacheable(body)
        read = written = 0
        if marked:
            key = json.dumps([body["model"], marked], sort_keys=True)
            known = key in self._cached
            self._cached.add(key)
            size = prompt_size(marked)
            read, written = (size, 0) if known else (0, size)
        output = sum(_output_size(block) for block in content)
        thinking = THINKING_TOKENS if any("thinking" in block["type"] for block in content) else 0
        searches = sum(block["type"] == "server_tool_use" for block in content)
        return {
            "input_tokens": total,
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
            "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output + thinking,
            "output_tokens_details": {"thinking_tokens": thinking},
            "server_tool_use": {"web_search_requests": searches, "web_fetch_requests": 0} if searches else None,
            "service_tier": "standard",
        }


def text_of(content: Any) -> str:
    """The text in a message's content, whether a string or a list of blocks."""
    if content is None or isinstance(content, str):
        return content or ""
    return " ".join(block["text"] for block in content if "text" in block)


def _validate(body: Json) -> None:
    if not body.get("messages"):
        raise ApiError(400, "messages: at least one message is required")
    if not isinstance(body.get("max_tokens"), int):
        raise ApiError(400, "max_tokens: Field required")


def _thoughts(body: Json) -> list[Json]:
    if (body.get("thinking") or {}).get("type") not in ("enabled", "adaptive"):
        return []
    if "redacted" in body["model"]:
        return [{"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix"}]
    return [{"type": "thinking", "thinking": _THOUGHT, "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3h"}]


def _turn(body: Json) -> Turn:
    messages: list[Json] = body["messages"]
    last = messages[-1]
    blocks = last["content"] if isinstance(last["content"], list) else []
    results = tuple(text_of(block.get("content")) for block in blocks if block.get("type") == "tool_result")
    asked = next(
        (text_of(message["content"]) for message in reversed(messages) if message["role"] == "user" and text_of(message["content"])), ""
    )
    choice = body.get("tool_choice") or {}
    form = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return Turn(
        model="",
        user=asked,
        results=results,
        tools=tuple((tool["name"], tool["input_schema"]) for tool in body.get("tools") or () if "input_schema" in tool),
        tool_choice={"tool": choice, "none": "none"}.get(choice.get("type", "")),
        schema=form.get("schema"),
    )


def _prompt_tokens(body: Json) -> int:
    """Tokens of the prompt that no cache control marks."""
    total = 3 + (prompt_size([tool for tool in body["tools"] if "cache_control" not in tool]) if body.get("tools") else 0)
    for message in [{"content": body.get("system")}, *body.get("messages", ())]:
        content = message.get("content")
        if isinstance(content, str):
            total += 4 + prompt_size(content)
        for block in content if isinstance(content, list) else ():
            if "cache_control" not in block:
                total += _PART_TOKENS.get(block["type"]) or prompt_size(block)
    return total


def _cacheable(body: Json) -> list[Json]:
    contents = [body.get("tools"), body.get("system"), *(message["content"] for message in body["messages"])]
    return [block for content in contents if isinstance(content, list) for block in content if "cache_control" in block]


def _output_size(block: Json) -> int:
    if block["type"] == "text":
        return len(split_tokens(block["text"]))
    return prompt_size(block["input"]) + 6 if "input" in block else 0
