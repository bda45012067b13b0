"""Plain calls: the same answer, request, error and traceback with and without the instrumentor."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.openai_server import Reply
from tests.providers import matrix
from tests.providers.differential import MODES, Eyes
from tests.providers.openai.surfaces import PLAIN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.providers.laboratory import Laboratory

TROUBLE: dict[str, dict[str, Any]] = {
    "400": {"model": "error-400"},
    "401": {"model": "error-401"},
    "429": {"model": "error-429"},
    "500": {"model": "error-500"},
    "dropped": {"reply": Reply.drop()},
    "reset": {"reply": Reply.drop(abortive=True)},
    "cut": {"reply": Reply.json({"id": "x", "choices": []}, disconnect_after=0)},
    "malformed JSON": {"reply": Reply.garbage()},
    "other content": {"reply": Reply.garbage(b"<html>", "text/html")},
    "empty object": {"reply": Reply.json({})},
    "null": {"reply": Reply.json(None)},
    "not HTTP": {"reply": Reply(verbatim=b"220 mail.example.org ESMTP\r\n")},
}


def asking(surface: str, **more: Any) -> Callable[[Any], Awaitable[Any]]:
    """A plain call on `surface`."""

    async def ask(client: Any) -> Any:
        return await PLAIN[surface](client, **more)

    return ask


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", PLAIN)
def test_answers_are_the_same(laboratory: Laboratory, surface: str, mode: str) -> None:
    attributes = matrix.same_answer(laboratory, asking(surface), mode)
    if surface != "retrieve":
        assert attributes["gen_ai.usage.input_tokens"]
    if surface not in ("embeddings",):
        assert attributes["gen_ai.response.finish_reasons"]
        assert attributes["gen_ai.output.messages"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", [name for name in PLAIN if "parse" not in name])
def test_answers_are_pickled_the_same(laboratory: Laboratory, surface: str, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        eyes.see("pickled", pickle.loads(pickle.dumps(await PLAIN[surface](client))))

    laboratory.both(body, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("surface", PLAIN)
def test_errors_are_the_same(laboratory: Laboratory, surface: str, trouble: str, mode: str) -> None:
    script = TROUBLE[trouble]
    model = script.get("model", "resp_unknown" if surface == "retrieve" else "gpt-4o-mini")
    matrix.same_trouble(laboratory, asking(surface, model=model), mode, script.get("reply"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", PLAIN)
def test_an_answer_of_another_shape_reaches_the_caller_as_it_is(laboratory: Laboratory, surface: str, mode: str) -> None:
    reply = Reply.json({"id": 7, "choices": "none", "output": 3, "usage": "much", "data": {"a": None}})
    ask = asking(surface, **({"model": "resp_1"} if surface == "retrieve" else {}))
    matrix.same_trouble(laboratory, ask, mode, reply, readable=False)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", ["chat", "responses", "embeddings", "chat parse"])
def test_timeouts_are_the_same(laboratory: Laboratory, surface: str, mode: str) -> None:
    eyes = matrix.same_trouble(laboratory, asking(surface, timeout=0.1), mode, Reply.hang())
    assert eyes.failure
    assert eyes.failure.__name__ == "APITimeoutError"
