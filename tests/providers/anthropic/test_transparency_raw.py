"""`with_raw_response` and `with_streaming_response`: read, parsed, iterated or left alone, the same with and without us."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import StatusCode

from tests.fakes.anthropic_server import Reply
from tests.providers import matrix
from tests.providers.anthropic.vendor import CLIENT, MESSAGES, MODEL, Tides, asked
from tests.providers.differential import MODES, Eyes, loop, settle
from tests.providers.endings import enter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.providers.laboratory import Laboratory

CALLS: dict[str, tuple[Callable[[Any], Any], str, dict[str, Any]]] = {
    "create": (lambda client: client.messages, "create", asked()),
    "beta": (lambda client: client.beta.messages, "create", asked()),
    "parse": (lambda client: client.messages, "parse", asked(output_format=Tides)),
    "beta parse": (lambda client: client.beta.messages, "parse", asked(output_format=Tides)),
    "count_tokens": (lambda client: client.messages, "count_tokens", {"model": MODEL, "messages": MESSAGES}),
}
FACTS = ("status_code", "headers", "request_id", "retries_taken", "is_closed", "http_version", "method", "url")
# Clients differ in the forms of `parse` they have.
RAW_CALLS = [name for name, (resource, method, _) in CALLS.items() if hasattr(resource(CLIENT).with_raw_response, method)]
ENTERED = [name for name, (resource, method, _) in CALLS.items() if hasattr(resource(CLIENT).with_streaming_response, method)]
STREAMED = ("create", "beta")


def facts(response: Any, eyes: Eyes) -> None:
    """What a raw response says of itself, its own attributes aside."""
    eyes.see("response", response)
    for name in FACTS:
        eyes.see(name, repr(getattr(response, name, "none")))
    eyes.see("kinds", [type(response.http_response), type(response.elapsed) if response.is_closed else None])
    eyes.see("public", sorted(name for name in dir(response) if not name.startswith("_")))


async def raw(client: Any, call: str, **more: Any) -> Any:
    resource, method, arguments = CALLS[call]
    return await settle(getattr(resource(client).with_raw_response, method)(**arguments, **more))


def streaming(client: Any, call: str, **more: Any) -> Any:
    resource, method, arguments = CALLS[call]
    return getattr(resource(client).with_streaming_response, method)(**arguments, **more)


async def leave(manager: Any, eyes: Eyes) -> None:
    await (manager.__aexit__(None, None, None) if eyes.mode == "async" else settle(manager.__exit__(None, None, None)))


async def _parsed(response: Any, eyes: Eyes) -> None:
    parsed = eyes.see("parsed", await settle(response.parse()))
    eyes.see("the same again", await settle(response.parse()) is parsed)


async def _text(response: Any, eyes: Eyes) -> None:
    eyes.see("text", await settle(response.text() if callable(response.text) else response.text))


async def _left_alone(response: Any, eyes: Eyes) -> None:
    eyes.see("left alone", None)


async def _read(response: Any, eyes: Eyes) -> None:
    eyes.see("read", await settle(response.read()))


async def _read_and_parsed(response: Any, eyes: Eyes) -> None:
    await _read(response, eyes)
    await _parsed(response, eyes)


async def _json(response: Any, eyes: Eyes) -> None:
    eyes.see("json", await settle(response.json()))


async def _lines(response: Any, eyes: Eyes) -> None:
    lines = response.iter_lines()
    eyes.see("lines", [line async for line in lines] if hasattr(lines, "__aiter__") else list(lines))


async def _bytes(response: Any, eyes: Eyes) -> None:
    pieces = response.iter_bytes(7)
    eyes.see("bytes", b"".join([piece async for piece in pieces] if hasattr(pieces, "__aiter__") else list(pieces)))


async def _closed_early(response: Any, eyes: Eyes) -> None:
    eyes.see("closed", await settle(response.close()))
    try:
        await settle(response.read())
    except Exception as error:
        eyes.see("read after close", error)


RAW = {"parsed": _parsed, "text": _text, "left alone": _left_alone}
KNOWN = {"read": _read, "read and parsed": _read_and_parsed, "json": _json, "text": _text, "parsed": _parsed}
UNKNOWN = {"lines": _lines, "bytes": _bytes, "not read": _left_alone, "closed early": _closed_early}


def whole(laboratory: Laboratory, call: str) -> None:
    """The span knows the answer, whichever way the application took it."""
    attributes = matrix.succeeded(laboratory)
    counted = "anthropic.message.count_tokens.input_tokens" if call == "count_tokens" else "gen_ai.usage.output_tokens"
    assert attributes[counted]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("use", RAW)
@pytest.mark.parametrize("call", RAW_CALLS)
def test_raw_responses_are_the_same(laboratory: Laboratory, call: str, use: str, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        response = await raw(client, call)
        eyes.watch("response", response)
        facts(response, eyes)
        await RAW[use](response, eyes)
        eyes.see("http", len(pickle.dumps(response.http_response.headers.raw)))

    laboratory.both(body, mode)
    whole(laboratory, call)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("use", [*KNOWN, *UNKNOWN])
@pytest.mark.parametrize("call", ENTERED)
def test_streaming_responses_are_the_same(laboratory: Laboratory, call: str, use: str, mode: str) -> None:
    act = {**KNOWN, **UNKNOWN}[use]

    async def body(client: Any, eyes: Eyes) -> None:
        manager = eyes.see("manager", streaming(client, call))
        response = await enter(manager)
        eyes.watch("response", response)
        facts(response, eyes)
        eyes.see("downloaded", response.http_response.num_bytes_downloaded)
        await act(response, eyes)
        await leave(manager, eyes)
        eyes.see("closed", response.is_closed)

    laboratory.both(body, mode)
    if use in KNOWN:
        whole(laboratory, call)
    else:
        matrix.succeeded(laboratory)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("use", ["lines", "bytes", "read", "not read", "closed early"])
@pytest.mark.parametrize("call", STREAMED)
def test_event_streams_taken_as_text_are_the_same(laboratory: Laboratory, call: str, use: str, mode: str) -> None:
    act = {**KNOWN, **UNKNOWN}[use]

    async def body(client: Any, eyes: Eyes) -> None:
        manager = streaming(client, call, stream=True)
        response = await enter(manager)
        eyes.watch("response", response)
        facts(response, eyes)
        await act(response, eyes)
        await leave(manager, eyes)

    laboratory.both(body, mode)
    assert laboratory.span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("call", STREAMED)
def test_raw_event_streams_are_the_same(laboratory: Laboratory, call: str, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        response = await raw(client, call, stream=True)
        eyes.watch("response", response)
        facts(response, eyes)
        stream = eyes.see("stream", await settle(response.parse()))
        eyes.see("the same again", await settle(response.parse()) is stream)
        del response
        await loop(stream, eyes)

    laboratory.both(body, mode)
    assert matrix.succeeded(laboratory)["gen_ai.response.finish_reasons"] == ("stop",)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("how", ["raw", "streaming"])
@pytest.mark.parametrize("model", ["error-400", "error-429", "error-529"])
def test_refusals_are_the_same(laboratory: Laboratory, model: str, how: str, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        try:
            if how == "raw":
                await settle(client.messages.with_raw_response.create(**asked(model=model)))
            else:
                await enter(client.messages.with_streaming_response.create(**asked(model=model)))
        except Exception as error:
            eyes.failed(error)

    eyes = laboratory.both(body, mode)
    assert eyes.failure
    matrix.check_failure(laboratory, eyes)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reply", [Reply.garbage(), Reply.garbage(b"<html>", "text/html"), Reply.json(None)])
@pytest.mark.parametrize(("call", "how"), [*((name, "raw") for name in RAW_CALLS), *((name, "streaming") for name in ENTERED)])
def test_malformed_bodies_are_the_same(laboratory: Laboratory, call: str, how: str, reply: Reply, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        eyes.server.enqueue(reply)
        manager = None
        if how == "raw":
            response = await raw(client, call)
        else:
            manager = streaming(client, call)
            response = await enter(manager)
        try:
            eyes.see("parsed", await settle(response.parse()))
        except Exception as error:
            eyes.failed(error)
        if manager is not None:
            await leave(manager, eyes)

    laboratory.both(body, mode)
