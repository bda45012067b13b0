"""The patched methods themselves: signatures, coroutines, wrong arguments, managers; and the time at which anything is read."""

from __future__ import annotations

import asyncio
import gc
import inspect
import pickle
import typing
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.anthropic_server import Reply
from tests.providers.anthropic.vendor import MESSAGES, MODEL, STREAMS, asked, opening
from tests.providers.differential import MODES, Eyes, loop, pull, settle
from tests.providers.endings import enter

if TYPE_CHECKING:
    from tests.providers.laboratory import Laboratory

METHODS = {
    "create": lambda client: client.messages.create,
    "stream": lambda client: client.messages.stream,
    "count_tokens": lambda client: client.messages.count_tokens,
    "beta create": lambda client: client.beta.messages.create,
    "beta stream": lambda client: client.beta.messages.stream,
    "batches": lambda client: client.messages.batches.create,
    "results": lambda client: client.messages.batches.results,
}
CALLS: dict[str, Any] = {
    "create": lambda client: client.messages.create(**asked()),
    "beta": lambda client: client.beta.messages.create(**asked(stream=True)),
    "count_tokens": lambda client: client.messages.count_tokens(model=MODEL, messages=MESSAGES),
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
            eyes.see("as asked", [inspect.iscoroutinefunction(function), asyncio.iscoroutinefunction(function), callable(function)])
            eyes.see("kinds", [inspect.ismethod(function), inspect.isfunction(function), inspect.isroutine(function)])
        eyes.see("equal", METHODS[method](client) == bound)
        eyes.see("names", sorted(name for name in dir(bound) if not name.startswith("_")))

    laboratory.both(body, mode, spans=0)


@pytest.mark.parametrize(
    "arguments", [{"nope": 1}, {"model": "m"}, {}, {"model": "m", "max_tokens": 1, "messages": [], "output_format": 7}]
)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", METHODS)
def test_wrong_arguments_raise_when_they_are_given(laboratory: Laboratory, method: str, mode: str, arguments: dict[str, Any]) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        answer = None
        try:
            answer = METHODS[method](client)(**arguments)
        except Exception as error:
            eyes.see("at the call", error)
        try:
            eyes.see("answer", await (enter(answer) if hasattr(answer, "__exit__") or hasattr(answer, "__aexit__") else settle(answer)))
        except Exception as error:
            eyes.see("at the await", error)

    laboratory.both(body, mode, spans=None)


@pytest.mark.parametrize("call", CALLS)
def test_coroutines_are_coroutines(laboratory: Laboratory, call: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        made = CALLS[call](client)
        eyes.see("kind", [type(made), inspect.iscoroutine(made), inspect.isawaitable(made), made.__name__, made.__qualname__])
        await asyncio.sleep(0)
        eyes.see("nothing sent yet", len(eyes.server.requests))
        answer = await made
        if hasattr(answer, "close"):
            await answer.close()
        try:
            await made
        except RuntimeError as error:
            eyes.see("twice", [type(error), error.args])

    laboratory.both(body, "async")


@pytest.mark.parametrize("how", ["dropped", "closed"])
@pytest.mark.parametrize("call", CALLS)
def test_coroutines_that_are_never_awaited_warn_the_same(laboratory: Laboratory, call: str, how: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        made = CALLS[call](client)
        if how == "closed":
            made.close()
        del made
        gc.collect()
        eyes.see("requests", len(eyes.server.requests))

    laboratory.both(body, "async", spans=0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("beta", [False, True])
def test_a_manager_asks_for_nothing_until_it_is_entered(laboratory: Laboratory, beta: bool, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        messages = client.beta.messages if beta else client.messages
        manager = eyes.see("manager", messages.stream(**asked()))
        eyes.see("state", sorted(vars(manager)))
        await asyncio.sleep(0) if eyes.mode == "async" else None
        eyes.see("requests", len(eyes.server.requests))
        if eyes.mode == "async":
            async with manager as stream:
                eyes.see("stream", stream)
                await loop(stream, eyes)
                eyes.see("message", await stream.get_final_message())
        else:
            with manager as stream:
                eyes.see("stream", stream)
                await loop(stream, eyes)
                eyes.see("message", stream.get_final_message())

    laboratory.both(body, mode)
    assert (laboratory.span.attributes or {})["gen_ai.usage.output_tokens"]


@pytest.mark.parametrize("mode", MODES)
def test_the_text_of_a_managers_stream(laboratory: Laboratory, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        manager = client.messages.stream(**asked())
        stream = await enter(manager)
        texts = stream.text_stream
        eyes.see("texts", [text async for text in texts] if eyes.mode == "async" else list(texts))
        eyes.see("snapshot", stream.current_message_snapshot)
        await (manager.__aexit__(None, None, None) if eyes.mode == "async" else settle(manager.__exit__(None, None, None)))

    laboratory.both(body, mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_manager_that_is_never_entered(laboratory: Laboratory, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        eyes.watch("manager", client.messages.stream(**asked()))
        gc.collect()
        eyes.see("requests", len(eyes.server.requests))

    laboratory.both(body, mode, spans=0)


@pytest.mark.parametrize("mode", MODES)
def test_a_manager_that_is_entered_twice(laboratory: Laboratory, mode: str) -> None:
    async def body(client: Any, eyes: Eyes) -> None:
        manager = client.messages.stream(**asked())
        for _ in range(2):
            try:
                stream = await enter(manager)
            except RuntimeError as error:  # the client awaits its coroutine again
                eyes.see("again", [type(error), error.args])
            else:
                await settle(stream.get_final_message())

    laboratory.both(body, mode, spans=2 if mode == "sync" else 1)


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
        opened = await opening(surface)(client)
        exchange = eyes.server.exchanges[-1]
        # Everything has left the service, and lies in the socket.
        eyes.see("all sent", eyes.server.wait_for(lambda: exchange.outcome == "served"))
        http: Any = opened.stream.response
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


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", ["create", "stream", "beta create"])
def test_warnings_point_at_the_same_line(laboratory: Laboratory, method: str, mode: str) -> None:
    """Python shows a deprecation by default only where it points at the program itself."""

    async def body(client: Any, eyes: Eyes) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            answer = METHODS[method](client)(**asked(model="claude-2.1"))
            await (enter(answer) if method == "stream" else settle(answer))
        deprecations = [one for one in caught if one.category is DeprecationWarning]
        assert deprecations
        eyes.see("warned", [(one.filename, one.lineno) for one in deprecations])

    laboratory.both(body, mode)
