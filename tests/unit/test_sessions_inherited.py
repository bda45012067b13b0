"""Sessions of other processes, joined on in-memory providers: whose child a span is, and what leaving does."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from opentelemetry import baggage
from opentelemetry.context import attach, detach, get_current
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from agentops.sessions import runtime
from agentops.sessions.ids import root_span_id
from agentops.sessions.inherit import JoinedSession
from tests.unit.sessions_support import recorded

if TYPE_CHECKING:
    from tests.fakes.in_memory import InMemory

__all__ = ["recorded"]


def span(recorded: InMemory, name: str = "work") -> None:
    recorded.tracer_provider.get_tracer("x").start_span(name).end()


@pytest.mark.parametrize("spelling", [str, lambda given: given.hex, lambda given: f" {str(given).upper()}\n", lambda given: given])
def test_spans_are_children_of_the_derived_root(recorded: InMemory, spelling) -> None:
    given = uuid4()
    session = runtime.start_session(inherited=spelling(given))
    assert (str(session), session.joined, session.is_open) == (str(given), True, True)
    span(recorded)
    (work,) = recorded.spans()
    assert (work.context.trace_id, work.parent.span_id, work.parent.is_remote) == (given.int, root_span_id(given.int), True)
    assert work.attributes["session.id"] == str(given)


def test_leaving_makes_no_root_and_what_was_current_is_so_again(recorded: InMemory) -> None:
    own = runtime.start_session("own")
    with runtime.start_session(inherited=str(uuid4())) as session:
        assert runtime.current_session() is session
        session.add_tags("kept here only")
    assert runtime.current_session() is own
    session.end("Fail")
    assert not session.is_open
    assert recorded.spans() == []


def test_joined_any_number_of_times_and_left_in_any_order(recorded: InMemory) -> None:
    given = str(uuid4())
    first, second = (runtime.start_session(inherited=given) for _ in range(2))
    first.end()
    span(recorded)
    second.end()
    (work,) = recorded.spans()
    assert work.attributes["session.id"] == given
    assert runtime.current_session() is None


def test_joining_ones_own_session_leaves_its_root_to_it(recorded: InMemory) -> None:
    own = runtime.start_session("own")
    joined = runtime.start_session(inherited=str(own))
    span(recorded, "in the joined one")
    joined.end("Fail")
    span(recorded, "after it")
    own.end()
    work, after, root = recorded.spans()
    assert work.parent.span_id == after.parent.span_id == root.context.span_id == root_span_id(own.trace_number)
    assert root.attributes["agentops.session.end_state"] == "Success"
    assert {each.attributes["session.id"] for each in (work, after, root)} == {str(own)}


def test_an_unsampled_session_stays_unsampled(in_memory: InMemory, recorded: InMemory) -> None:
    runtime.install(TracerProvider(sampler=ALWAYS_OFF))
    session = runtime.start_session(inherited=str(uuid4()))
    assert not session.span.get_span_context().trace_flags.sampled
    span(recorded)
    assert recorded.spans() == []
    runtime.install(recorded.tracer_provider)


@pytest.mark.parametrize("given", ["", "x", "0" * 32, "1" * 31, str(UUID(int=0)), f"00-{'1' * 32}-{'0' * 16}-01", 7, object()])
def test_what_names_no_session_opens_one(recorded: InMemory, given: object) -> None:
    session = runtime.start_session(inherited=given)
    assert not isinstance(session, JoinedSession)
    session.end()
    assert len(recorded.spans()) == 1


def test_the_id_is_in_the_baggage_of_the_sessions_context_alone(recorded: InMemory) -> None:
    def carried() -> object:
        return baggage.get_baggage("session.id")

    assert carried() is None
    outer = runtime.start_session("outer")
    inner = runtime.start_session("inner")
    assert carried() == str(inner)
    other = runtime.start_session(inherited=str(uuid4()))
    assert carried() == str(other)
    other.end()
    assert carried() == str(inner)
    inner.end()
    assert carried() == str(outer)
    left_in = get_current()
    outer.end()
    assert carried() is None
    assert baggage.get_baggage("session.id", runtime.resolve_parent(left_in)) is None


def test_an_applications_own_baggage_is_kept(recorded: InMemory) -> None:
    token = attach(baggage.set_baggage("session.id", "visitor-7"))
    session = runtime.start_session("own")
    assert baggage.get_baggage("session.id") == "visitor-7"
    session.end()
    assert baggage.get_baggage("session.id") == "visitor-7"
    detach(token)
