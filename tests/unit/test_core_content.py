"""The choke point for content: always valid, within its budget, redacted everywhere, never the end of a message list."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from agentops_instrumentors.core import content
from agentops_instrumentors.core.content import ContentMode, Policy
from agentops_instrumentors.core.messages import (
    BlobPart,
    FilePart,
    Message,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
    UriPart,
)
from tests.unit.message_shapes import check_messages, check_parts, check_tools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LONG = "é" * 60_000


class Model(BaseModel):
    name: str
    size: int = 3


class Refusing(BaseModel):
    def model_dump(self, **_options: Any) -> Any:
        raise RuntimeError("no")


@dataclass
class Pair:
    left: str
    right: object


@pytest.fixture
def fresh_policy() -> Iterator[Callable[[], Policy]]:
    """Reads the process's policy from the environment anew."""

    def read() -> Policy:
        content.set_default_mode(ContentMode.NO_CONTENT)
        return content.policy()

    yield read
    content.set_default_mode(ContentMode.NO_CONTENT)


def spoken(value: object, **policy: Any) -> Any:
    """What becomes of a value, the same on spans and on events."""
    chosen = Policy(ContentMode.SPAN_AND_EVENT, **policy)
    text = content.to_json(value, chosen)
    text.encode()
    values = content.to_values(value, chosen)
    assert json.loads(json.dumps(values)) == values
    return json.loads(text)


def said(text: Any, role: str = "user") -> Message:
    return Message(role, [TextPart(text)])


def test_parts_leave_out_what_they_have_not() -> None:
    parts: list[Any] = [
        TextPart("a"),
        ReasoningPart("b"),
        ToolCallPart("f"),
        ToolCallResponsePart(None, "i"),
        UriPart("image", "u"),
        FilePart("image", "f"),
    ]
    assert spoken([Message("user", [*parts, BlobPart("image", "", size=1)])]) == [
        {
            "role": "user",
            "parts": [
                {"type": "text", "content": "a"},
                {"type": "reasoning", "content": "b"},
                {"type": "tool_call", "name": "f"},
                {"type": "tool_call_response", "response": None, "id": "i"},
                {"type": "uri", "modality": "image", "uri": "u"},
                {"type": "file", "modality": "image", "file_id": "f"},
                {"type": "blob", "modality": "image", "content": "", "size": 1},
            ],
        }
    ]


def test_values_that_json_has_not() -> None:
    circle: list[Any] = []
    circle += [circle, circle]
    odd = {
        "surrogate \ud800": "\udfff x",
        (1, 2): {3},
        "big": 2**70,
        "nan": float("nan"),
        "bytes": b"abc",
        "model": Model(name="m"),
        "refusing": Refusing(),
        "pair": Pair("l", {"r": float("inf")}),
        "circle": circle,
        "object": object,
    }
    (message,) = spoken([Message("tool", [ToolCallResponsePart(odd)])])
    answer = message["parts"][0]["response"]
    assert answer["surrogate ?"] == "? x"
    assert answer["(1, 2)"] == [3]
    assert answer["big"] == str(2**70)
    assert answer["nan"] == "nan"
    assert answer["bytes"] == "[3 bytes]"
    assert answer["model"] == {"name": "m", "size": 3}
    assert isinstance(answer["refusing"], str)
    assert answer["pair"] == {"left": "l", "right": {"r": "inf"}}
    assert answer["circle"] == ["…", "…"]


def test_one_bad_value_drops_nothing_else() -> None:
    found = spoken([said("before"), said("\ud800"), Message("assistant", [ToolCallPart("f", "i", {1: {2: object()}})]), said("after")])
    assert [message["parts"][0].get("content") for message in found] == ["before", "?", None, "after"]


BIG: list[tuple[str, Any, Callable[[Any], None]]] = [
    ("one long text", [said("head"), said(LONG), said("tail")], check_messages),
    ("many messages", [said(f"message {n}") for n in range(5000)], check_messages),
    ("many parts", [Message("user", [TextPart("x" * 100)] * 2000)], check_messages),
    ("a long list of numbers", [said("head"), Message("tool", [ToolCallResponsePart(list(range(50_000)))])], check_messages),
    ("wide arguments", [Message("assistant", [ToolCallPart("f", "i", {f"k{n}": n for n in range(20_000)})])], check_messages),
    ("long instructions", [TextPart(LONG)] * 20, check_parts),
    (
        "many tools",
        [{"type": "function", "name": f"f{n}", "parameters": {f"p{k}": "x" * 20 for k in range(50)}} for n in range(90)],
        check_tools,
    ),
]


@pytest.mark.parametrize("max_bytes", [1024, 1500, 5000, 40_000])
@pytest.mark.parametrize(("value", "check"), [case[1:] for case in BIG], ids=[case[0] for case in BIG])
def test_the_byte_budget(value: Any, check: Callable[[Any], None], max_bytes: int) -> None:
    text = content.to_json(value, Policy(ContentMode.SPAN_ONLY, max_bytes=max_bytes))
    assert len(text.encode()) <= max_bytes
    check(json.loads(text))
    assert "left out]" in text or "agentops.elided" in text


@pytest.mark.parametrize("letter", ["a", "ä", "\ud800"], ids=["ascii", "wide", "lone surrogate"])
@pytest.mark.parametrize("texts", [1, 2, 5])
def test_texts_beyond_the_whole_budget_are_cut_at_once_and_still_tell_every_byte(letter: str, texts: int) -> None:
    said = [Message("user", [TextPart(letter * 5000)]) for _ in range(texts)]
    encoded = content.to_json(said, content.Policy(ContentMode.SPAN_ONLY, max_bytes=2048))
    assert len(encoded.encode()) <= 2048
    for message in json.loads(encoded):
        kept, _, note = message["parts"][0]["content"].partition("…")
        whole, left = kept.encode("utf-8", "replace"), (letter * (5000 - len(kept))).encode("utf-8", "replace")
        assert (note, len(whole) + len(left)) == (f"[{len(left)} bytes left out]", len((letter * 5000).encode("utf-8", "replace")))


def test_a_blob_in_a_text_beyond_the_whole_budget_is_left_out_and_the_text_after_it_stays() -> None:
    said = [Message("user", [TextPart(f"see data:image/png;base64,{'A' * 4000} there")])]
    encoded = content.to_json(said, content.Policy(ContentMode.SPAN_ONLY, max_bytes=2048))
    assert json.loads(encoded)[0]["parts"][0]["content"] == "see data:image/png;base64,[3000 bytes left out] there"


def test_a_cut_text_says_how_much_is_gone_and_the_ends_of_a_conversation_stay() -> None:
    (message,) = spoken([said("x" * 5000)], max_bytes=2048)
    kept, _, note = message["parts"][0]["content"].partition("…")
    assert note == f"[{5000 - len(kept)} bytes left out]"
    found = spoken([said(f"{n}") for n in range(1000)], max_bytes=2048)
    assert (found[0]["parts"][0]["content"], found[-1]["parts"][0]["content"]) == ("0", "999")
    (elided,) = found[1]["parts"]
    assert elided["items"] == 1000 - (len(found) - 1)


def test_what_fits_is_not_touched() -> None:
    value = [said("x" * 900)]
    size = len(content.to_json(value, Policy(ContentMode.SPAN_ONLY)))
    assert content.to_json(value, Policy(ContentMode.SPAN_ONLY, max_bytes=size)) == content.to_json(value, Policy(ContentMode.SPAN_ONLY))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=40) | st.binary(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.integers() | st.tuples(st.integers()), inner, max_size=4)
    ),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ANYTHING, max_size=6), st.integers(1024, 4096))
def test_anything_a_tool_answers_is_recorded_within_the_budget(answers: list[Any], max_bytes: int) -> None:
    messages = [Message("tool", [ToolCallResponsePart(answer, "call")]) for answer in answers]
    for redactor in (None, lambda text: text):
        text = content.to_json(messages, Policy(ContentMode.SPAN_ONLY, max_bytes=max_bytes, redactor=redactor))
        assert len(text.encode()) <= max_bytes
        check_messages(json.loads(text))


def test_the_redactor_sees_every_text_and_no_structure() -> None:
    arguments = {"role": "secret", "type": "secret", "id": "secret", "deep": [{"secret": "secret"}]}
    message = Message(
        "assistant",
        [TextPart("secret"), ToolCallPart("f", "call_secret", arguments), {"type": "refusal", "content": "secret"}],
        "secret",
        "stop",
    )
    (found,) = spoken([message], redactor=lambda text: text.replace("secret", "***"))
    assert (found["role"], found["name"], found["finish_reason"]) == ("assistant", "***", "stop")
    assert found["parts"] == [
        {"type": "text", "content": "***"},
        {
            "type": "tool_call",
            "name": "f",
            "id": "call_secret",
            "arguments": {"role": "***", "type": "***", "id": "***", "deep": [{"secret": "***"}]},
        },
        {"type": "refusal", "content": "***"},
    ]
    check_messages(spoken([message], redactor=lambda _text: ""))


def test_a_failing_redactor_lets_nothing_through(caplog: pytest.LogCaptureFixture) -> None:
    def failing(_text: str) -> str:
        raise ValueError("broken")

    def surrogate(_text: str) -> str:
        return "\ud800"

    assert spoken([said("secret")], redactor=failing)[0]["parts"][0]["content"] == "[redaction failed]"
    assert spoken([said("secret")], redactor=surrogate)[0]["parts"][0]["content"] == "?"
    chosen = Policy(ContentMode.SPAN_ONLY, redactor=failing)
    error = RuntimeError("secret")
    assert content.status_description(error, chosen) == "[redaction failed]"
    assert content.exception_attributes(error, chosen)["exception.message"] == "[redaction failed]"
    assert "secret" not in caplog.text


def test_exceptions_pass_through_too() -> None:
    try:
        raise LookupError("secret \ud800")
    except LookupError as caught:
        error = caught
    open_policy = Policy(ContentMode.EVENT_ONLY, redactor=lambda text: text.replace("secret", "***"))
    attributes = content.exception_attributes(error, open_policy)
    assert (attributes["exception.type"], attributes["exception.message"]) == ("LookupError", "*** ?")
    assert "secret" not in attributes["exception.stacktrace"].replace('"secret', "")
    closed = Policy(ContentMode.NO_CONTENT)
    assert content.exception_attributes(error, closed) == {"exception.type": "LookupError"}
    assert content.status_description(error, closed) is None


def test_the_policy_of_the_environment(monkeypatch: pytest.MonkeyPatch, fresh_policy: Callable[[], Policy], tmp_path: Path) -> None:
    (tmp_path / "house_rules.py").write_text("def hide(text):\n    return text.upper()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "span_and_event")
    monkeypatch.setenv("AGENTOPS_REDACTOR", "house_rules:hide")
    monkeypatch.setenv("AGENTOPS_CONTENT_MAX_BYTES", "2000")
    policy = fresh_policy()
    assert (policy.mode, policy.max_bytes, policy.emit_event) == (ContentMode.SPAN_AND_EVENT, 2000, True)
    assert content.redact("quiet", policy) == "QUIET"
    assert content.policy() is policy


@pytest.mark.parametrize("reference", ["no_such_module:hide", "json:no_such_name", "json:__doc__", "json"])
def test_a_redactor_that_cannot_be_loaded_hides_everything(
    monkeypatch: pytest.MonkeyPatch, fresh_policy: Callable[[], Policy], reference: str
) -> None:
    monkeypatch.setenv("AGENTOPS_REDACTOR", reference)
    assert content.redact("secret", fresh_policy()) == "[redaction failed]"


def test_a_misspelt_mode_records_nothing(
    monkeypatch: pytest.MonkeyPatch, fresh_policy: Callable[[], Policy], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    content.set_default_mode(ContentMode.SPAN_ONLY)
    with caplog.at_level(logging.WARNING, "agentops"):
        assert content.policy().mode is ContentMode.NO_CONTENT
    assert not content.policy().captures
    monkeypatch.delenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT")
    content.set_default_mode(ContentMode.SPAN_ONLY)
    assert content.policy().mode is ContentMode.SPAN_ONLY
    assert fresh_policy().mode is ContentMode.NO_CONTENT
