"""A measured process: what grows with the number of calls, abandoned streams and sessions, and whether anything blocks the event loop.

`python -m benchmarks.growth MODULE WHAT COUNT` prints one JSON value and ends. For `calls`, `streams` and `sessions` these are samples of
the resident memory in bytes, of the process after a collection and with nothing waiting to be exported, from the end of the warm-up on.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from importlib import import_module
from pathlib import Path
from time import process_time_ns, thread_time_ns
from typing import TYPE_CHECKING, Any

from benchmarks import transport
from benchmarks.cases import long
from benchmarks.pipeline import Pipeline
from benchmarks.shape import HUGE_CHARACTERS, MODEL
from benchmarks.worker import answers

if TYPE_CHECKING:
    from collections.abc import Callable

_SAMPLES = 10
_WARM = 3_000
"""More than the 2048 spans of the SDK's queue and the 512 of a batch."""
_READ_CHUNKS = 3
_SHORT = [{"role": "user", "content": "What is the weather in Lisbon?"}]
_LEVELS = (1, 10, 100, 1_000, 10_000)
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident() -> int:
    """Bytes of resident memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def chat(client: Any) -> Callable[[], object]:
    """A short call."""
    create = client.chat.completions.create
    return lambda: create(model=MODEL, messages=_SHORT)


def abandoned(client: Any) -> Callable[[], object]:
    """A stream dropped after a few chunks, as it is."""
    create = client.chat.completions.create

    def abandon() -> None:
        stream = create(model=MODEL, messages=_SHORT, stream=True)
        for _ in range(_READ_CHUNKS):
            next(stream)

    return abandon


def _samples(action: Callable[[], object], count: int, pipeline: Pipeline) -> list[int]:
    """Memory after the warm-up, and after each tenth of `count` from there.

    Nothing is exported during the warm-up, so that the SDK's bounded queue of spans has been as full as it can ever be: how full it
    becomes otherwise is up to how busy the machine is.
    """
    found: list[int] = []
    pipeline.spans.taking.clear()
    for times in (_WARM, *([count // _SAMPLES] * _SAMPLES)):
        for _ in range(times):
            action()
        pipeline.spans.taking.set()
        pipeline.settle()
        gc.collect()
        found.append(resident())
    return found


def _cost(action: Callable[[], object], times: int) -> float:
    began = process_time_ns()
    for _ in range(times):
        action()
    return (process_time_ns() - began) / times


def _by_open(adapter: Any, client: Any, pipeline: Pipeline, rounds: int) -> dict[str, list[float]]:
    """CPU nanoseconds of a call, a decorated call and a session while 1, 10, … others are open; the least of several rounds."""
    actions = {
        "chat": (chat(client), 40),
        "decorated call": (adapter.decorators(lambda: None)["operation"], 400),
        "session": (adapter.session, 300),
    }
    found: dict[str, list[list[float]]] = {name: [[] for _ in _LEVELS] for name in actions}
    import agentops

    for action, times in actions.values():
        _cost(action, times)
    for _ in range(rounds):
        for place, level in enumerate(_LEVELS):
            kept = [adapter.open_session() for _ in range(level - (_LEVELS[place - 1] if place else 0))]
            pipeline.settle()
            gc.collect()
            for name, (action, times) in actions.items():
                found[name][place].append(_cost(action, times))
            del kept
        agentops.end_all_sessions()
        pipeline.settle()
    return {name: [min(each) for each in levels] for name, levels in found.items()}


async def _gaps(client: Any, times: int) -> list[float]:
    """The longest time in which a task that only yields was not run, for each of several calls; nanoseconds of the loop's
    own CPU time, which other processes do not stretch."""
    messages, longest = long(HUGE_CHARACTERS), 0
    found: list[float] = []

    async def tick() -> None:
        nonlocal longest
        before = thread_time_ns()
        while True:
            await asyncio.sleep(0)
            now = thread_time_ns()
            longest = max(longest, now - before)
            before = now

    ticking = asyncio.create_task(tick())
    for _ in range(times + 2):
        await asyncio.sleep(0.01)
        longest = 0
        await client.chat.completions.create(model=MODEL, messages=messages)
        await asyncio.sleep(0)
        found.append(longest)
    ticking.cancel()
    return found[2:]


def main(module: str, what: str, count: int) -> None:
    """Measure and print."""
    out = answers()
    adapter: Any = import_module(module)
    pipeline = Pipeline()
    adapter.instrument(pipeline)
    kept = None
    if what != "stall" and hasattr(adapter, "initialise"):
        adapter.initialise(pipeline)
        kept = adapter.open_session()
    client = transport.client()
    if what == "open":
        said: Any = _by_open(adapter, client, pipeline, count)
    elif what == "stall":
        said = asyncio.run(_gaps(transport.async_client(), count))
    else:
        action = {"calls": chat(client), "streams": abandoned(client), "sessions": getattr(adapter, "session", None)}[what]
        assert action is not None
        said = _samples(action, count, pipeline)
    del kept
    print(json.dumps(said), file=out)
    out.flush()
    # Whatever exporters of peers still wait for at their exit is of no interest.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
