"""A measured process: what decorators and sessions cost, beside a span made by hand on the very same provider.

`{"times": N}` does one round, each of them N times in turn, and answers nanoseconds of CPU each, for decorated calls also with the
collection of their metrics; `wall` is not asked for, because these are loops of microseconds. The first line out says that it is ready,
with what a decorator costs before anything is initialised.
"""

from __future__ import annotations

import gc
import json
import sys
from importlib import import_module
from time import process_time_ns
from typing import TYPE_CHECKING, Any

from benchmarks.pipeline import Pipeline
from benchmarks.worker import answers

if TYPE_CHECKING:
    from collections.abc import Callable

_OFF = 20_000


def nothing() -> None:
    """What is decorated."""


def _cost(action: Callable[[], object], times: int) -> float:
    began = process_time_ns()
    for _ in range(times):
        action()
    return (process_time_ns() - began) / times


def _actions(adapter: Any, pipeline: Pipeline) -> dict[str, Callable[[], object]]:
    tracer = pipeline.tracers.get_tracer("by hand")

    def by_hand() -> None:
        with tracer.start_as_current_span("operation nothing"):
            nothing()

    made = adapter.decorators(nothing) if hasattr(adapter, "decorators") else {}
    actions = {"span by hand": by_hand, **{f"@{name}": each for name, each in made.items()}}
    if hasattr(adapter, "session"):
        actions |= {"root span by hand": lambda: tracer.start_span("session").end(), "session": adapter.session}
    return actions


def main(module: str) -> None:
    """Serve until the input ends. Decorated calls happen in a session, where there are any."""
    out = answers()
    adapter: Any = import_module(module)
    pipeline = Pipeline(content=False)
    off: dict[str, float] = {}
    if hasattr(adapter, "initialise"):
        decorated = adapter.decorators(nothing)["operation"]
        rounds = [(_cost(decorated, _OFF), _cost(nothing, _OFF)) for _ in range(9)]
        off = {"off": min(one for one, _ in rounds) - min(other for _, other in rounds)}
    getattr(adapter, "initialise", adapter.instrument)(pipeline)
    actions = _actions(adapter, pipeline)
    kept = adapter.open_session() if hasattr(adapter, "open_session") else None
    print(json.dumps(off), file=out)
    for line in sys.stdin:
        times: int = json.loads(line)["times"]
        took: dict[str, float] = {}
        for name, action in actions.items():
            gc.collect()
            took[name] = _cost(action, times)
            if name.startswith("@"):
                # A collection has a price of its own, whatever was called.
                took[f"{name} with metrics"] = took[name] + (_cost(pipeline.collect, 1) - _cost(pipeline.collect, 1)) / times
            pipeline.settle()
        print(json.dumps(took), file=out)
    del kept


if __name__ == "__main__":
    main(sys.argv[1])
