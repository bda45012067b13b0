"""The default session: lazy, one, renewed, none where a program has its own."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from opentelemetry.context import Context, get_current
from opentelemetry.trace import get_current_span

from agentops.sessions import runtime
from agentops.sessions.current import session_in
from agentops.sessions.default import DefaultSession
from tests.unit.sessions_support import assert_roots_are_sound, recorded, root_of

if TYPE_CHECKING:
    from agentops.sessions.session import Session
    from tests.fakes.in_memory import InMemory

__all__ = ["recorded"]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now

    def pass_minutes(self, minutes: float) -> None:
        self.now += minutes * 60


def made(clock: Clock, wanted: bool = True) -> DefaultSession:
    return DefaultSession(runtime.open_session, lambda: wanted, clock)


def call(recorded: InMemory, default: DefaultSession) -> Session | None:
    """An LLM call's span, started and ended where `default` says."""
    context = default.parent(get_current())
    recorded.tracer_provider.get_tracer("application").start_span("chat", context=context).end()
    return session_in(context)


def test_made_at_the_first_span_without_a_parent_and_kept(recorded: InMemory) -> None:
    default = made(Clock())
    tracer = recorded.tracer_provider.get_tracer("application")
    with tracer.start_as_current_span("request"):
        assert call(recorded, default) is None
    assert recorded.started == 2
    session = call(recorded, default)
    assert session is not None
    assert call(recorded, default) is session
    assert session_in(get_current()) is None
    session.end()
    assert root_of(recorded, session).name == "agentops.session"
    assert [span.attributes.get("session.id") for span in recorded.spans("chat")] == [None, str(session), str(session)]
    assert call(recorded, default) is not session


def test_not_made_where_it_is_not_wanted(recorded: InMemory) -> None:
    assert call(recorded, made(Clock(), wanted=False)) is None
    recorded.assert_balanced(1)


def test_idle_for_half_an_hour_it_ends_as_of_its_last_span(recorded: InMemory) -> None:
    clock = Clock()
    default = made(clock)
    first = call(recorded, default)
    clock.pass_minutes(29)
    assert call(recorded, default) is first
    clock.pass_minutes(29)
    assert call(recorded, default) is first
    clock.pass_minutes(30)
    second = call(recorded, default)
    assert first is not None
    assert second is not None
    assert second is not first
    assert not first.is_open
    root = root_of(recorded, first)
    assert root.attributes["agentops.session.end_state"] == "Indeterminate"
    assert root.attributes["agentops.session.end_state_reason"] == "idle for 30 minutes"
    assert root.end_time >= root.start_time
    second.end()
    assert_roots_are_sound(recorded, [first, second])


def test_spans_inside_it_keep_it_busy(recorded: InMemory) -> None:
    clock = Clock()
    default = made(clock)
    first = call(recorded, default)
    tracer = recorded.tracer_provider.get_tracer("application")
    agent = tracer.start_span("agent", context=default.parent(get_current()))
    clock.pass_minutes(29)
    agent.end()
    clock.pass_minutes(29)
    assert call(recorded, default) is first


def test_after_four_busy_hours_it_is_renewed(recorded: InMemory) -> None:
    clock = Clock()
    default = made(clock)
    first = call(recorded, default)
    for _ in range(239):
        clock.pass_minutes(1)
        assert call(recorded, default) is first
    clock.pass_minutes(1)
    assert call(recorded, default) is not first
    assert first is not None
    assert root_of(recorded, first).attributes["agentops.session.end_state_reason"] == "open for 4 hours"


def test_a_program_with_its_own_session_gets_no_other(recorded: InMemory) -> None:
    clock = Clock()
    default = made(clock)
    lazy = call(recorded, default)
    own = runtime.open_session("own")
    default.adopt(own)
    assert lazy is not None
    assert not lazy.is_open
    clock.pass_minutes(24 * 60)
    assert call(recorded, default) is own
    own.end()
    assert call(recorded, default) is None


def test_a_session_that_has_ended_makes_way_for_the_default_one(recorded: InMemory) -> None:
    default = made(Clock())
    session = runtime.start_session("s")
    stale = get_current()
    session.end()
    context = default.parent(stale)
    assert session_in(context) is default.session()
    assert get_current_span(context).get_span_context().trace_id != session.trace_number


def test_many_first_calls_make_one(recorded: InMemory) -> None:
    def slowly() -> Session:
        time.sleep(0.05)
        return runtime.open_session()

    default = DefaultSession(slowly, lambda: True)
    start = threading.Barrier(16)
    found: list[Session | None] = []

    def first_call() -> None:
        start.wait()
        found.append(session_in(default.parent(Context())))

    threads = [threading.Thread(target=first_call) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert found[0] is not None
    assert recorded.started == 1
