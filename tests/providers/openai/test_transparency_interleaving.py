"""Random schedules of many streams at once, each ended its own way: every span ends once, in its own caller's trace."""

from __future__ import annotations

import asyncio
import gc
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import openai
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from agentops_instrumentors.core import dropped, guard
from tests.providers.differential import uncollected
from tests.providers.openai import sdk
from tests.providers.openai.surfaces import chat, responses
from tests.providers.openai.vendor import settings

if TYPE_CHECKING:
    from tests.providers.laboratory import Laboratory

SCHEDULES_A_TEST = 20
TRACER = TracerProvider(shutdown_on_exit=False).get_tracer("application")
WAYS = ("drain", "break", "close", "with", "raise", "cancel", "close elsewhere", "drop", "read elsewhere", "helper")


@dataclass(slots=True)
class Schedule:
    """What was begun: the caller's span id by the call's own model name."""

    callers: dict[str, int] = field(default_factory=dict)
    strays: int = 0

    def check(self, caller: Any) -> None:
        self.strays += trace.get_current_span() is not caller


async def _open(client: Any, model: str, way: str) -> Any:
    if model.endswith("r"):
        return await client.responses.create(**{**responses(stream=True), "model": model})
    return await client.chat.completions.create(**{**chat(stream=True), "model": model})


async def _one(client: Any, schedule: Schedule, model: str, way: str, chance: random.Random) -> None:
    with TRACER.start_as_current_span(model) as caller:
        schedule.callers[model] = caller.get_span_context().span_id
        try:
            if way == "helper":
                async with sdk.chat_stream(client)(**{**chat(), "model": model}) as events:
                    await _read(events, schedule, caller, chance.randrange(8), chance)
                return
            stream = await _open(client, model, way)
            schedule.check(caller)
            await _end(stream, schedule, caller, way, chance)
            del stream
            gc.collect(0)
        except LookupError:
            pass
        finally:
            schedule.check(caller)


async def _read(stream: Any, schedule: Schedule, caller: Any, limit: int, chance: random.Random, error: Exception | None = None) -> None:
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


async def _end(stream: Any, schedule: Schedule, caller: Any, way: str, chance: random.Random) -> None:
    limit = chance.randrange(1, 7)
    if way in ("drain", "cancel"):
        await _read(stream, schedule, caller, 0, chance)
    elif way == "raise":
        await _read(stream, schedule, caller, limit, chance, LookupError("own"))
    elif way == "read elsewhere":
        for _ in range(limit):
            await asyncio.create_task(anext(stream))  # type: ignore[arg-type]
    elif way == "with":
        async with stream:
            await _read(stream, schedule, caller, limit, chance)
    else:
        await _read(stream, schedule, caller, limit, chance)
        if way == "close":
            await stream.close()
        elif way == "close elsewhere":
            await asyncio.gather(asyncio.create_task(stream.close()), asyncio.create_task(stream.close()))


async def _schedule(server: Any, seed: int) -> Schedule:
    chance, schedule = random.Random(seed), Schedule()
    async with openai.AsyncOpenAI(**settings("async", server)) as client:
        tasks: list[tuple[asyncio.Task[None], str]] = []
        for index in range(chance.randrange(2, 6)):
            way = chance.choice(WAYS)
            model = f"{seed}-{index}-{way}{'r' if chance.random() < 0.4 else ''}"
            tasks.append((asyncio.create_task(_one(client, schedule, model, way, chance)), way))
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
    return schedule


@pytest.mark.parametrize("first", range(0, 200, SCHEDULES_A_TEST))
def test_random_schedules_of_async_streams(laboratory: Laboratory, first: int) -> None:
    failures, gone = guard.failures(), trace.get_current_span()
    gc.collect()
    gc.freeze()
    with laboratory.instrumented():
        for seed in range(first, first + SCHEDULES_A_TEST):
            laboratory.telemetry.clear()
            schedule = asyncio.run(_schedule(laboratory.server, seed))
            gc.collect()
            dropped.flush(10)
            assert schedule.strays == 0, seed
            assert trace.get_current_span() is gone
            laboratory.telemetry.assert_balanced(len(schedule.callers))
            for span in laboratory.telemetry.spans():
                attributes = span.attributes or {}
                model = str(attributes["gen_ai.request.model"])
                assert span.parent is not None
                assert span.parent.span_id == schedule.callers[model], seed
                if "cancel" not in model:
                    assert span.status.is_unset, (seed, model, attributes)
                elif not span.status.is_unset:
                    assert attributes["error.type"] == "asyncio.exceptions.CancelledError"
    assert guard.failures() == failures
    laboratory.server.reset()


def _in_threads(laboratory: Laboratory, client: openai.OpenAI, pool: ThreadPoolExecutor, seed: int) -> None:
    """One stream handed from thread to thread: made in one, read in some, closed or dropped in another."""
    chance = random.Random(seed)
    stream: Any = pool.submit(lambda: client.chat.completions.create(**chat(stream=True))).result()
    for _ in range(chance.randrange(5)):
        pool.submit(next, stream).result()
    way = chance.choice(["close", "drain", "drop", "close twice at once"])
    if way == "drain":
        pool.submit(list, stream).result()
    elif way == "close":
        pool.submit(stream.close).result()
    elif way == "close twice at once":
        for closing in [pool.submit(stream.close), pool.submit(stream.close)]:
            closing.result()


def test_random_schedules_of_streams_across_threads(laboratory: Laboratory) -> None:
    failures = guard.failures()
    with laboratory.instrumented(), uncollected(), openai.OpenAI(**settings("sync", laboratory.server)) as client:
        with ThreadPoolExecutor(4) as pool, ThreadPoolExecutor(4) as workers:
            running = [workers.submit(_in_threads, laboratory, client, pool, seed) for seed in range(60)]
            for one in running:
                one.result(30)
            strays = [pool.submit(trace.get_current_span).result() for _ in range(8)]
        assert set(strays) == {trace.INVALID_SPAN}
        del running, one
        gc.collect()
        dropped.flush(10)
    laboratory.telemetry.assert_balanced(60)
    assert guard.failures() == failures
    laboratory.server.reset()
