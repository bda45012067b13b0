"""Runs a piece of an application twice, bare and instrumented, and keeps everything the application could tell apart.

A piece is one `async def body(client, eyes)`; with a synchronous client nothing in it ever suspends, so both kinds of
client run the same lines. What `eyes` saw must be equal, by value, by exact type and by traceback.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import re
import sys
import time
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from tests.providers.observation import Eyes, Outcome, describe, without_addresses

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from agentops_instrumentors.core.instrumentor import ProviderInstrumentor
    from tests.fakes.http import HttpServer

    Body = Callable[[Any, Eyes], Awaitable[None]]

MODES: Final = ("sync", "async")
END: Final = "the end of the stream"
_APPLICATION: Final = TracerProvider(shutdown_on_exit=False)


class Vendor(Protocol):
    """One vendor's SDK and the fake service it talks to. `unreadable` begins the log line of an answer that made no sense."""

    server: HttpServer
    instrumentor: type[ProviderInstrumentor]
    unreadable: str

    def client(self, mode: str) -> Any:
        """A new client, `sync` or `async`, that neither retries nor waits longer than some seconds; an async one may be awaitable."""
        ...

    def close(self, client: Any) -> Any:
        """Close a client and its connections: awaitable for an async one."""
        ...


def observe(body: Body, mode: str, vendor: Vendor, at_most: int | None = None) -> tuple[Outcome, Eyes]:
    """Run `body` once, in a span of the caller's; wait until no more than `at_most` connections are open."""
    server = vendor.server
    server.hold()
    # What lives now need not be looked at again: a collection then takes a fraction of a millisecond.
    gc.freeze()
    outcome = Outcome()
    with _APPLICATION.get_tracer("application").start_as_current_span("caller"), _listening(outcome), uncollected():
        eyes = Eyes(server, mode)
        try:
            if mode == "sync":
                client = vendor.client(mode)
                _run_sync(body, client, eyes)
            else:
                asyncio.run(_run_async(body, vendor, eyes, outcome))
        except BaseException as error:
            outcome.error = describe(error)
            del error
        gc.collect()
        outcome.stray_spans = eyes.strays + (trace.get_current_span() is not eyes.caller)
        outcome.alive = [label for label, reference in eyes.watched if reference() is not None]
        _until(lambda: server.open_connections <= (at_most if at_most is not None else 1))
        outcome.connections = server.open_connections
        if mode == "sync":
            vendor.close(client)
            del client
        gc.collect()
    outcome.notes = eyes.notes
    volatile = getattr(vendor, "volatile_headers", ())
    outcome.requests = [_sent(request, volatile) for request in server.requests]
    server.release()
    _until(lambda: not server.open_connections)
    server.reset()
    return outcome, eyes


@contextmanager
def uncollected() -> Iterator[None]:
    """Collects garbage only where the test says.

    A dropped stream of openai's is a cycle of its own. Collected while its thread holds the connection pool's lock, it closes
    its connection, which wants that lock: httpcore 1 (openai 1 and 2) then waits for itself, with or without instrumentation.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _until(condition: Callable[[], bool], seconds: float = 2.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)


def _run_sync(body: Body, client: Any, eyes: Eyes) -> None:
    running: Any = body(client, eyes)
    try:
        running.send(None)
    except StopIteration:
        return
    raise AssertionError("a synchronous client made its caller wait")


async def _run_async(body: Body, vendor: Vendor, eyes: Eyes, outcome: Outcome) -> None:
    loop = asyncio.get_running_loop()

    def unhandled(_loop: object, context: dict[str, Any]) -> None:
        # Which of the HTTP library's nested generators the loop closes first is chance.
        if "closing of asynchronous generator" not in context["message"]:
            outcome.looped.append(without_addresses(f"{context}"))

    loop.set_exception_handler(unhandled)
    client = await settle(vendor.client("async"))
    try:
        await body(client, eyes)
    finally:
        gc.collect()
        for _ in range(3):
            await asyncio.sleep(0)
        await loop.shutdown_asyncgens()
        await vendor.close(client)


def _sent(request: Any, volatile: tuple[str, ...]) -> tuple[str, str, dict[str, str], bytes]:
    headers = {name: value for name, value in request.headers.items() if name not in volatile}
    return (request.method, request.target, headers, request.body)


class _Log(logging.Handler):
    def __init__(self, outcome: Outcome) -> None:
        super().__init__(logging.DEBUG)
        self.outcome = outcome

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(("agentops", "opentelemetry")):
            self.outcome.own.append(f"{record.name}: {record.getMessage()} {record.exc_info and record.exc_info[1]!r}")
        elif record.levelno >= logging.WARNING:
            self.outcome.logged.append(f"{record.name}: {without_addresses(record.getMessage())}")


@contextmanager
def _listening(outcome: Outcome) -> Iterator[None]:
    handler, root = _Log(outcome), logging.getLogger()
    hook = sys.unraisablehook
    root.addHandler(handler)
    sys.unraisablehook = lambda raised: outcome.unraisable.append(f"{raised.exc_value!r}")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        warned = [f"{one.category.__name__}: {without_addresses(str(one.message))}" for one in caught]
        # Whether a transport that nobody closed is closing when it is dropped is chance, bare too.
        outcome.warned = sorted(re.sub(r"laddr=.*|fd=\d+|(?<=Transport) clos(ing|ed)", "", text) for text in warned)
    finally:
        root.removeHandler(handler)
        sys.unraisablehook = hook


async def settle(value: Any) -> Any:
    """The value itself, or what awaiting it gives."""
    return await value if inspect.isawaitable(value) else value


async def pull(iterator: Any) -> Any:
    """The next item, or END."""
    try:
        return await anext(iterator) if hasattr(iterator, "__anext__") else next(iterator)
    except (StopIteration, StopAsyncIteration):
        return END


async def loop(stream: Any, eyes: Eyes, stop_after: int = 0, error: BaseException | None = None) -> None:
    """A plain `for` over the stream, left by `break` or by `error` after `stop_after` chunks."""
    if hasattr(stream, "__aiter__"):
        async for chunk in stream:
            if eyes.chunk(chunk) == stop_after:
                if error is not None:
                    raise error
                break
    else:
        for chunk in stream:
            if eyes.chunk(chunk) == stop_after:
                if error is not None:
                    raise error
                break


async def close(stream: Any) -> None:
    """Close a stream, or an async generator, which names it otherwise."""
    await settle((stream.close if hasattr(stream, "close") else stream.aclose)())
