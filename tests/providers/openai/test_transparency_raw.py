"""`with_raw_response` and `with_streaming_response`: read, parsed, iterated or left alone, the same with and without us."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import StatusCode

from tests.fakes.openai_server import Reply
from tests.providers.differential import MODES, Eyes, loop, settle
from tests.providers.endings import enter
from tests.providers.matrix import check_failure
from tests.providers.openai import sdk
from tests.providers.openai.surfaces import Tides, chat, legacy, responses

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.providers.laboratory import Laboratory

CALLS: dict[str, tuple[Callable[[Any], Any], str, dict[str, Any]]] = {
    "chat": (lambda client: client.chat.completions, "create", chat()),
    "chat parse": (lambda client: client.chat.completions, "parse", chat(response_format=Tides)),
    "responses": (lambda client: client.responses, "create", responses()),
    "responses parse": (lambda client: client.responses, "parse", responses(text_format=Tides)),
    "embeddings": (lambda client: client.embeddings, "create", {"model": "text-embedding-3-small", "input": "a", "dimensions": 4}),
    "completions": (lambda client: client.completions, "create", legacy()),
}
FACTS = ("status_code", "headers", "request_id", "retries_taken", "is_closed", "http_version", "method", "url")
# Clients differ in the forms of `parse` they have; none has `responses.with_streaming_response.parse`.
RAW_CALLS = [name for name, (resource, method, _) in CALLS.items() if hasattr(resource(sdk.CLIENT).with_raw_response, method)]
ENTERED = [name for name, (resource, method, _) in CALLS.items() if hasattr(resource(sdk.CLIENT).with_streaming_response, method)]
STREAMED = {name: CALLS[name] for name in ("chat", "responses", "completions")}


def facts(response: Any, eyes: Eyes) -> None:
    """What a raw response says of itself, its own attributes aside."""
    eyes.see("response", response)
    for name in FACTS:
        eyes.see(name, repr(getattr(response, name)))
    eyes.see("kinds", [type(response.http_response), type(response.elapsed) if response.is_closed else None])
    eyes.see("public", sorted(name for name in dir(response) if not name.startswith("_")))


async def raw(client: Any, call: str, **more: Any) -> Any:
    resource, method, arguments = CALLS[call]
    return await settle(getattr(resource(client).with_raw_response, method)(**arguments, **more))


def streaming(client: Any, call: str, **more: Any) -> Any:
    resource, method, arguments = CALLS[call]
    return getattr(resource(client).with_streaming_response, method)(**arguments, **more)


async def _parsed(response: Any, eyes: Eyes) -> None:
    parsed = eyes.see("parsed", await settle(response.parse()))
    eyes.see("the same again", await settle(response.parse()) is parsed)


async def _as_dict(response: Any, eyes: Eyes) -> None:
    for kind in (dict, str):
        try:
            eyes.see("as another type", await settle(response.parse(to=kind)))
        except Exception as error:  # of the SDK's own step after parsing
            eyes.see("raised", error)


async def _text(response: Any, eyes: Eyes) -> None:
    eyes.see("text", await settle(response.text() if callable(response.text) else response.text))


async def _content(response: Any, eyes: Eyes) -> None:
    eyes.see("content", response.content)


async def _left_alone(response: Any, eyes: Eyes) -> None:
    eyes.see("left alone", None)


async def _wrong(response: Any, eyes: Eyes) -> None:
    if eyes.mode == "sync":
        try:
            response.parse(1)
        except Exception as error:
            eyes.see("wrong", error)
    try:
        await settle(response.parse(to=7))
    except Exception as error:
        eyes.see("wrong type", error)


RAW = {"parsed": _parsed, "as other types": _as_dict, "text": _text, "content": _content, "left alone": _left_alone, "wrong": _wrong}


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


def whole(laboratory: Laboratory, call: str) -> None:
    """The span knows the answer, whichever way the application took it."""
    span = laboratory.span
    attributes = span.attributes or {}
    assert span.status.status_code is StatusCode.UNSET
    assert span.events == ()
    assert attributes["gen_ai.usage.input_tokens"]
    assert call == "embeddings" or attributes["gen_ai.response.finish_reasons"]


async def _read(response: Any, eyes: Eyes) -> None:
    eyes.see("read", await settle(response.read()))


async def _read_and_parsed(response: Any, eyes: Eyes) -> None:
    eyes.see("read", await settle(response.read()))
    await _parsed(response, eyes)


async def _json(response: Any, eyes: Eyes) -> None:
    eyes.see("json", await settle(response.json()))


async def _each(iterator: Any, eyes: Eyes) -> None:
    joined: list[Any] = []
    if hasattr(iterator, "__aiter__"):
        joined.extend([item async for item in iterator])
    else:
        joined.extend(iterator)
    eyes.see("items", (b"" if isinstance(joined[0], bytes) else "").join(joined))


async def _lines(response: Any, eyes: Eyes) -> None:
    await _each(response.iter_lines(), eyes)


async def _bytes(response: Any, eyes: Eyes) -> None:
    await _each(response.iter_bytes(7), eyes)


async def _text_pieces(response: Any, eyes: Eyes) -> None:
    await _each(response.iter_text(), eyes)


async def _closed_early(response: Any, eyes: Eyes) -> None:
    eyes.see("closed", await settle(response.close()))
    eyes.see("closed again", await settle(response.close()))
    try:
        await settle(response.read())
    except Exception as error:
        eyes.see("read after close", error)


KNOWN = {"read": _read, "read and parsed": _read_and_parsed, "json": _json, "text": _text, "parsed": _parsed}
UNKNOWN = {"lines": _lines, "bytes": _bytes, "text pieces": _text_pieces, "not read": _left_alone, "closed early": _closed_early}
OTHER = {"as other types": _as_dict, "wrong": _wrong}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("use", [*KNOWN, *UNKNOWN, *OTHER])
@pytest.mark.parametrize("call", ENTERED)
def test_streaming_responses_are_the_same(laboratory: Laboratory, call: str, use: str, mode: str) -> None:
    act = {**KNOWN, **UNKNOWN, **OTHER}[use]

    async def body(client: Any, eyes: Eyes) -> None:
        manager = eyes.see("manager", streaming(client, call))
        response = await enter(manager)
        eyes.watch("response", response)
        facts(response, eyes)
        eyes.see("downloaded", response.http_response.num_bytes_downloaded)
        await act(response, eyes)
        await (manager.__aexit__(None, None, None) if mode == "async" else settle(manager.__exit__(None, None, None)))
        eyes.see("closed", [response.is_closed, sorted(vars(response))])

    laboratory.both(body, mode)
    if use in UNKNOWN:
        assert laboratory.span.status.status_code is StatusCode.UNSET
        assert laboratory.span.events == ()
    else:
        whole(laboratory, call)


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
        eyes.see("downloaded", response.http_response.num_bytes_downloaded)
        await act(response, eyes)
        await (manager.__aexit__(None, None, None) if mode == "async" else settle(manager.__exit__(None, None, None)))

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
    assert (laboratory.span.attributes or {})["gen_ai.response.finish_reasons"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("how", ["raw", "streaming"])
@pytest.mark.parametrize("model", ["error-400", "error-429", "error-500"])
def test_refusals_are_the_same(laboratory: Laboratory, model: str, how: str, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        calls = client.chat.completions
        try:
            if how == "raw":
                await settle(calls.with_raw_response.create(**{**chat(), "model": model}))
            else:
                await enter(calls.with_streaming_response.create(**{**chat(), "model": model}))
        except Exception as error:
            eyes.failed(error)

    eyes = laboratory.both(body, mode)
    assert eyes.failure
    check_failure(laboratory, eyes)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reply", [Reply.garbage(), Reply.garbage(b"<html>", "text/html"), Reply.json(None), Reply.json({})])
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
            await (manager.__aexit__(None, None, None) if mode == "async" else settle(manager.__exit__(None, None, None)))

    laboratory.both(body, mode)
