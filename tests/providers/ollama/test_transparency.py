"""Calls and streams of the ollama client: the same to the application with and without the instrumentor."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.fakes.ollama_server import Reply
from tests.providers import matrix
from tests.providers.differential import MODES, Eyes, settle
from tests.providers.endings import ENDINGS
from tests.providers.ollama.vendor import MESSAGES, MODEL, PLAIN, STREAMS, asking, opening

if TYPE_CHECKING:
    from tests.providers.laboratory import Laboratory

TROUBLE: Final[dict[str, dict[str, Any]]] = {
    **{status: {"model": f"error-{status}"} for status in ("400", "404", "429", "500")},
    "dropped": {"reply": Reply.drop()},
    "reset": {"reply": Reply.drop(abortive=True)},
    "cut": {"reply": Reply.json({"model": MODEL}, disconnect_after=0)},
    "malformed JSON": {"reply": Reply.garbage()},
    "other content": {"reply": Reply.garbage(b"<html>", "text/html")},
    "empty object": {"reply": Reply.json({})},
    "null": {"reply": Reply.json(None)},
    "not HTTP": {"reply": Reply(verbatim=b"220 mail.example.org ESMTP\r\n")},
    "other shape": {"reply": Reply.json({"message": 7, "response": [], "embeddings": "none", "embedding": {}, "done_reason": None})},
}
CUTS: Final[dict[str, dict[str, Any]]] = {
    "server closes": {"disconnect_after": 4},
    "server resets": {"disconnect_after": 4, "abortive": True},
    "server closes after the head": {"disconnect_after": 0},
    "malformed line": {"extra": b"{not json\n"},
    "error line": {"extra": b'{"error": "llama runner exited"}\n'},
    "no end": {"extra": b""},
    "not text": {"extra": b"\xff\xfe\x00\n"},
}
"""How the server breaks a stream off after its fourth line."""


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", PLAIN)
def test_answers_are_the_same(laboratory: Laboratory, surface: str, mode: str) -> None:
    attributes = matrix.same_answer(laboratory, asking(surface), mode)
    assert ("gen_ai.usage.input_tokens" in attributes) is (surface != "embeddings")
    assert ("gen_ai.output.messages" in attributes) is (not surface.startswith("embed"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", PLAIN)
def test_answers_are_pickled_the_same(laboratory: Laboratory, surface: str, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        eyes.see("pickled", pickle.loads(pickle.dumps(await asking(surface)(client))))

    laboratory.both(body, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("surface", PLAIN)
def test_errors_are_the_same(laboratory: Laboratory, surface: str, trouble: str, mode: str) -> None:
    script = TROUBLE[trouble]
    ask = asking(surface, script.get("model", MODEL))
    matrix.same_trouble(laboratory, ask, mode, script.get("reply"), readable=trouble != "other shape")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", ["chat", "generate", "embed"])
def test_timeouts_are_the_same(laboratory: Laboratory, surface: str, mode: str) -> None:
    async def ask(client: Any) -> Any:
        client._client.timeout = 0.1
        return await asking(surface)(client)

    eyes = matrix.same_trouble(laboratory, ask, mode, Reply.hang())
    assert eyes.failure
    assert eyes.failure.__name__ == "ReadTimeout"


@pytest.mark.parametrize("surface", PLAIN)
def test_cancelled_calls_are_the_same(laboratory: Laboratory, surface: str) -> None:
    matrix.same_cancelled_call(laboratory, asking(surface))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ending", [name for name in ENDINGS if name not in matrix.MANAGED])
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
    async def opener(client: Any) -> Any:
        client._client.timeout = 0.5
        return await opening(surface)(client)

    matrix.same_broken_stream(laboratory, opener, {"hang_after": 4}, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("model", ["error-400", "error-404", "error-500", "error-stream"])
@pytest.mark.parametrize("surface", STREAMS)
def test_refused_streams_are_the_same(laboratory: Laboratory, surface: str, model: str, mode: str) -> None:
    matrix.same_refused_stream(laboratory, opening(surface, model), mode)


@pytest.mark.parametrize("surface", STREAMS)
@pytest.mark.parametrize("after", [0, 4])
def test_cancelled_tasks_are_the_same(laboratory: Laboratory, surface: str, after: int) -> None:
    matrix.same_cancelled_stream(laboratory, opening(surface), after)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_sent_before_the_first_read(laboratory: Laboratory, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        opened = await opening("chat")(client)
        eyes.see("requests", len(eyes.server.requests))
        assert not eyes.server.requests
        await settle((opened.stream.aclose if hasattr(opened.stream, "aclose") else opened.stream.close)())

    laboratory.both(body, mode)


@pytest.mark.parametrize("mode", MODES)
def test_what_is_no_operation_leaves_no_span(laboratory: Laboratory, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        eyes.server.enqueue(Reply.json({"models": []}), Reply.json({"status": "success"}))
        eyes.see("list", await settle(client.list()))
        eyes.see("delete", await settle(client.delete("m")))

    laboratory.both(body, mode, spans=0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "arguments", [{}, {"model": ""}, {"nope": 1}, {"model": "m", "messages": 3}, {"model": "m", "messages": [{"role": 1}]}]
)
def test_arguments_that_the_client_refuses_raise_the_same(laboratory: Laboratory, arguments: dict[str, Any], mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        try:
            eyes.see("answer", await settle(client.chat(**arguments)))
        except Exception as error:
            eyes.see("raised", error)

    laboratory.both(body, mode, spans=0)


def test_coroutines_are_coroutines(laboratory: Laboratory) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        made = client.chat(MODEL, MESSAGES)
        eyes.see("kind", [type(made), made.__name__, made.__qualname__, sorted(dir(made))])
        eyes.see("nothing sent yet", len(eyes.server.requests))
        eyes.see("answer", await made)
        client.chat(MODEL, MESSAGES).close()

    laboratory.both(body, "async")
