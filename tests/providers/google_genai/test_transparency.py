"""Calls and streams of the google-genai client: the same to the application with and without the instrumentor."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import pytest
from google.genai import _api_client as sdk

from tests.fakes.google_server import Reply
from tests.providers import matrix
from tests.providers.differential import Eyes, settle
from tests.providers.endings import DONE, ENDINGS, NOTHING
from tests.providers.google_genai.vendor import PLAIN, STREAMS, WAYS, asking, opening, settings

if TYPE_CHECKING:
    from tests.providers.laboratory import Laboratory

TROUBLE: Final[dict[str, dict[str, Any]]] = {
    **{status: {"model": f"error-{status}"} for status in ("400", "404", "429", "500")},
    "dropped": {"reply": Reply.drop()},
    "reset": {"reply": Reply.drop(abortive=True)},
    "cut": {"reply": Reply.json({"candidates": []}, disconnect_after=0)},
    "malformed JSON": {"reply": Reply.garbage()},
    "other content": {"reply": Reply.garbage(b"<html>", "text/html")},
    "empty object": {"reply": Reply.json({})},
    "nothing": {"reply": Reply()},
    "null": {"reply": Reply.json(None)},
    "not HTTP": {"reply": Reply(verbatim=b"220 mail.example.org ESMTP\r\n")},
    "other shape": {"reply": Reply.json({"candidates": [{}], "usageMetadata": {}, "embeddings": [{}], "promptFeedback": {}})},
}
CUTS: Final[dict[str, dict[str, Any]]] = {
    "server closes": {"disconnect_after": 4},
    "server resets": {"disconnect_after": 4, "abortive": True},
    "server closes after the head": {"disconnect_after": 0},
    "malformed event": {"extra": b"data: {not json\r\n\r\n"},
    "error event": {"extra": b'data: {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}\r\n\r\n'},
    "no end": {"extra": b"\r\n"},
    "not text": {"extra": b"data: \xff\xfe\x00\r\n\r\n"},
}
"""How the service breaks a stream off after its fourth event."""
WHERE_IT_ENDS: Final = [way for way in WAYS if way != "aiohttp" or hasattr(sdk, "_aiter_aiohttp_lines")]
"""Over aiohttp early versions wait for good where a stream breaks off or an answer is late, and never close a refused stream."""
ELSEWHERE: Final = "read elsewhere"
EACH_WAY: Final = pytest.mark.parametrize("way", WAYS)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over aiohttp the SDK asks again after some seconds, as many as chance says, when the service is gone."""
    monkeypatch.setattr(random, "randint", lambda *_bounds: -1)


def through(laboratory: Laboratory, way: str) -> str:
    """The mode of a way, once the laboratory's clients go that way."""
    mode, transport = WAYS[way]
    laboratory.vendor.transport = transport  # type: ignore[attr-defined]
    return mode


@EACH_WAY
@pytest.mark.parametrize("surface", PLAIN)
def test_answers_are_the_same(laboratory: Laboratory, surface: str, way: str) -> None:
    attributes = matrix.same_answer(laboratory, asking(surface), through(laboratory, way))
    assert ("gen_ai.usage.input_tokens" in attributes) is (surface in ("generate", "generate schema", "chat"))
    assert ("gen_ai.output.messages" in attributes) is (surface in ("generate", "generate schema", "chat"))


@EACH_WAY
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("surface", ["generate", "chat", "embed", "batch"])
def test_errors_are_the_same(laboratory: Laboratory, surface: str, trouble: str, way: str) -> None:
    script = TROUBLE[trouble]
    ask = asking(surface, **({"model": script["model"]} if "model" in script else {}))
    matrix.same_trouble(laboratory, ask, through(laboratory, way), script.get("reply"))


@pytest.mark.parametrize("way", WHERE_IT_ENDS)
@pytest.mark.parametrize("surface", ["generate", "embed"])
def test_timeouts_are_the_same(laboratory: Laboratory, surface: str, way: str) -> None:
    mode = through(laboratory, way)
    impatient = settings(laboratory.server, laboratory.vendor.transport, 0.1)  # type: ignore[attr-defined]
    timeout = {"config": {"http_options": {"timeout": impatient.timeout}}}

    async def ask(client: Any) -> Any:
        if surface == "generate":
            return await settle(client.models.generate_content(model="m", contents="a", **timeout))
        return await settle(client.models.embed_content(model="m", contents="a", **timeout))

    eyes = matrix.same_trouble(laboratory, ask, mode, Reply.hang())
    assert eyes.failure


@pytest.mark.parametrize("way", ["aiohttp", "httpx"])
@pytest.mark.parametrize("surface", PLAIN)
def test_cancelled_calls_are_the_same(laboratory: Laboratory, surface: str, way: str) -> None:
    through(laboratory, way)
    matrix.same_cancelled_call(laboratory, asking(surface))


@EACH_WAY
@pytest.mark.parametrize("ending", [name for name in ENDINGS if name not in matrix.MANAGED and ENDINGS[name][0] != NOTHING])
@pytest.mark.parametrize("surface", STREAMS)
def test_streams_are_the_same(laboratory: Laboratory, surface: str, ending: str, way: str) -> None:
    if (ending, way) == (ELSEWHERE, "sync"):
        # Nothing is asked for before the first read, in a thread that knows of no caller.
        laboratory.both(_reading_elsewhere(surface), "sync")
        assert laboratory.span.parent is None
        return
    attributes = matrix.same_stream(laboratory, opening(surface), ending, through(laboratory, way))
    if ENDINGS[ending][0] == DONE:
        assert attributes["gen_ai.response.finish_reasons"] == ("stop",)


def _reading_elsewhere(surface: str) -> Any:
    async def body(client: Any, eyes: Eyes) -> None:
        await ENDINGS[ELSEWHERE][1](await opening(surface)(client), eyes)

    return body


@EACH_WAY
@pytest.mark.parametrize("ending", [name for name in ENDINGS if ENDINGS[name][0] == NOTHING])
@pytest.mark.parametrize("surface", STREAMS)
def test_a_stream_that_asked_for_nothing_leaves_nothing(laboratory: Laboratory, surface: str, ending: str, way: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        eyes.server.enqueue_default(hang_after=0)
        opened = await opening(surface)(client)
        eyes.watch("stream", opened.stream)
        await ENDINGS[ending][1](opened, eyes)
        eyes.see("requests", len(eyes.server.requests))

    eyes = laboratory.both(body, through(laboratory, way), spans=None)
    ((_, (_, requests)),) = [note for note in eyes.notes if note[0] == "requests"]
    laboratory.telemetry.assert_balanced(requests)


@pytest.mark.parametrize("way", WHERE_IT_ENDS)
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("surface", STREAMS)
def test_broken_streams_are_the_same(laboratory: Laboratory, surface: str, cut: str, way: str) -> None:
    matrix.same_broken_stream(laboratory, opening(surface), CUTS[cut], through(laboratory, way))


@pytest.mark.parametrize("way", WHERE_IT_ENDS)
@pytest.mark.parametrize("model", ["error-400", "error-404", "error-429", "error-500"])
@pytest.mark.parametrize("surface", STREAMS)
def test_refused_streams_are_the_same(laboratory: Laboratory, surface: str, model: str, way: str) -> None:
    matrix.same_refused_stream(laboratory, opening(surface, model), through(laboratory, way))


@pytest.mark.parametrize("way", ["aiohttp", "httpx"])
@pytest.mark.parametrize("surface", STREAMS)
@pytest.mark.parametrize("after", [0, 4])
def test_cancelled_tasks_are_the_same(laboratory: Laboratory, surface: str, after: int, way: str) -> None:
    through(laboratory, way)
    matrix.same_cancelled_stream(laboratory, opening(surface), after)
