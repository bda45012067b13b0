"""The patched methods themselves: signatures, coroutines, wrong arguments, warnings; and the way back."""

from __future__ import annotations

import asyncio
import gc
import inspect
import pickle
import typing
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.fakes.openai_server import Reply
from tests.providers.differential import MODES, Eyes, pull, settle
from tests.providers.openai import sdk
from tests.providers.openai.surfaces import STREAMS, chat, creation, legacy, responses

if TYPE_CHECKING:
    from tests.providers.laboratory import Laboratory

METHODS = {
    "chat": lambda client: client.chat.completions.create,
    "chat parse": sdk.chat_parse,
    "responses": lambda client: client.responses.create,
    "responses parse": lambda client: client.responses.parse,
    "retrieve": lambda client: client.responses.retrieve,
    "embeddings": lambda client: client.embeddings.create,
    "completions": lambda client: client.completions.create,
}
CALLS: dict[str, Any] = {
    "chat": (lambda client, **more: client.chat.completions.create(**chat(**more))),
    "responses": (lambda client, **more: client.responses.create(**responses(**more))),
    "completions": (lambda client, **more: client.completions.create(**legacy(**more))),
    "embeddings": (lambda client, **more: client.embeddings.create(**{"model": "m", "input": "a", **more})),
}
PUBLIC = ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__", "__defaults__", "__kwdefaults__")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", METHODS)
def test_methods_look_the_same(laboratory: Laboratory, method: str, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        bound = METHODS[method](client)
        unbound = getattr(type(bound.__self__), bound.__name__)
        for name, function in (("bound", bound), ("unbound", unbound)):
            eyes.see(name, str(inspect.signature(function)))
            eyes.see("public", [repr(getattr(function, attribute, "none")) for attribute in PUBLIC])
            eyes.see("hints", repr(typing.get_type_hints(inspect.unwrap(function))))
            eyes.see("source", inspect.getsource(function))
            eyes.see("coroutine", inspect.iscoroutinefunction(inspect.unwrap(function)))
            eyes.see("as asked", [inspect.iscoroutinefunction(function), asyncio.iscoroutinefunction(function), callable(function)])
            eyes.see("kinds", [inspect.ismethod(function), inspect.isfunction(function), inspect.isroutine(function)])
        eyes.see("self", type(bound.__self__))
        eyes.see("equal", METHODS[method](client) == bound)
        eyes.see("hash", hash(METHODS[method](client)) == hash(bound))
        eyes.see("names", sorted(name for name in dir(bound) if not name.startswith("_")))

    laboratory.both(body, mode, spans=0)


@pytest.mark.parametrize("arguments", [{"nope": 1}, {"model": "m"}, {}])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", [name for name in METHODS if name != "retrieve"])
def test_wrong_arguments_raise_when_they_are_given(laboratory: Laboratory, method: str, mode: str, arguments: dict[str, Any]) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        answer = None
        try:
            answer = METHODS[method](client)(**arguments)
        except Exception as error:
            eyes.see("at the call", error)
        try:
            eyes.see("answer", await settle(answer))
        except Exception as error:
            eyes.see("at the await", error)

    laboratory.both(body, mode, spans=None)


@pytest.mark.parametrize("call", CALLS)
def test_coroutines_are_coroutines(laboratory: Laboratory, call: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        made = CALLS[call](client)
        eyes.see("kind", [type(made), inspect.iscoroutine(made), inspect.isawaitable(made), asyncio.iscoroutine(made)])
        eyes.see("names", [made.__name__, made.__qualname__, sorted(dir(made))])
        eyes.see("state", inspect.getcoroutinestate(made))
        await asyncio.sleep(0)
        eyes.see("nothing sent yet", len(eyes.server.requests))
        eyes.see("answer", await made)
        try:
            await made
        except RuntimeError as error:
            eyes.see("twice", [type(error), error.args])

    laboratory.both(body, "async")


@pytest.mark.parametrize("how", ["dropped", "closed", "thrown into"])
@pytest.mark.parametrize("call", CALLS)
def test_coroutines_that_are_never_awaited_warn_the_same(laboratory: Laboratory, call: str, how: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        made = CALLS[call](client)
        if how == "closed":
            made.close()
        elif how == "thrown into":
            try:
                made.throw(KeyError("k"))
            except KeyError as error:
                eyes.see("thrown", [type(error), error.args])
        del made
        gc.collect()
        eyes.see("requests", len(eyes.server.requests))

    laboratory.both(body, "async", spans=0)


@pytest.mark.parametrize("call", CALLS)
def test_calls_cancelled_before_their_answer(laboratory: Laboratory, call: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        eyes.server.enqueue(Reply.hang())
        task = asyncio.create_task(CALLS[call](client))
        while not eyes.server.requests:
            await asyncio.sleep(0.002)
        for _ in range(100):  # the service has the request before the client has left the code that sends it
            await asyncio.sleep(0)
        task.cancel("enough")
        try:
            await task
        except asyncio.CancelledError as error:
            eyes.failed(error)

    laboratory.both(body, "async")
    assert (laboratory.span.attributes or {})["error.type"] == "asyncio.exceptions.CancelledError"


@pytest.mark.parametrize("call", CALLS)
def test_calls_given_up_by_a_timeout_of_the_application(laboratory: Laboratory, call: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        eyes.server.enqueue(Reply.hang())
        asked = asyncio.ensure_future(CALLS[call](client))
        # Cancelled while it connects, a client on Python 3.10 may wait on.
        await asyncio.to_thread(eyes.server.wait_for, lambda: eyes.server.requests)
        try:
            await asyncio.wait_for(asked, 0.1)
        except asyncio.TimeoutError as error:
            eyes.see("given up", error)

    laboratory.both(body, "async")
    assert (laboratory.span.attributes or {})["error.type"] == "asyncio.exceptions.CancelledError"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", STREAMS)
def test_nothing_is_read_before_it_is_asked_for(laboratory: Laboratory, surface: str, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        identifier = await creation(client, surface)
        opened = await STREAMS[surface](client, **identifier)
        exchange = eyes.server.exchanges[-1]
        # Everything has left the service, and lies in the socket.
        eyes.see("all sent", eyes.server.wait_for(lambda: exchange.outcome == "served"))
        http: Any = getattr(opened.stream, "response", None) or opened.stream._response
        eyes.see("downloaded", http.num_bytes_downloaded)
        assert http.num_bytes_downloaded == 0
        eyes.see("closed", [http.is_closed, http.is_stream_consumed])
        eyes.see("first", await pull(opened.stream))
        eyes.see("consumed", [http.is_closed, http.is_stream_consumed])
        eyes.see("http", [type(http), sorted(dir(http)), inspect.ismethod(http.close), inspect.iscoroutinefunction(http.aclose)])
        pickle.loads(pickle.dumps(http))
        await settle(opened.stream.close())
        eyes.see("closed", [http.is_closed, sorted(vars(http))])
        await opened.leave()

    laboratory.both(body, mode)


def test_the_way_back_is_to_the_very_same_objects(laboratory: Laboratory) -> None:
    with openai.OpenAI(base_url=laboratory.server.base_url, api_key="test") as client:
        before = {name: inspect.getattr_static(type(take(client).__self__), take(client).__name__) for name, take in METHODS.items()}
        with laboratory.instrumented():
            pass
        after = {name: inspect.getattr_static(type(take(client).__self__), take(client).__name__) for name, take in METHODS.items()}
    assert all(after[name] is before[name] for name in METHODS)
