"""Any number of sessions at once, on threads and tasks, in any order: each span is in its own session, nothing leaks."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import get_current_span

from agentops.sessions import runtime
from agentops.sessions.current import current_session, session_in
from agentops.sessions.registry import registry
from agentops.sessions.states import EndState
from agentops_instrumentors.core.telemetry import parent_context
from tests.unit.sessions_support import assert_roots_are_sound, recorded

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

    from agentops.sessions.session import Session
    from tests.fakes.in_memory import InMemory

__all__ = ["recorded"]

OPERATIONS = ("start", "start", "with", "span", "span", "nested span", "end current", "end own", "end any", "yield")


class World:
    """What all programs of one run share: the sessions started and, for each that has ended, when."""

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self.sessions: list[Session] = []
        self.by_trace: dict[int, Session] = {}
        self.by_root: dict[int, Session] = {}
        self.ended: dict[Session, int] = {}
        self._ticks = itertools.count(1)
        self.tick = 0

    def add(self, session: Session) -> None:
        self.sessions.append(session)
        self.by_trace[session.trace_number] = session
        self.by_root[session.span.get_span_context().span_id] = session

    def end(self, session: Session) -> None:
        session.end()
        self.tick = next(self._ticks)
        self.ended.setdefault(session, self.tick)

    def check_current(self) -> None:
        """Nothing that had ended before the question is the answer."""
        asked = self.tick
        session = current_session()
        assert session is None or self.ended.get(session, asked + 1) > asked


class Program:
    """One thread's or task's steps. `exact`: nobody else can act between two lines, so the whole answer is known."""

    def __init__(self, world: World, seed: int, exact: bool) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.own: list[Session] = []
        self.exact = exact

    def step(self, operation: str) -> None:
        match operation:
            case "start":
                self._start()
            case "with":
                with self._start() as session:
                    self._span()
                self.world.ended.setdefault(session, self.world.tick)
                assert get_current_span() is not session.span
            case "span":
                self._span()
            case "nested span":
                context = self._parent()
                with self.world.tracer.start_as_current_span("nested", context=context) as span:
                    self._expect(span, context)
                    self._span()
            case "end current":
                self._end(current_session())
            case "end own":
                self._end(self.random.choice(self.own) if self.own else None)
            case "end any":
                self._end(self.random.choice(self.world.sessions) if self.world.sessions else None)
            case _:
                pass
        self.world.check_current()
        if self.exact:
            assert current_session() is next((session for session in reversed(self.own) if session.is_open), None)

    def _start(self) -> Session:
        session = runtime.start_session(f"s{len(self.own)}")
        self.own.append(session)
        self.world.add(session)
        assert get_current_span() is session.span
        return session

    def _span(self) -> None:
        context = self._parent()
        span = self.world.tracer.start_span("work", context=context)
        self._expect(span, context)
        span.end()

    def _parent(self) -> Context:
        """Where an LLM call would start: never under the root of a session that had ended before it asked."""
        asked = self.world.tick
        context = parent_context(get_current())
        session = self.world.by_root.get(get_current_span(context).get_span_context().span_id)
        assert session is None or self.world.ended.get(session, asked + 1) > asked
        return context

    def _expect(self, span: Span, context: Context) -> None:
        session = self.world.by_trace.get(get_current_span(context).get_span_context().trace_id)
        span.set_attribute("expected", "" if session is None else str(session))

    def _end(self, session: Session | None) -> None:
        if session is None:
            return
        self.world.end(session)
        assert not session.is_open
        assert get_current_span() is not session.span


def run(recorded: InMemory, threads: list[tuple[int, list[str]]], tasks: list[tuple[int, list[str]]]) -> list[Session]:
    """Run all programs at once, then end what is open and check every span and root."""
    recorded.clear()
    world = World(recorded.tracer_provider.get_tracer("application"))
    failures: list[BaseException] = []

    def on_thread(seed: int, operations: list[str]) -> None:
        program = Program(world, seed, exact=False)
        try:
            for operation in operations:
                program.step(operation)
        except BaseException as error:
            failures.append(error)

    async def as_task(seed: int, operations: list[str]) -> None:
        program = Program(world, seed, exact=not threads)
        for operation in operations:
            program.step(operation)
            if operation == "yield":
                await asyncio.sleep(0)

    async def all_tasks() -> None:
        await asyncio.gather(*(as_task(*task) for task in tasks))

    runners = [threading.Thread(target=on_thread, args=thread) for thread in threads]
    for runner in runners:
        runner.start()
    asyncio.run(all_tasks())
    for runner in runners:
        runner.join()
    runtime.end_all(EndState.INDETERMINATE)
    assert failures == []
    assert len(registry) == 0
    check_spans(recorded, world)
    return world.sessions


def check_spans(recorded: InMemory, world: World) -> None:
    recorded.assert_balanced()
    assert_roots_are_sound(recorded, world.sessions)
    for span in recorded.spans():
        if span.attributes.get("expected"):
            assert span.attributes["session.id"] == span.attributes["expected"]
            assert f"{span.context.trace_id:032x}" == span.attributes["expected"].replace("-", "")
        elif "expected" in span.attributes:
            assert "session.id" not in span.attributes


PROGRAM = st.tuples(st.integers(0, 2**16), st.lists(st.sampled_from(OPERATIONS), max_size=25))
PROPERTY = settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@PROPERTY
@given(tasks=st.lists(PROGRAM, min_size=1, max_size=6))
def test_tasks_interleave_exactly(recorded: InMemory, tasks: list[tuple[int, list[str]]]) -> None:
    run(recorded, [], tasks)


@PROPERTY
@given(threads=st.lists(PROGRAM, min_size=1, max_size=4), tasks=st.lists(PROGRAM, max_size=4))
def test_threads_and_tasks_interleave(recorded: InMemory, threads: list[tuple[int, list[str]]], tasks: list[tuple[int, list[str]]]) -> None:
    run(recorded, threads, tasks)


def test_a_thousand_sessions_on_tasks_and_threads(recorded: InMemory) -> None:
    chance = random.Random(20261121)

    def program(starts: int) -> tuple[int, list[str]]:
        operations = ["start"] * starts + chance.choices(OPERATIONS[3:], k=4 * starts)
        chance.shuffle(operations)
        return chance.randrange(2**16), operations

    sessions = run(recorded, [program(50) for _ in range(8)], [program(2) for _ in range(300)])
    assert len(sessions) == 1000


def test_a_task_takes_its_session_along_and_keeps_it_after_the_starter_left(recorded: InMemory) -> None:
    tracer = recorded.tracer_provider.get_tracer("application")

    async def main() -> None:
        session = runtime.start_session("s")
        released = asyncio.Event()

        async def work() -> None:
            tracer.start_span("before", context=parent_context(get_current())).end()
            await released.wait()
            assert current_session() is None
            tracer.start_span("after", context=parent_context(get_current())).end()

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        session.end()
        released.set()
        await task
        before, after = recorded.spans("before")[0], recorded.spans("after")[0]
        assert before.parent.span_id == session.span.get_span_context().span_id
        assert after.parent is None
        assert "session.id" not in after.attributes

    asyncio.run(main())


def test_sessions_overlapping_in_a_chain_leave_nothing_behind(recorded: InMemory) -> None:
    """Each starts before the one before it ends: contexts must not hold on to all that ever were."""
    token = attach(Context())
    previous = runtime.start_session("first")
    for _ in range(50):
        session = runtime.start_session("next")
        previous.end()
        depth, context = 0, session.outer
        while (ancestor := session_in(context)) is not None:
            depth, context = depth + 1, ancestor.outer
        assert depth <= 2
        previous = session
    previous.end()
    assert current_session() is None
    detach(token)
