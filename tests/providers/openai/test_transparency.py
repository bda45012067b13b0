"""Plain calls: the same answer, request, error and traceback with and without the instrumentor."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import StatusCode

from tests.fakes.openai_server import Reply
from tests.providers.differential import MODES
from tests.providers.observation import Eyes, copies
from tests.providers.openai.surfaces import PLAIN

if TYPE_CHECKING:
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


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", PLAIN)
def test_answers_are_the_same(laboratory: Laboratory, surface: str, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        answer = eyes.see("answer", await PLAIN[surface](client))
        eyes.see("copies", copies(answer))
        eyes.see("pickled", pickle.loads(pickle.dumps(answer)) if "parse" not in surface else None)
        eyes.see("set", sorted(vars(answer)))
        eyes.watch("answer", answer)

    laboratory.both(body, mode)
    span = laboratory.span
    attributes = span.attributes or {}
    assert span.parent is not None
    assert span.status.status_code is StatusCode.UNSET
    assert "error.type" not in attributes
    assert span.events == ()
    if surface != "retrieve":
        assert attributes["gen_ai.usage.input_tokens"]
    if surface not in ("embeddings",):
        assert attributes["gen_ai.response.finish_reasons"]
        assert attributes["gen_ai.output.messages"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("surface", PLAIN)
def test_errors_are_the_same(laboratory: Laboratory, surface: str, trouble: str, mode: str) -> None:
    script = TROUBLE[trouble]

    async def body(client: Any, eyes: Eyes) -> None:
        if "reply" in script:
            eyes.server.enqueue(script["reply"])
        try:
            answer = await PLAIN[surface](client, model=script.get("model", "resp_unknown" if surface == "retrieve" else "gpt-4o-mini"))
        except Exception as error:
            eyes.failed(error)
        else:
            eyes.see("answer", answer)

    eyes = laboratory.both(body, mode)
    check_failure(laboratory, eyes)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", PLAIN)
def test_an_answer_of_another_shape_reaches_the_caller_as_it_is(laboratory: Laboratory, surface: str, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        eyes.server.enqueue(Reply.json({"id": 7, "choices": "none", "output": 3, "usage": "much", "data": {"a": None}}))
        try:
            eyes.see("answer", await PLAIN[surface](client, **({"model": "resp_1"} if surface == "retrieve" else {})))
        except Exception as error:
            eyes.failed(error)

    laboratory.both(body, mode, readable=False)


def check_failure(laboratory: Laboratory, eyes: Eyes) -> None:
    """An exception that came out of the SDK is on the span once, by its type; and on no span otherwise."""
    span = laboratory.span
    attributes = span.attributes or {}
    if eyes.failure is None:
        assert span.status.status_code is StatusCode.UNSET
        assert "error.type" not in attributes
        assert span.events == ()
        return
    kind = eyes.failure
    assert span.status.status_code is StatusCode.ERROR
    assert attributes["error.type"] == (kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}")
    (event,) = span.events
    assert event.name == "exception"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", ["chat", "responses", "embeddings", "chat parse"])
def test_timeouts_are_the_same(laboratory: Laboratory, surface: str, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        eyes.server.enqueue(Reply.hang())
        try:
            await PLAIN[surface](client, timeout=0.1)
        except Exception as error:
            eyes.failed(error)

    eyes = laboratory.both(body, mode)
    assert eyes.failure
    assert eyes.failure.__name__ == "APITimeoutError"
    check_failure(laboratory, eyes)
