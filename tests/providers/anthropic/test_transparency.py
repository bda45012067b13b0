"""Calls and streams of the anthropic client: the same to the application with and without the instrumentor."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.fakes.anthropic_server import Reply
from tests.fakes.anthropic_wire import error_body
from tests.fakes.http_values import encode_event
from tests.providers import matrix
from tests.providers.anthropic.vendor import COUNTS, MODEL, PLAIN, STREAMS, asking, opening
from tests.providers.differential import MODES, Eyes
from tests.providers.endings import ENDINGS

if TYPE_CHECKING:
    from tests.providers.laboratory import Laboratory

TROUBLE: Final[dict[str, dict[str, Any]]] = {
    **{status: {"model": f"error-{status}"} for status in ("400", "401", "429", "500", "529")},
    "dropped": {"reply": Reply.drop()},
    "reset": {"reply": Reply.drop(abortive=True)},
    "cut": {"reply": Reply.json({"id": "x", "content": []}, disconnect_after=0)},
    "malformed JSON": {"reply": Reply.garbage()},
    "other content": {"reply": Reply.garbage(b"<html>", "text/html")},
    "empty object": {"reply": Reply.json({})},
    "null": {"reply": Reply.json(None)},
    "not HTTP": {"reply": Reply(verbatim=b"220 mail.example.org ESMTP\r\n")},
    "other shape": {"reply": Reply.json({"id": 7, "content": "none", "usage": "much", "stop_reason": ["x"], "input_tokens": {}})},
}
READABLE: Final = {name for name in TROUBLE if name not in ("empty object", "other shape")}
CUTS: Final[dict[str, dict[str, Any]]] = {
    "server closes": {"disconnect_after": 4},
    "server resets": {"disconnect_after": 4, "abortive": True},
    "server closes after the head": {"disconnect_after": 0},
    "malformed event": {"extra": b"event: content_block_delta\ndata: {not json\n\n"},
    "error event": {"extra": encode_event(("error", error_body(529)))},
    "no end": {"extra": b""},
    "not text": {"extra": b"event: content_block_delta\ndata: \xff\xfe\x00\n\n"},
}
"""How the service breaks a stream off after its fourth event."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", [*PLAIN, *COUNTS])
def test_answers_are_the_same(laboratory: Laboratory, surface: str, mode: str) -> None:
    attributes = matrix.same_answer(laboratory, asking(surface), mode)
    assert ("gen_ai.usage.input_tokens" in attributes) is (surface in PLAIN)
    assert ("gen_ai.output.messages" in attributes) is (surface in PLAIN)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", [name for name in (*PLAIN, *COUNTS) if "parse" not in name])
def test_answers_are_pickled_the_same(laboratory: Laboratory, surface: str, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        eyes.see("pickled", pickle.loads(pickle.dumps(await asking(surface)(client))))

    laboratory.both(body, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("surface", [*PLAIN, *COUNTS])
def test_errors_are_the_same(laboratory: Laboratory, surface: str, trouble: str, mode: str) -> None:
    script = TROUBLE[trouble]
    ask = asking(surface, model=script.get("model", MODEL))
    matrix.same_trouble(laboratory, ask, mode, script.get("reply"), readable=trouble in READABLE)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", PLAIN)
def test_timeouts_are_the_same(laboratory: Laboratory, surface: str, mode: str) -> None:
    eyes = matrix.same_trouble(laboratory, asking(surface, timeout=0.1), mode, Reply.hang())
    assert eyes.failure
    assert eyes.failure.__name__ == "APITimeoutError"


@pytest.mark.parametrize("surface", [*PLAIN, *COUNTS])
def test_cancelled_calls_are_the_same(laboratory: Laboratory, surface: str) -> None:
    matrix.same_cancelled_call(laboratory, asking(surface))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("surface", STREAMS)
def test_streams_are_the_same(laboratory: Laboratory, surface: str, ending: str, mode: str) -> None:
    matrix.same_stream(laboratory, opening(surface), ending, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("surface", STREAMS)
def test_broken_streams_are_the_same(laboratory: Laboratory, surface: str, cut: str, mode: str) -> None:
    matrix.same_broken_stream(laboratory, opening(surface), CUTS[cut], mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", STREAMS)
def test_silence_is_the_same(laboratory: Laboratory, surface: str, mode: str) -> None:
    matrix.same_broken_stream(laboratory, opening(surface, timeout=0.5), {"hang_after": 4}, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("model", ["error-400", "error-401", "error-429", "error-500", "error-stream"])
@pytest.mark.parametrize("surface", STREAMS)
def test_refused_streams_are_the_same(laboratory: Laboratory, surface: str, model: str, mode: str) -> None:
    matrix.same_refused_stream(laboratory, opening(surface, model=model), mode)


@pytest.mark.parametrize("surface", STREAMS)
@pytest.mark.parametrize("after", [0, 4])
def test_cancelled_tasks_are_the_same(laboratory: Laboratory, surface: str, after: int) -> None:
    matrix.same_cancelled_stream(laboratory, opening(surface), after)
