"""An exception is recorded once, on the innermost span it leaves; the spans around it say that they failed."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import openai
import pytest
from opentelemetry.trace import StatusCode

from agentops.decorators import agent, operation, task, tool, trace
from agentops.sessions import runtime
from agentops_instrumentors.openai import OpenAIInstrumentor
from tests.fakes.http_values import Reply
from tests.unit.decorators_support import children, events, one, recorded, with_content

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.in_memory import InMemory
    from tests.fakes.openai_server import FakeOpenAI

__all__ = ["recorded", "with_content"]


@tool
def boom(error: BaseException | type[BaseException] | None = None) -> None:
    raise error or ValueError("s3cret")


def failed(recorded: InMemory) -> dict[str, list[str]]:
    """Events by span name of the spans that failed."""
    return {span.name: events(span) for span in recorded.spans() if span.status.status_code is StatusCode.ERROR}


def test_one_event_on_the_innermost_span(with_content: InMemory) -> None:
    """One exception once was two identical events on every span."""

    @agent
    def act() -> None:
        boom()

    @trace
    def run() -> None:
        act()

    with pytest.raises(ValueError, match="s3cret") as caught:
        run()
    assert failed(with_content) == {"execute_tool boom": ["exception"], "invoke_agent act": [], "invoke_workflow run": []}
    inner, outer, root = with_content.spans()
    assert inner.events[0].attributes["exception.message"] == "s3cret"
    assert "in boom" in inner.events[0].attributes["exception.stacktrace"]
    for span, kind in ((inner, "tool"), (outer, "agent"), (root, "session")):
        assert (span.attributes["error.type"], span.attributes["agentops.error.span_kind"]) == ("ValueError", kind)
    assert (inner.status.description, root.attributes["agentops.session.end_state"]) == ("s3cret", "Fail")
    assert caught.value.__notes__ == [] if hasattr(caught.value, "__notes__") else caught.value.__dict__ == {}


def test_without_content_only_the_type_is_recorded(recorded: InMemory) -> None:
    with pytest.raises(ValueError, match="s3cret"):
        boom()
    span = one(recorded, "execute_tool boom")
    assert dict(span.events[0].attributes) == {"exception.type": "ValueError"}
    assert span.status.description is None
    assert "s3cret" not in span.to_json()


def test_another_exception_made_of_it_is_recorded_too(recorded: InMemory) -> None:
    @operation
    def translate() -> None:
        try:
            boom()
        except ValueError as error:
            raise KeyError("other") from error

    with pytest.raises(KeyError):
        translate()
    assert failed(recorded) == {"execute_tool boom": ["exception"], "operation translate": ["exception"]}


def test_an_exception_in_the_memory_of_a_handled_one_is_not_taken_for_it(recorded: InMemory) -> None:
    @operation
    def give_up(depth: int) -> None:
        try:
            boom(ValueError)
        except ValueError:
            pass
        if depth:
            raise ValueError
        raise_it()

    def raise_it() -> None:
        raise ValueError

    for depth in (0, 1) * 50:
        with pytest.raises(ValueError):
            give_up(depth)
    assert all(events(span) == ["exception"] for span in recorded.spans())
    assert len(recorded.spans()) == 200


def test_one_exception_object_raised_again_and_again_is_recorded_each_time(recorded: InMemory) -> None:
    shared = ValueError("shared")

    @operation
    def outer() -> None:
        boom(shared)

    for _ in range(3):
        with pytest.raises(ValueError, match="shared"):
            outer()
    assert [events(span) for span in recorded.spans("execute_tool boom")] == [["exception"]] * 3
    assert [events(span) for span in recorded.spans("operation outer")] == [[]] * 3


def test_no_exception_is_kept_alive(recorded: InMemory) -> None:
    class MineError(Exception):
        pass

    @operation
    def outer() -> Any:
        try:
            boom(MineError)
        except MineError as error:
            return weakref.ref(error)

    with runtime.start_session("t"):
        gone = outer()
        gc.collect()
        assert gone() is None


def test_across_tasks_and_threads(recorded: InMemory) -> None:
    @tool
    async def aboom() -> None:
        raise ValueError

    @task
    async def gather() -> None:
        await asyncio.gather(aboom())

    @operation
    def pooled() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(boom, KeyError).result()

    with runtime.start_session("t"):
        with pytest.raises(ValueError):
            asyncio.run(gather())
        with pytest.raises(KeyError):
            pooled()
    assert events(one(recorded, "execute_tool aboom")) == ["exception"]
    assert events(one(recorded, "task gather")) == []
    # A thread without context is another tree: there each has its own record.
    assert events(one(recorded, "operation pooled")) == ["exception"]


def test_through_generators(recorded: InMemory) -> None:
    @operation
    def steps() -> Iterator[int]:
        yield 1
        boom(KeyError)

    @task
    def consume() -> None:
        list(steps())

    with pytest.raises(KeyError):
        consume()
    assert failed(recorded) == {"execute_tool boom": ["exception"], "operation steps": [], "task consume": []}


def test_a_session_around_does_not_repeat_it(recorded: InMemory) -> None:
    with pytest.raises(ValueError), runtime.start_session("t"):
        boom()
    with pytest.raises(KeyError), runtime.start_session("own"):
        raise KeyError
    assert failed(recorded)["invoke_workflow t"] == []
    assert failed(recorded)["invoke_workflow own"] == ["exception"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_is_no_ordinary_exception_ends_spans_too(error: type[BaseException], recorded: InMemory) -> None:
    with pytest.raises(error):
        boom(error)
    assert one(recorded, "execute_tool boom").attributes["error.type"].rpartition(".")[2] == error.__name__


def test_many_threads_at_once(recorded: InMemory) -> None:
    def run() -> None:
        for _ in range(50):
            try:
                operation(name="o")(boom)()
            except ValueError:
                pass

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorded.assert_balanced(400)
    for outer in recorded.spans("operation o"):
        (inner,) = children(recorded, outer)
        assert len(events(inner)) + len(events(outer)) == 1


def test_an_exception_of_a_model_call_is_the_model_calls(recorded: InMemory, openai_server: FakeOpenAI) -> None:
    instrumentor = OpenAIInstrumentor()
    instrumentor.instrument(**recorded.kwargs)
    openai_server.enqueue(Reply.json({"error": {"message": "no"}}, status=400))
    try:

        @agent
        def ask() -> None:
            client = openai.OpenAI(base_url=openai_server.base_url, api_key="test", max_retries=0)
            client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])

        with pytest.raises(openai.BadRequestError):
            ask()
    finally:
        instrumentor.uninstrument()
    assert failed(recorded) == {"chat gpt-4o": ["exception"], "invoke_agent ask": []}
