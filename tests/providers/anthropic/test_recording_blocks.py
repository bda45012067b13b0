"""Content blocks, asked and answered, as the conventions' parts."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.providers.anthropic.test_recording import ASKED, message
from tests.providers.anthropic.vendor import THINKING, TOOL

if TYPE_CHECKING:
    from tests.providers.anthropic.conftest import AnthropicRecorder

PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(24)
PIXEL_TEXT = base64.b64encode(PIXEL).decode()
SEARCH: Any = {"type": "web_search_20250305", "name": "web_search", "max_uses": 2}


def blob(modality: str, mime_type: str) -> dict[str, Any]:
    digest = "sha256:" + hashlib.sha256(PIXEL).hexdigest()
    return {"type": "blob", "modality": modality, "content": "", "size": len(PIXEL), "digest": digest, "mime_type": mime_type}


def ask(record: AnthropicRecorder, *content: Any, role: str = "user") -> None:
    record.client.messages.create(**{**ASKED, "messages": [{"role": role, "content": list(content)}]})


def test_images_and_documents(record: AnthropicRecorder) -> None:
    ask(
        record,
        {"type": "text", "text": "look"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL_TEXT}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PIXEL_TEXT}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "plain"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "inner"}]}},
        {"type": "container_upload", "file_id": "file_2"},
    )
    assert record.asked == [
        {"type": "text", "content": "look"},
        blob("image", "image/png"),
        {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
        {"type": "file", "modality": "image", "file_id": "file_1"},
        blob("document", "application/pdf"),
        {"type": "text", "content": "plain"},
        {"type": "text", "content": "inner"},
        {"type": "file", "modality": "document", "file_id": "file_2"},
    ]
    assert PIXEL_TEXT not in str((record.span.attributes or {})["gen_ai.input.messages"])


def test_system_instructions_and_tools(record: AnthropicRecorder) -> None:
    described = {**TOOL, "description": "Tides of a port"}
    system: Any = [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}]
    record.client.messages.create(**ASKED, system=system, tools=[described, SEARCH], tool_choice={"type": "none"})
    assert record.content("system_instructions") == [{"type": "text", "content": "Be brief."}, {"type": "text", "content": "Be kind."}]
    assert record.content("tool.definitions") == [
        {"type": "function", "name": "tides", "description": "Tides of a port", "parameters": TOOL["input_schema"]},
        {"type": "web_search_20250305", "name": "web_search"},
    ]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_call_and_its_result(record: AnthropicRecorder, streamed: bool) -> None:
    answer: Any = record.client.messages.create(**ASKED, tools=[TOOL], stream=streamed)
    if streamed:
        list(answer)
    (call,) = record.said
    assert (call["type"], call["name"], call["arguments"]) == ("tool_call", "tides", {"port": "there"})
    record.telemetry.clear()
    results = [
        {"type": "tool_result", "tool_use_id": call["id"], "content": "high at noon"},
        {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": True, "content": [{"type": "text", "text": "no such port"}]},
        {
            "type": "tool_result",
            "tool_use_id": "toolu_3",
            "content": [
                {"type": "text", "text": "a picture"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL_TEXT}},
            ],
        },
    ]
    asked: Any = [{"type": "tool_use", "id": call["id"], "name": "tides", "input": {"port": "Brest"}}]
    messages: Any = [*ASKED["messages"], {"role": "assistant", "content": asked}, {"role": "user", "content": results}]
    record.client.messages.create(**{**ASKED, "messages": messages})
    said = record.content("input.messages")
    assert [one["role"] for one in said] == ["user", "assistant", "tool"]
    assert said[1]["parts"] == [{"type": "tool_call", "name": "tides", "id": call["id"], "arguments": {"port": "Brest"}}]
    assert said[2]["parts"] == [
        {"type": "tool_call_response", "id": call["id"], "response": "high at noon"},
        {"type": "tool_call_response", "id": "toolu_2", "response": "no such port"},
        {"type": "tool_call_response", "id": "toolu_3", "response": ["a picture", blob("image", "image/png")]},
    ]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_servers_own_tool_its_result_and_citations(record: AnthropicRecorder, streamed: bool) -> None:
    answer: Any = record.client.messages.create(**ASKED, tools=[SEARCH], stream=streamed)
    if streamed:
        list(answer)
    call, result, text = record.said
    assert (call["type"], call["name"]) == ("server_tool_call", "web_search")
    assert call["server_tool_call"] == {"type": "web_search", "input": {"query": "hello there"}}
    assert (result["type"], result["id"]) == ("server_tool_call_response", call["id"])
    assert result["server_tool_call_response"]["type"] == "web_search"
    assert result["server_tool_call_response"]["content"][0]["url"] == "https://example.org/tides"
    assert (text["type"], text["content"]) == ("text", "High water is at noon.")
    assert text["citations"][0]["cited_text"] == "High water at noon"


@pytest.mark.parametrize("streamed", [False, True])
def test_redacted_thinking_says_that_there_was_some(record: AnthropicRecorder, streamed: bool) -> None:
    asked = {**ASKED, "model": "claude-redacted", "thinking": THINKING}
    answer: Any = record.client.messages.create(**asked, stream=streamed)
    if streamed:
        list(answer)
    hidden, said = record.said
    assert (hidden["type"], said["content"]) == ("redacted_reasoning", "You said: hello there")
    assert "EmwKAhgB" not in str((record.span.attributes or {})["gen_ai.output.messages"])


def test_thoughts_given_back(record: AnthropicRecorder) -> None:
    thoughts: Any = [
        {"type": "thinking", "thinking": "Hm.", "signature": "EqQB"},
        {"type": "redacted_thinking", "data": "EmwK"},
        {"type": "text", "text": "Yes."},
    ]
    record.client.messages.create(**{**ASKED, "messages": [*ASKED["messages"], {"role": "assistant", "content": thoughts}]})
    parts = record.content("input.messages")[1]["parts"]
    assert [part["type"] for part in parts] == ["reasoning", "redacted_reasoning", "text"]
    assert parts[0]["content"] == "Hm."


def test_an_answer_given_back_as_it_came(record: AnthropicRecorder) -> None:
    """Callers put the SDK's own models into the next request."""
    answer = record.client.messages.create(**ASKED, tools=[TOOL])
    record.telemetry.clear()
    record.client.messages.create(**{**ASKED, "messages": [*ASKED["messages"], {"role": "assistant", "content": answer.content}]})
    (part,) = record.content("input.messages")[1]["parts"]
    assert (part["type"], part["name"], part["arguments"]) == ("tool_call", "tides", {"port": "there"})


def test_blocks_the_conventions_do_not_know(record: AnthropicRecorder) -> None:
    found = {"type": "search_result", "source": "https://example.org", "title": "Tides", "content": [{"type": "text", "text": "noon"}]}
    record.answer(message({"type": "hologram", "depth": 3}, {"type": "text", "text": "done"}))
    ask(record, found, {"type": "text", "text": "so?"})
    assert record.asked[0] == found
    assert record.said[0] == {"type": "hologram", "depth": 3}


def test_one_shot_iterators_are_left_to_the_client(record: AnthropicRecorder) -> None:
    record.client.messages.create(**{**ASKED, "messages": iter(ASKED["messages"])})
    assert record.content("input.messages") is None
    assert record.said == [{"type": "text", "content": "You said: hello there"}]
