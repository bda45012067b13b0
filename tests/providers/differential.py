"""Runs a piece of an application twice, bare and instrumented, and keeps everything the application could tell apart.

A piece is one `async def body(client, eyes)`; with a synchronous client nothing in it ever suspends, so both kinds of
client run the same lines. What `eyes` saw must be equal, by value, by exact type and by traceback.
"""

from __future__ import annotations

import asyncio
import copy
import gc
import inspect
import logging
import re
import ssl
import sys
import time
import traceback
import warnings
import weakref
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import openai
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import TracebackType

    from tests.fakes.openai_server import FakeOpenAI

    Body = Callable[[Any, "Eyes"], Awaitable[None]]

MODES: Final = ("sync", "async")
END: Final = "the end of the stream"
_ADDRESS: Final = re.compile(r"0x[0-9a-f]+|Task-\d+|cancel scope [0-9a-f]+")
_OURS: Final = ("agentops_instrumentors", "wrapt")
_TLS: Final = ssl.create_default_context()
_ENDPOINT_THREADS: Final = TracerProvider(shutdown_on_exit=False)


def settings(mode: str, server: FakeOpenAI) -> dict[str, Any]:
    """Arguments of a client that neither retries nor makes a TLS context of its own."""
    http = openai.DefaultHttpxClient if mode == "sync" else openai.DefaultAsyncHttpxClient
    return {"base_url": server.base_url, "api_key": "test", "max_retries": 0, "timeout": 5, "http_client": http(verify=_TLS)}


def describe(value: Any) -> Any:
    """`value` as something comparable: exact types all the way down, addresses left out."""
    kind = type(value)
    if isinstance(value, BaseException):
        return _describe_error(value)
    if isinstance(value, BaseModel):
        extra = {name: getattr(value, name) for name in ("_request_id",) if hasattr(value, name)}
        return (kind, value.model_dump(), sorted(value.model_fields_set), sorted(dir(value)), _ADDRESS.sub("@", repr(value)), extra)
    if isinstance(value, (list, tuple)):
        return (kind, [describe(item) for item in value])
    if isinstance(value, dict):
        return (kind, [(name, describe(item)) for name, item in value.items()])
    if value is None or isinstance(value, (str, bytes, int, float, type)):
        return (kind, value)
    return (kind, sorted(dir(value)), _ADDRESS.sub("@", repr(value)))


def _describe_error(error: BaseException | None, depth: int = 0) -> Any:
    if error is None or depth > 6:
        return None
    return {
        "type": type(error),
        "args": [_ADDRESS.sub("@", repr(arg)) for arg in error.args],
        "frames": frames(error.__traceback__),
        "cause": _describe_error(error.__cause__, depth + 1),
        "context": _describe_error(error.__context__, depth + 1),
        "suppress": error.__suppress_context__,
        "notes": getattr(error, "__notes__", None),
        "public": sorted(name for name in dir(error) if not name.startswith("__")),
        "status": getattr(error, "status_code", None),
        "request_id": getattr(error, "request_id", None),
        "body": getattr(error, "body", None),
    }


def frames(found: TracebackType | None) -> list[tuple[str, str, int | None]]:
    """File, function and line of every frame that is neither ours nor the patching library's."""
    summary = traceback.extract_tb(found)
    return [(frame.filename, frame.name, frame.lineno) for frame in summary if not any(f"/{name}/" in frame.filename for name in _OURS)]


@dataclass(slots=True)
class Outcome:
    """What one run showed. `own` are log records of ours, which must not be; `connections` still open at its end."""

    notes: list[tuple[str, Any]] = field(default_factory=list)
    error: Any = None
    requests: list[Any] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    unraisable: list[str] = field(default_factory=list)
    looped: list[str] = field(default_factory=list)
    alive: list[str] = field(default_factory=list)
    connections: int = 0
    stray_spans: int = 0


class Eyes:
    """How a body tells what it sees. `failure` is the last exception that came out of the SDK's code."""

    def __init__(self, server: FakeOpenAI, mode: str) -> None:
        self.server = server
        self.mode = mode
        self.notes: list[tuple[str, Any]] = []
        self.watched: list[tuple[str, weakref.ref[Any]]] = []
        self.failure: type[BaseException] | None = None
        self.chunks = 0
        self.strays = 0
        self._caller = trace.get_current_span()

    def see(self, label: str, value: Any) -> Any:
        """Note `value`, and that the caller's own span is still the current one."""
        self.notes.append((label, describe(value)))
        self.strays += trace.get_current_span() is not self._caller
        return value

    def chunk(self, value: Any) -> int:
        self.see("chunk", value)
        self.chunks += 1
        return self.chunks

    def failed(self, error: BaseException) -> None:
        self.see("raised", error)
        self.failure = type(error)

    def watch(self, label: str, value: Any) -> Any:
        """Remember `value` weakly: it must be collected when it is without us."""
        self.watched.append((label, weakref.ref(value)))
        return value


def compare(bare: Outcome, ours: Outcome) -> None:
    """Fail with the first thing an application could tell apart, or when the body itself does not run to its end."""
    assert bare.error is None, bare.error
    for index, (left, right) in enumerate(zip(bare.notes, ours.notes, strict=False)):
        assert left == right, f"note {index}: {difference(left, right)}"
    for name in ("error", "requests", "warned", "logged", "unraisable", "looped", "alive"):
        assert getattr(bare, name) == getattr(ours, name), f"{name}: {difference(getattr(bare, name), getattr(ours, name))}"
    assert len(bare.notes) == len(ours.notes)
    assert (bare.stray_spans, ours.stray_spans) == (0, 0), "the caller's span was not the current one"
    assert ours.own == []
    assert ours.connections <= bare.connections, "a connection stayed open"


def difference(bare: Any, ours: Any, path: str = "") -> str:
    """Where two descriptions first differ."""
    if type(bare) is type(ours) and isinstance(bare, dict) and bare.keys() == ours.keys():
        return next((difference(bare[name], ours[name], f"{path}.{name}") for name in bare if bare[name] != ours[name]), "")
    if type(bare) is type(ours) and isinstance(bare, (list, tuple)) and len(bare) == len(ours):
        pairs = enumerate(zip(bare, ours, strict=True))
        return next((difference(left, right, f"{path}[{index}]") for index, (left, right) in pairs if left != right), "")
    return f"{path}: bare {bare!r}, with us {ours!r}"


def observe(body: Body, mode: str, server: FakeOpenAI, at_most: int | None = None) -> tuple[Outcome, Eyes]:
    """Run `body` once, in a span of the caller's; wait until no more than `at_most` connections are open."""
    server.hold()
    # What lives now need not be looked at again: a collection then takes a fraction of a millisecond.
    gc.freeze()
    outcome = Outcome()
    with _ENDPOINT_THREADS.get_tracer("application").start_as_current_span("caller"), _listening(outcome):
        eyes = Eyes(server, mode)
        try:
            if mode == "sync":
                client = openai.OpenAI(**settings(mode, server))
                _run_sync(body, client, eyes)
            else:
                client = openai.AsyncOpenAI(**settings(mode, server))
                asyncio.run(_run_async(body, client, eyes, outcome))
        except BaseException as error:
            outcome.error = describe(error)
            del error
        gc.collect()
        outcome.stray_spans = eyes.strays + (trace.get_current_span() is not eyes._caller)
        outcome.alive = [label for label, reference in eyes.watched if reference() is not None]
        _until(lambda: server.open_connections <= (at_most if at_most is not None else 1))
        outcome.connections = server.open_connections
        if mode == "sync":
            client.close()
        del client
        gc.collect()
    outcome.notes = eyes.notes
    outcome.requests = [_sent(request) for request in server.requests]
    server.release()
    _until(lambda: not server.open_connections)
    server.reset()
    return outcome, eyes


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


async def _run_async(body: Body, client: Any, eyes: Eyes, outcome: Outcome) -> None:
    loop = asyncio.get_running_loop()

    def unhandled(_loop: object, context: dict[str, Any]) -> None:
        # Which of the HTTP library's nested generators the loop closes first is chance.
        if "closing of asynchronous generator" not in context["message"]:
            outcome.looped.append(_ADDRESS.sub("@", f"{context}"))

    loop.set_exception_handler(unhandled)
    try:
        await body(client, eyes)
    finally:
        gc.collect()
        for _ in range(3):
            await asyncio.sleep(0)
        await loop.shutdown_asyncgens()
        await client.close()


def _sent(request: Any) -> tuple[str, str, dict[str, str], bytes]:
    return (request.method, request.target, dict(request.headers), request.body)


class _Log(logging.Handler):
    def __init__(self, outcome: Outcome) -> None:
        super().__init__(logging.DEBUG)
        self.outcome = outcome

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(("agentops", "opentelemetry")):
            self.outcome.own.append(f"{record.name}: {record.getMessage()} {record.exc_info and record.exc_info[1]!r}")
        elif record.levelno >= logging.WARNING:
            self.outcome.logged.append(f"{record.name}: {_ADDRESS.sub('@', record.getMessage())}")


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
        outcome.warned = sorted(f"{one.category.__name__}: {_ADDRESS.sub('@', str(one.message))}" for one in caught)
        outcome.warned = [re.sub(r"laddr=.*|fd=\d+", "", text) for text in outcome.warned]
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
    await settle(stream.close())


def copies(value: Any) -> list[Any]:
    """`value` copied in every way a program might."""
    return [copy.copy(value), copy.deepcopy(value)]
