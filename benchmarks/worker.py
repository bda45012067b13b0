"""A measured process: one adapter, one setting, and beside it its bare twin. JSON lines in, JSON lines out.

`{"case": NAME, "times": N}` has the twins do it one after the other, and answers `{"without": COST, "with": COST}`, where a cost is
`{"wall": ns, "cpu": ns, "total": ns}`: CPU of every thread while the calls ran, so that exporting in the background counts, and with the
collection of their metrics, which the reader's thread does once a minute, after them. `{"recorded": NAME, "times": N}` answers what
reached the exporters for one call. The first line out says that both are ready, with versions.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from functools import partial
from importlib import import_module
from importlib.metadata import version
from time import perf_counter_ns, process_time_ns
from typing import TYPE_CHECKING, Any

from benchmarks import transport
from benchmarks.adapters import BARE
from benchmarks.cases import CASES, Clients
from benchmarks.pipeline import Pipeline
from benchmarks.shape import NO_CONTENT, SAMPLED_OUT
from benchmarks.twins import Twin

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO


def answers() -> TextIO:
    """Where answers go; whatever a library prints must not look like one."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return out


def instrumented(module: str, setting: str) -> Pipeline:
    """This process's pipeline, with the adapter at work."""
    pipeline = Pipeline(sampled=setting != SAMPLED_OUT, content=setting != NO_CONTENT)
    import_module(module).instrument(pipeline)
    return pipeline


def main(module: str, setting: str) -> None:
    """Answer until the input ends."""
    without, with_it = (Twin(partial(_serve, each, setting)) for each in (BARE.module, module))
    out = answers()
    without.answer()
    out.write(with_it.answer())
    for turn, line in enumerate(sys.stdin):
        if "recorded" in json.loads(line):
            out.write(with_it.ask(line))
            continue
        order = [("without", without), ("with", with_it)]
        said = {name: json.loads(twin.ask(line)) for name, twin in (order if turn % 2 else reversed(order))}
        print(json.dumps(said), file=out)


def _serve(module: str, setting: str, questions: TextIO, out: TextIO) -> None:
    pipeline = instrumented(module, setting)
    clients = Clients(transport.client(), transport.async_client(), asyncio.new_event_loop())
    actions = {case.name: case.prepare(clients) for case in CASES if case.setting == setting}
    print(json.dumps({name: version(name) for name in ("openai", "opentelemetry-sdk")}), file=out)
    # What is loaded stays: looking through it again would take longer than what is measured, and leave nothing of that in the caches.
    gc.collect()
    gc.freeze()
    for line in questions:
        asked: dict[str, Any] = json.loads(line)
        times: int = asked["times"]
        if "recorded" in asked:
            said = pipeline.recorded(actions[asked["recorded"]], times)
        else:
            said = _timed(actions[asked["case"]], times, pipeline)
        print(json.dumps(said), file=out)


def _timed(action: Callable[[], object], times: int, pipeline: Pipeline) -> dict[str, int]:
    gc.collect()
    # What was not run for a while is not in the processor's caches.
    for _ in range(min(3, times // 4)):
        action()
    pipeline.collect()
    cpu, wall = process_time_ns(), perf_counter_ns()
    for _ in range(times):
        action()
    took = {"wall": perf_counter_ns() - wall, "cpu": process_time_ns() - cpu}
    pipeline.collect()
    return {**took, "total": process_time_ns() - cpu}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
