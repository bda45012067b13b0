"""Ending: once, in any order, from anywhere; what is current afterwards; what the root says."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import threading
from typing import TYPE_CHECKING

import pytest
from opentelemetry.context import get_current
from opentelemetry.trace import StatusCode, get_current_span, use_span

from agentops.sessions import runtime
from agentops.sessions.current import current_session
from agentops.sessions.registry import registry
from agentops_instrumentors.core import content
from agentops_instrumentors.core.telemetry import parent_context
from tests.unit.sessions_support import assert_roots_are_sound, recorded, root_of

if TYPE_CHECKING:
    from agentops.sessions.session import Session
    from tests.fakes.in_memory import InMemory

__all__ = ["recorded"]


class RefusedError(Exception):
    """An application's own exception."""


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_any_order_leaves_the_nearest_open_one_current(recorded: InMemory, order: tuple[int, ...]) -> None:
    sessions = [runtime.start_session(str(number)) for number in range(3)]
    for number in order:
        sessions[number].end()
        assert current_session() is next((session for session in reversed(sessions) if session.is_open), None)
    assert not get_current_span().get_span_context().is_valid
    recorded.assert_balanced(3)
    assert_roots_are_sound(recorded, sessions)


def test_the_span_that_was_current_is_current_again_and_linked(recorded: InMemory) -> None:
    tracer = recorded.tracer_provider.get_tracer("application")
    with tracer.start_as_current_span("request") as request:
        session = runtime.start_session("s")
        session.end()
        assert get_current_span() is request
    root = root_of(recorded, session)
    assert root.parent is None
    assert [link.context for link in root.links] == [request.get_span_context()]
    assert "session.id" not in recorded.spans("request")[0].attributes


def test_nested_on_request_shares_the_trace(recorded: InMemory) -> None:
    outer = runtime.start_session("outer")
    inner = runtime.start_session("inner", nested=True)
    assert inner.session_id == outer.session_id
    outer.end()
    assert current_session() is inner
    inner.end()
    assert current_session() is None
    assert root_of(recorded, inner).parent == outer.span.get_span_context()
    assert root_of(recorded, inner).attributes["session.id"] == str(outer)


def test_twice_and_from_many_threads_is_once(recorded: InMemory) -> None:
    sessions = [runtime.start_session(str(number)) for number in range(50)]
    start = threading.Barrier(8)

    def end_all() -> None:
        start.wait()
        for session in sessions:
            session.end("Success")

    threads = [threading.Thread(target=end_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for session in sessions:
        session.end("Fail")
    recorded.assert_balanced(50)
    assert {span.attributes["agentops.session.end_state"] for span in recorded.spans()} == {"Success"}
    assert current_session() is None
    assert not get_current_span().is_recording()
    assert len(registry) == 0


def test_ended_elsewhere_it_is_not_a_parent_here(recorded: InMemory) -> None:
    outer = runtime.start_session("outer")
    inner = runtime.start_session("inner")
    threading.Thread(target=inner.end).start()
    while inner.is_open:
        pass
    assert current_session() is outer
    assert get_current_span(parent_context(get_current())) is outer.span
    third = runtime.start_session("third")
    assert [link.context for link in third.span.links] == [outer.span.get_span_context()]  # pyright: ignore
    third.end()
    assert current_session() is outer


def test_values_of_the_context_survive_a_change_of_session(recorded: InMemory) -> None:
    from opentelemetry.baggage import get_baggage, set_baggage
    from opentelemetry.context import attach

    session = runtime.start_session("s")
    attach(set_baggage("tenant", "a"))
    contextvars.copy_context().run(session.end)
    assert get_baggage("tenant", parent_context(get_current())) == "a"


def test_a_span_of_another_trace_is_neither_stamped_nor_moved(recorded: InMemory) -> None:
    from opentelemetry.context import Context

    tracer = recorded.tracer_provider.get_tracer("application")
    session = runtime.start_session("s")
    with use_span(tracer.start_span("foreign", context=Context()), end_on_exit=True) as foreign:
        session.end()
        assert get_current_span() is foreign
        assert get_current_span(parent_context(get_current())) is foreign
        tracer.start_span("inside").end()
    assert "session.id" not in recorded.spans("foreign")[0].attributes
    assert "session.id" not in recorded.spans("inside")[0].attributes


def test_every_way_to_a_span_of_the_session_is_stamped(recorded: InMemory) -> None:
    tracer = recorded.tracer_provider.get_tracer("application")
    session = runtime.start_session("s")

    def bare_thread() -> None:
        with use_span(session.span), tracer.start_as_current_span("by the span alone"):
            pass

    thread = threading.Thread(target=bare_thread)
    thread.start()
    thread.join()
    late = tracer.start_span("late parent")
    tracer.start_span("own id", attributes={"session.id": "mine"}).end()
    session.end()
    with use_span(late, end_on_exit=True):
        tracer.start_span("late").end()
    ids = {span.name: span.attributes["session.id"] for span in recorded.spans()}
    assert ids.pop("own id") == "mine"
    assert set(ids) == {"by the span alone", "late parent", "late", "invoke_workflow s"}
    assert set(ids.values()) == {str(session)}


def test_with_says_success_or_the_exception_once(recorded: InMemory) -> None:
    with runtime.start_session("good") as good:
        pass
    with pytest.raises(RefusedError, match="card 4111"), runtime.start_session("bad") as bad:
        raise RefusedError("card 4111")
    assert root_of(recorded, good).attributes["agentops.session.end_state"] == "Success"
    assert root_of(recorded, good).status.status_code is StatusCode.UNSET
    root, kind = root_of(recorded, bad), f"{__name__}.RefusedError"
    assert root.attributes["agentops.session.end_state"] == "Fail"
    assert root.attributes["error.type"] == kind
    assert root.status.status_code is StatusCode.ERROR
    (event,) = root.events
    assert event.attributes["exception.type"] == kind
    assert root.attributes["agentops.session.end_state_reason"] == kind
    assert "4111" not in root.to_json()


def test_with_content_on_the_exception_is_told_whole(recorded: InMemory) -> None:
    content.set_default_mode(content.ContentMode.SPAN_ONLY)
    try:
        with pytest.raises(RefusedError), runtime.start_session("bad") as bad:
            raise RefusedError("out of stock")
    finally:
        content.set_default_mode(content.ContentMode.NO_CONTENT)
    root = root_of(recorded, bad)
    assert root.attributes["agentops.session.end_state_reason"] == f"{__name__}.RefusedError: out of stock"
    assert root.events[0].attributes["exception.message"] == "out of stock"
    assert "raise RefusedError" in root.events[0].attributes["exception.stacktrace"]


@pytest.mark.parametrize("stop", [SystemExit(0), GeneratorExit()])
def test_leaving_a_block_early_is_not_a_failure(recorded: InMemory, stop: BaseException) -> None:
    with pytest.raises(type(stop)), runtime.start_session("s") as session:
        raise stop
    assert root_of(recorded, session).attributes["agentops.session.end_state"] == "Indeterminate"
    assert root_of(recorded, session).attributes["agentops.session.end_state_reason"] == type(stop).__name__


def test_with_in_generators_closed_by_another_task(recorded: InMemory) -> None:
    """The block is left in a context that never entered it."""
    opened: list[Session] = []

    async def numbers():
        with runtime.start_session("generator") as session:
            opened.append(session)
            yield 1
            yield 2

    async def main() -> None:
        generator = numbers()
        assert await generator.__anext__() == 1
        await asyncio.create_task(generator.aclose())

    asyncio.run(main())
    assert not opened[0].is_open
    assert current_session() is None
    recorded.assert_balanced(1)


def test_tags(recorded: InMemory) -> None:
    listed = runtime.start_session("listed", ["a", "b", "a"])
    listed.add_tags("c")
    assert listed.tags == ["a", "b", "c"]
    keyed = runtime.start_session("keyed", {"team": "x", "run": 3, "none": None, "odd": ["y"]})
    keyed.set_tags(["z"])
    wrong = runtime.start_session("wrong", 5)  # pyright: ignore[reportArgumentType]
    for session in (listed, keyed, wrong):
        session.end()
    assert root_of(recorded, listed).attributes["agentops.tags"] == ("a", "b", "c")
    attributes = root_of(recorded, keyed).attributes
    assert {key: attributes[key] for key in attributes if "tag" in key} == {
        "agentops.tag.team": "x",
        "agentops.tag.run": 3,
        "agentops.tag.odd": "['y']",
        "agentops.tags": ("z",),
    }
    assert "agentops.tags" not in root_of(recorded, wrong).attributes


def test_names_and_kind_of_roots(recorded: InMemory) -> None:
    named, unnamed = runtime.start_session("checkout"), runtime.start_session()
    runtime.end_all("Success")
    root = root_of(recorded, named)
    assert (root.name, root.kind.name, root.instrumentation_scope.name) == ("invoke_workflow checkout", "INTERNAL", "agentops.session")
    assert root.attributes["gen_ai.operation.name"] == "invoke_workflow"
    assert root.attributes["gen_ai.workflow.name"] == "checkout"
    root = root_of(recorded, unnamed)
    assert root.name == "agentops.session"
    assert root.attributes["agentops.span.kind"] == "session"
    assert not any(name.startswith("gen_ai.") for name in root.attributes)
