"""Nothing grows with the number of calls, abandoned streams, decorated calls and sessions, nor costs more with more sessions open.

What is counted are objects and function calls, not bytes and seconds; `benchmarks` does that over as many as there should be.
"""

from __future__ import annotations

import gc
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from benchmarks import transport
from benchmarks.growth import abandoned, chat
from benchmarks.pipeline import Pipeline

from agentops.decorators import agent, operation, tool
from agentops.sessions import runtime
from agentops.sessions.registry import registry
from agentops_instrumentors.openai import OpenAIInstrumentor
from tests.unit.sessions_support import recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.in_memory import InMemory

__all__ = ["recorded"]


@pytest.fixture
def pipeline() -> Iterator[Pipeline]:
    """A pipeline whose exporters keep nothing, with the instrumentor at work on it."""
    pipeline = Pipeline()
    instrumentor = OpenAIInstrumentor()
    instrumentor.instrument(tracer_provider=pipeline.tracers, meter_provider=pipeline.meters, logger_provider=pipeline.loggers)
    yield pipeline
    instrumentor.uninstrument()
    pipeline.shutdown()


def objects_more(action: Callable[[], object], settle: Callable[[], object], warm: int, more: int) -> int:
    """How many more objects there are after `more` actions than after `warm` ones."""

    def after(times: int) -> int:
        for _ in range(times):
            action()
        settle()
        gc.collect()
        return len(gc.get_objects())

    before = after(warm)
    return after(more) - before


def assert_flat(action: Callable[[], object], settle: Callable[[], object], warm: int, more: int) -> None:
    """One object kept by every fourth action is too much; other threads of the process may make some meanwhile."""
    assert objects_more(action, settle, warm, more) < more / 4


def settled(pipeline: Pipeline) -> Callable[[], None]:
    """Waits for what ends dropped streams in the background."""

    def settle() -> None:
        deadline = time.monotonic() + 5
        before = -1
        while time.monotonic() < deadline:
            pipeline.settle()
            gc.collect()
            now = len(gc.get_objects())
            if now == before:
                return
            before = now
            time.sleep(0.05)

    return settle


def test_calls_leave_nothing_behind(pipeline: Pipeline) -> None:
    assert_flat(chat(transport.client()), pipeline.settle, 150, 300)
    assert pipeline.recorded(chat(transport.client()), 1)["spans"] == 1


def test_abandoned_streams_leave_nothing_behind(pipeline: Pipeline) -> None:
    assert_flat(abandoned(transport.client()), settled(pipeline), 60, 120)


def test_sessions_leave_nothing_behind() -> None:
    pipeline = Pipeline()
    runtime.install(pipeline.tracers)
    decorated = [kind(lambda: None) for kind in (agent, operation, tool)]

    def session() -> None:
        with runtime.start_session("growth", tags=["one"]):
            for each in decorated:
                each()

    try:
        # What measures agents and tools waits for its collection, of which there is none here: a bounded line, full when warm.
        assert_flat(session, pipeline.settle, 700, 400)
    finally:
        runtime.end_all()
        pipeline.shutdown()


def calls_in(action: Callable[[], object]) -> int:
    """How many functions `action` calls, Python's and C's."""
    count = 0

    def seen(frame: Any, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        action()
    finally:
        sys.setprofile(None)
    return count


def test_what_is_done_does_not_depend_on_how_many_sessions_are_open(recorded: InMemory) -> None:
    decorated = operation(lambda: None)

    def session() -> None:
        one = runtime.start_session("one more")
        decorated()
        one.end()

    one = runtime.start_session("first")
    for _ in range(10):
        session()
    few = min(calls_in(session) for _ in range(5))
    others = [runtime.open_session(f"{number}") for number in range(1_000)]
    assert len(registry) >= 1_001
    many = min(calls_in(session) for _ in range(5))
    assert many == few
    for other in (*others, one):
        other.end()
    assert len(registry) == 0
