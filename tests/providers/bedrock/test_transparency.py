"""Calls and event streams of the AWS clients: the same to the application with and without the instrumentor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.fakes import aws_eventstream
from tests.fakes.aws_bedrock import Reply
from tests.providers import matrix
from tests.providers.bedrock.vendor import MODEL, PLAIN, STREAMS, asking, opening
from tests.providers.differential import MODES, Eyes, settle
from tests.providers.endings import ENDINGS
from tests.providers.observation import copies

if TYPE_CHECKING:
    from tests.providers.laboratory import Laboratory

TROUBLE: Final[dict[str, dict[str, Any]]] = {
    **{status: {"model": f"error-{status}"} for status in ("400", "403", "429", "500", "503")},
    "dropped": {"reply": Reply.drop()},
    "reset": {"reply": Reply.drop(abortive=True)},
    "cut": {"reply": Reply.json({"usage": {}}, disconnect_after=0)},
    "malformed JSON": {"reply": Reply.garbage()},
    "empty object": {"reply": Reply.json({})},
    "not HTTP": {"reply": Reply(verbatim=b"220 mail.example.org ESMTP\r\n")},
    "other shape": {"reply": Reply.json({"output": {"message": {"content": [{"text": None}, {}]}, "text": 1}, "usage": {}, "outputs": []})},
}
CUTS: Final[dict[str, dict[str, Any]]] = {
    "server closes": {"disconnect_after": 4},
    "server resets": {"disconnect_after": 4, "abortive": True},
    "server closes after the head": {"disconnect_after": 0},
    "exception": {"extra": aws_eventstream.encode_exception("throttlingException", "slow down")},
    "error": {"extra": aws_eventstream.encode_error("InternalServerException", "broken")},
    "unknown event": {"extra": aws_eventstream.encode_event("heartbeat", {"n": 1})},
    "malformed event": {"extra": aws_eventstream.encode_event("contentBlockDelta", b"{not json")},
    "flipped bit": {"extra": aws_eventstream.encode_event("chunk", {"n": 1})[:-1] + b"\x00"},
    "no end": {"extra": b""},
    "half a message": {"extra": aws_eventstream.encode_event("chunk", {"n": 1})[:20]},
}
"""How the service breaks a stream off after its fourth event."""
_BRIEFLY: Final = ("drained", "left and closed", "collected")
"""Endings enough for operations that share every line with another."""
BY_HAND: Final = ("drained by next", "left and resumed", "read after close", "closed elsewhere", "read elsewhere")
"""Endings that step through a stream, which an event stream does not do by itself."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", PLAIN)
def test_answers_are_the_same(laboratory: Laboratory, surface: str, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        answer = eyes.see("answer", await asking(surface)(client))
        eyes.see("copies", copies(answer))

    laboratory.both(body, mode)
    attributes = matrix.succeeded(laboratory)
    assert ("gen_ai.usage.input_tokens" in attributes) is surface.startswith("converse")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("surface", ["converse", "generate"])
def test_errors_are_the_same(laboratory: Laboratory, surface: str, trouble: str, mode: str) -> None:
    script = TROUBLE[trouble]
    matrix.same_trouble(laboratory, asking(surface, script.get("model", MODEL)), mode, script.get("reply"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", PLAIN)
def test_refusals_are_the_same(laboratory: Laboratory, surface: str, mode: str) -> None:
    matrix.same_trouble(laboratory, asking(surface, "error-429"), mode)


@pytest.mark.parametrize("mode", MODES)
def test_timeouts_are_the_same(laboratory: Laboratory, mode: str) -> None:
    async def ask(_client: Any) -> Any:
        impatient = await settle(laboratory.vendor.client(mode, read_timeout=0.1))
        try:
            return await asking("converse")(impatient)
        finally:
            await settle(laboratory.vendor.close(impatient))

    eyes = matrix.same_trouble(laboratory, ask, mode, Reply.hang())
    assert eyes.failure
    assert eyes.failure.__name__ == "ReadTimeoutError"


def test_a_cancelled_call_is_the_same(laboratory: Laboratory) -> None:
    matrix.same_cancelled_call(laboratory, asking("converse"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("surface", "ending"),
    [
        (surface, ending)
        for surface in STREAMS
        for ending in ENDINGS
        if ending not in matrix.MANAGED and (surface in ("converse", "invoke") or ending in _BRIEFLY)
    ],
)
def test_streams_are_the_same(laboratory: Laboratory, surface: str, ending: str, mode: str) -> None:
    matrix.same_stream(laboratory, opening(surface, held=ending in BY_HAND), ending, mode, tokens=surface in ("converse", "invoke"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("surface", ["converse", "agent"])
def test_broken_streams_are_the_same(laboratory: Laboratory, surface: str, cut: str, mode: str) -> None:
    matrix.same_broken_stream(laboratory, opening(surface), CUTS[cut], mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("model", ["error-429"])
@pytest.mark.parametrize("surface", STREAMS)
def test_refused_streams_are_the_same(laboratory: Laboratory, surface: str, model: str, mode: str) -> None:
    matrix.same_refused_stream(laboratory, opening(surface, model), mode)


@pytest.mark.parametrize("after", [0, 4])
@pytest.mark.parametrize("surface", ["converse", "invoke"])
def test_cancelled_streams_are_the_same(laboratory: Laboratory, surface: str, after: int) -> None:
    matrix.same_cancelled_stream(laboratory, opening(surface), after)
