"""The program's own spans: what the decorators of `agentops` make of functions, generators and classes, in success and failure."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, closing, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import agentops
from conformance.scenarios import Chunks, Driven, Provider, Reading, Scenario, missing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_DECORATORS: Final = ("agent", "tool", "operation", "task", "workflow", "guardrail")
_OPERATIONS: Final = {"agent": "invoke_agent", "tool": "execute_tool"}


class _Nothing:
    """A service that nobody calls."""

    exchanges: Final = ()

    def served(self) -> list[Any]:
        return []


@dataclass(frozen=True, slots=True)
class _Call:
    decorator: str
    asynchronous: bool
    nested: bool = False
    fails: bool = False


class _WrongError(Exception):
    """What goes wrong."""


def _plain(call: _Call) -> Any:
    @agentops.tool(name="weather")
    def weather(city: str) -> str:
        """The weather of a city."""
        return f"rain in {city}"

    @getattr(agentops, call.decorator)(name="travel")
    def work(city: str) -> str:
        said = weather(city) if call.nested else city
        if call.fails:
            raise _WrongError(said)
        return said

    return work


def _plain_async(call: _Call) -> Any:
    @agentops.tool(name="weather")
    async def weather(city: str) -> str:
        """The weather of a city."""
        return f"rain in {city}"

    @getattr(agentops, call.decorator)(name="travel")
    async def work(city: str) -> str:
        said = await weather(city) if call.nested else city
        if call.fails:
            raise _WrongError(said)
        return said

    return work


def _generator(call: _Call) -> Any:
    @getattr(agentops, call.decorator)(name="travel")
    def work(city: str) -> Iterator[str]:
        yield city
        if call.fails:
            raise _WrongError(city)
        yield city

    return work


def _generator_async(call: _Call) -> Any:
    @getattr(agentops, call.decorator)(name="travel")
    async def work(city: str) -> AsyncIterator[str]:
        yield city
        if call.fails:
            raise _WrongError(city)
        yield city

    return work


def _drive(scenario: Scenario, service: _Nothing) -> Driven:
    call: _Call = scenario.call
    chunks = Chunks(scenario.reading)
    with suppress(_WrongError):
        if call.asynchronous:
            asyncio.run(_run_async(call, scenario.reading, chunks))
        elif scenario.reading is Reading.NO_STREAM:
            _plain(call)("Paris")
        else:
            with closing(_generator(call)("Paris")) as stream:
                chunks.read(stream)
    return Driven(f"agentops:{call.decorator}")


async def _run_async(call: _Call, reading: Reading, chunks: Chunks) -> None:
    if reading is Reading.NO_STREAM:
        await _plain_async(call)("Paris")
        return
    async with aclosing(_generator_async(call)("Paris")) as stream:
        await chunks.read_async(stream)


def _scenario(decorator: str, asynchronous: bool, reading: Reading, nested: bool = False, fails: bool = False) -> Scenario:
    words = ["decorators", "async" if asynchronous else "sync", decorator]
    words += ["with a tool"] if nested else []
    words += [reading.value] if reading is not Reading.NO_STREAM else []
    words += ["failing"] if fails else []
    return Scenario(
        name=" ".join(words),
        call=_Call(decorator, asynchronous, nested, fails),
        operations=(),
        asynchronous=asynchronous,
        reading=reading,
        fails=fails,
        internal=(_OPERATIONS.get(decorator, decorator), *(("execute_tool",) if nested else ())),
        tokens=(),
    )


def _scenarios() -> Iterator[Scenario]:
    for asynchronous in (False, True):
        for decorator in _DECORATORS:
            for fails in (False, True):
                yield _scenario(decorator, asynchronous, Reading.NO_STREAM, fails=fails)
                yield _scenario(decorator, asynchronous, Reading.NO_STREAM, nested=True, fails=fails)
                yield _scenario(decorator, asynchronous, Reading.ALL, fails=fails)
            yield _scenario(decorator, asynchronous, Reading.ONE)


PROVIDER: Final = Provider(
    name="decorators",
    targets=tuple(f"agentops:{name}" for name in _DECORATORS),
    scenarios=tuple(_scenarios()),
    serve=lambda: nullcontext(_Nothing()),
    drive=_drive,
    absent=missing,
)
