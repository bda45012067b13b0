"""Random schedules of many streams at once, each ended its own way: every span ends once, in its own caller's trace."""

from __future__ import annotations

import asyncio
import gc
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from agentops_instrumentors.core import dropped, guard
from tests.providers.differential import close, settle, uncollected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tests.providers.differential import Vendor
    from tests.providers.endings import Opened
    from tests.providers.laboratory import Laboratory

    Open = Callable[[Any, str, str], Awaitable[Opened]]
    """Asks a client for a stream by a model's name, for one of the ways."""

SCHEDULES: Final = 200
SCHEDULES_A_TEST: Final = 20
WAYS: Final = ("drain", "break", "close", "raise", "cancel", "close elsewhere", "drop", "read elsewhere")
"""How a stream ends. `with` is for streams that are managers; any other way is the opener's own."""
_TRACER: Final = TracerProvider(shutdown_on_exit=False).get_tracer("application")
_AT_ONCE: Final = (RuntimeError, ValueError)
"""What a generator raises when two close it at once, with and without us."""


@dataclass(slots=True)
class _Schedule:
    """What was begun: the caller's span id by the call's own model name."""

    callers: dict[str, int] = field(default_factory=dict)
    strays: int = 0

    def check(self, caller: Any) -> None:
        self.strays += trace.get_current_span() is not caller


async def _one(client: Any, opener: Open, schedule: _Schedule, model: str, way: str, chance: random.Random) -> None:
    with _TRACER.start_as_current_span(model) as caller:
        schedule.callers[model] = caller.get_span_context().span_id
        try:
            opened = await opener(client, model, way)
            schedule.check(caller)
            try:
                await _end(opened.stream, schedule, caller, way, chance)
            finally:
                await opened.leave()
            del opened
            gc.collect(0)
        except LookupError:
            pass
        finally:
            schedule.check(caller)


async def _read(stream: Any, schedule: _Schedule, caller: Any, limit: int, chance: random.Random, error: Exception | None = None) -> None:
    count = 0
    async for _chunk in stream:
        schedule.check(caller)
        count += 1
        if chance.random() < 0.3:
            await asyncio.sleep(chance.random() / 500)
        if count == limit:
            if error is not None:
                raise error
            break


async def _end(stream: Any, schedule: _Schedule, caller: Any, way: str, chance: random.Random) -> None:
    limit = chance.randrange(1, 7)
    if way in ("drain", "cancel"):
        await _read(stream, schedule, caller, 0, chance)
    elif way == "raise":
        await _read(stream, schedule, caller, limit, chance, LookupError("own"))
    elif way == "read elsewhere":
        for _ in range(limit):
            await asyncio.create_task(settle(anext(stream)))
    elif way == "with":
        async with stream:
            await _read(stream, schedule, caller, limit, chance)
    else:
        await _read(stream, schedule, caller, limit, chance)
        if way == "close":
            await close(stream)
        elif way == "close elsewhere":
            done = await asyncio.gather(asyncio.create_task(close(stream)), asyncio.create_task(close(stream)), return_exceptions=True)
            assert all(one is None or isinstance(one, _AT_ONCE) for one in done), done


async def _run(vendor: Vendor, opener: Open, ways: Sequence[str], seed: int) -> _Schedule:
    chance, schedule = random.Random(seed), _Schedule()
    client = await settle(vendor.client("async"))
    tasks: list[tuple[asyncio.Task[None], str]] = []
    for index in range(chance.randrange(2, 6)):
        way = chance.choice(ways)
        model = f"{seed}-{index}-{way}{'r' if chance.random() < 0.4 else ''}"
        tasks.append((asyncio.create_task(_one(client, opener, schedule, model, way, chance)), way))
        if chance.random() < 0.5:
            await asyncio.sleep(chance.random() / 300)
    for task, way in tasks:
        if way == "cancel":
            await asyncio.sleep(chance.random() / 100)
            task.cancel()
    outcomes = await asyncio.gather(*(task for task, _way in tasks), return_exceptions=True)
    unexpected = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in unexpected), unexpected
    gc.collect(1)
    await vendor.close(client)
    return schedule


def random_schedules(laboratory: Laboratory, opener: Open, first: int, ways: Sequence[str] = WAYS) -> None:
    """Some schedules of asynchronous streams, from seed `first` on."""
    failures, gone = guard.failures(), trace.get_current_span()
    gc.collect()
    gc.freeze()
    with laboratory.instrumented():
        for seed in range(first, first + SCHEDULES_A_TEST):
            laboratory.telemetry.clear()
            schedule = asyncio.run(_run(laboratory.vendor, opener, ways, seed))
            gc.collect()
            dropped.flush(10)
            assert schedule.strays == 0, seed
            assert trace.get_current_span() is gone
            laboratory.telemetry.assert_balanced()
            begun = {str((span.attributes or {})["gen_ai.request.model"]): span for span in laboratory.telemetry.spans()}
            # A task that is cancelled before it asks has asked for nothing.
            assert {model for model in schedule.callers if model not in begun} <= {model for model in schedule.callers if "cancel" in model}
            assert len(begun) == laboratory.telemetry.started
            for model, span in begun.items():
                assert span.parent is not None
                assert span.parent.span_id == schedule.callers[model], seed
                if "cancel" not in model:
                    assert span.status.is_unset, (seed, model, span.attributes)
                elif not span.status.is_unset:
                    assert (span.attributes or {})["error.type"] == "asyncio.exceptions.CancelledError"
    assert guard.failures() == failures
    laboratory.server.reset()


def _in_threads(client: Any, begin: Callable[[Any], Any], pool: ThreadPoolExecutor, seed: int) -> None:
    """One stream handed from thread to thread: made in one, read in some, closed or dropped in another."""
    chance = random.Random(seed)
    stream: Any = pool.submit(begin, client).result()
    for _ in range(chance.randrange(5)):
        pool.submit(next, stream).result()
    way = chance.choice(["close", "drain", "drop", "close twice at once"])
    if way == "drain":
        pool.submit(list, stream).result()
    elif way == "close":
        pool.submit(stream.close).result()
    elif way == "close twice at once":
        for closing in [pool.submit(stream.close), pool.submit(stream.close)]:
            with suppress(*_AT_ONCE):
                closing.result()


def random_threads(laboratory: Laboratory, begin: Callable[[Any], Any], streams: int = 60) -> None:
    """Synchronous streams, each in many threads; `begin` asks a client for one."""
    failures = guard.failures()
    with laboratory.instrumented(), uncollected():
        client = laboratory.vendor.client("sync")
        with ThreadPoolExecutor(4) as pool, ThreadPoolExecutor(4) as workers:
            running = [workers.submit(_in_threads, client, begin, pool, seed) for seed in range(streams)]
            for one in running:
                one.result(30)
            strays = [pool.submit(trace.get_current_span).result() for _ in range(8)]
        assert set(strays) == {trace.INVALID_SPAN}
        del running, one
        gc.collect()
        dropped.flush(10)
        laboratory.vendor.close(client)
    laboratory.telemetry.assert_balanced(streams)
    assert guard.failures() == failures
    laboratory.server.reset()
