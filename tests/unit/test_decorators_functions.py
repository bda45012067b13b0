"""A decorated function is to its caller what it was: kind, signature, laziness, exceptions, pickling."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import inspect
import pickle
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import INVALID_SPAN, StatusCode, get_current_span

from agentops.decorators import agent, operation, task, tool, trace
from agentops.sessions import runtime
from agentops.spans.scope import Scope
from agentops_instrumentors.core.guard import failures
from tests.unit.decorators_support import events, one, recorded, said, tree, with_content

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterator

    from tests.fakes.in_memory import InMemory

__all__ = ["recorded", "with_content"]


@tool
def picklable(x: int, *, y: str = "") -> float:
    """It has a docstring."""
    return x + len(y)


@operation
def count(n: int) -> Generator[int, str | None, str]:
    got = []
    for i in range(n):
        got.append((yield i))
    return f"done {got}"


@operation
async def acount(n: int) -> AsyncGenerator[int, str]:
    for i in range(n):
        await asyncio.sleep(0)
        yield i


@pytest.fixture(autouse=True)
def telemetry_does_not_fail() -> Iterator[None]:
    before = failures()
    yield
    assert failures() == before


def test_signature_name_doc_wrapped_and_pickling() -> None:
    assert str(inspect.signature(picklable)) == "(x: 'int', *, y: 'str' = '') -> 'float'"
    assert (picklable.__name__, picklable.__doc__, picklable.__module__) == ("picklable", "It has a docstring.", __name__)
    assert inspect.isfunction(picklable.__wrapped__)  # pyright: ignore
    assert pickle.loads(pickle.dumps(picklable)) is picklable


def test_the_kind_of_function_stays() -> None:
    @tool
    async def coroutine() -> None: ...

    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.isgeneratorfunction(count)
    assert inspect.isasyncgenfunction(acount)
    assert inspect.iscoroutinefunction(tool(functools.partial(coroutine)))


def test_nothing_happens_where_nothing_records() -> None:
    code = (
        "import sys, agentops\n"
        "from opentelemetry.trace import get_current_span\n"
        "@agentops.agent\n"
        "class A:\n"
        "    @agentops.tool\n"
        "    def f(self): return get_current_span().is_recording()\n"
        "@agentops.trace\n"
        "def g(): yield A().f()\n"
        "assert list(g()) == [False]\n"
        "assert not [m for m in sys.modules if m.startswith('opentelemetry.sdk') or m in ('flask', 'fastapi', 'starlette', 'msgspec')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_wrong_arguments_raise_as_before_and_are_the_calls_error(recorded: InMemory) -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        picklable()  # pyright: ignore
    assert one(recorded, "execute_tool picklable").attributes["error.type"] == "TypeError"


def test_methods_static_and_class_methods_in_either_order(with_content: InMemory) -> None:
    class Box:
        @tool
        def plain(self, a: int) -> int:
            return a

        @staticmethod
        @tool
        def static_outside(a: int) -> int:
            return a

        @tool
        @staticmethod
        def static_inside(a: int) -> int:
            return a

        @classmethod
        @tool
        def class_outside(cls, a: int) -> type:
            return cls

        @tool
        @classmethod
        def class_inside(cls, a: int) -> type:
            return cls

        @property
        @task
        def seen(self) -> int:
            return 1

        @task
        @property
        def seen_too(self) -> int:
            return 2

        @task
        @functools.cached_property
        def seen_once(self) -> int:
            return 3

    class Small(Box):
        pass

    for owner in (Box(), Box, Small()):
        assert owner.static_outside(1) == owner.static_inside(1) == 1
    assert Box().plain(a=1) == 1
    assert Small.class_outside(1) is Small().class_inside(1) is Small
    box = Box()
    assert (box.seen, box.seen_too, box.seen_once, box.seen_once) == (1, 2, 3, 3)
    spans = [span for span in with_content.spans() if span.name.startswith("execute_tool")]
    assert len(spans) == 9
    assert {span.attributes["gen_ai.tool.call.arguments"] for span in spans} == {'{"a":1}'}
    assert [span.name for span in with_content.spans()][-3:] == ["task seen", "task seen_too", "task seen_once"]


def test_caches_stay_caches(recorded: InMemory) -> None:
    @tool
    @functools.lru_cache
    def outside(x: int) -> int:
        return x

    @functools.cache
    @tool
    def inside(x: int) -> int:
        return x

    assert [outside(1), outside(1), inside(1), inside(1)] == [1, 1, 1, 1]
    assert outside.cache_info().hits == 1
    assert len(recorded.spans("execute_tool outside")) == 2
    assert len(recorded.spans("execute_tool inside")) == 1


def test_a_coroutine_behind_another_decorator_is_awaited_within_the_span(recorded: InMemory) -> None:
    def hiding(function: Any) -> Any:
        @functools.wraps(function)
        def call(*args: Any) -> Any:
            return function(*args)

        return call

    @tool
    @hiding
    async def work() -> int:
        await asyncio.sleep(0)
        return picklable(1)  # pyright: ignore

    assert asyncio.run(work()) == 1
    assert tree(recorded) == [["execute_tool work", ["execute_tool picklable"]]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        work()
        gc.collect()
    recorded.assert_balanced(3)


def test_a_generator_sends_throws_and_returns_as_without_us(with_content: InMemory) -> None:
    source = count(2)
    assert [next(source), source.send("a")] == [0, 1]
    with pytest.raises(StopIteration) as stop:
        source.send("b")
    assert stop.value.value == "done ['a', 'b']"
    assert said(one(with_content, "operation count"), "agentops.entity.output") == [0, 1]
    failing = count(2)
    next(failing)
    with pytest.raises(KeyError):
        failing.throw(KeyError("x"))
    failed = with_content.spans("operation count")[1]
    assert (failed.status.status_code, events(failed), failed.attributes["error.type"]) == (StatusCode.ERROR, ["exception"], "KeyError")


def test_a_generator_never_iterated_is_no_span_and_an_abandoned_one_ends(recorded: InMemory) -> None:
    count(3)
    assert recorded.started == 0
    abandoned = count(3)
    next(abandoned)
    del abandoned
    gc.collect()
    closed = count(3)
    next(closed)
    closed.close()
    for _ in count(3):
        break
    gc.collect()
    recorded.assert_balanced(3)
    assert {span.status.status_code for span in recorded.spans()} == {StatusCode.UNSET}


def test_a_suspended_generator_is_not_current_and_leaves_nothing_behind(recorded: InMemory) -> None:
    """The finished generator's span once stayed the parent of whatever followed."""

    @operation
    def outer() -> Iterator[int]:
        picklable(1)
        yield 1
        picklable(2)
        yield 2

    with runtime.start_session("t"):
        first, second = outer(), outer()
        next(first)
        next(second)
        picklable(3)
        list(first)
        list(second)
        picklable(4)
    calls = ["execute_tool picklable"] * 2
    assert tree(recorded) == [
        ["invoke_workflow t", [["operation outer", calls], ["operation outer", calls], "execute_tool picklable", "execute_tool picklable"]]
    ]
    assert get_current_span() is INVALID_SPAN


def test_a_generator_may_be_a_context_manager(recorded: InMemory) -> None:
    managed = contextlib.contextmanager(count)
    with managed(1) as first:
        assert first == 0
    recorded.assert_balanced(1)


def test_an_async_generator_from_task_to_task(recorded: InMemory) -> None:
    """Its context token once belonged to the context of whoever asked first."""

    async def main() -> None:
        source = acount(3)
        assert await asyncio.create_task(anext(source)) == 0  # pyright: ignore
        assert await asyncio.create_task(source.asend("x")) == 1  # pyright: ignore
        assert get_current_span() is INVALID_SPAN
        assert [item async for item in source] == [2]
        half = acount(3)
        await anext(half)
        await asyncio.create_task(half.aclose())  # pyright: ignore
        dropped = acount(3)
        await anext(dropped)
        del dropped
        gc.collect()
        failing = acount(3)
        await anext(failing)
        with pytest.raises(KeyError):
            await failing.athrow(KeyError("x"))
        await asyncio.sleep(0)

    asyncio.run(main())
    recorded.assert_balanced(4)


def test_a_cancelled_call_ends_and_stays_cancelled(recorded: InMemory) -> None:
    @tool
    async def slow() -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        running = asyncio.create_task(slow())
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    assert one(recorded, "execute_tool slow").attributes["error.type"] == "asyncio.exceptions.CancelledError"


def test_traces_of_generators(with_content: InMemory) -> None:
    @trace
    def steps() -> Iterator[int]:
        yield picklable(1)  # pyright: ignore

    @trace
    async def asteps() -> AsyncGenerator[int, None]:
        yield 1
        raise ValueError("no")

    async def main() -> None:
        with pytest.raises(ValueError, match="no"):
            async for _ in asteps():
                pass

    assert list(steps()) == [1]
    asyncio.run(main())
    for _ in steps():
        break
    gc.collect()
    assert tree(with_content) == [
        ["invoke_workflow steps", ["execute_tool picklable"]],
        "invoke_workflow asteps",
        ["invoke_workflow steps", ["execute_tool picklable"]],
    ]
    roots = [span for span in with_content.spans() if span.parent is None]
    assert [root.attributes["agentops.session.end_state"] for root in roots] == ["Success", "Fail", "Indeterminate"]
    assert said(roots[0], "agentops.entity.output") == [1]


def test_many_items_stay_within_the_byte_budget(with_content: InMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTOPS_CONTENT_MAX_BYTES", "1024")
    from agentops_instrumentors.core import content

    content.set_default_mode(content.ContentMode.SPAN_ONLY)
    assert len(list(count(10_000))) == 10_000
    text = one(with_content, "operation count").attributes["agentops.entity.output"]
    assert len(text) <= 1024
    assert said(one(with_content, "operation count"), "agentops.entity.output")[-1]["type"] == "agentops.elided"


def test_what_is_no_function_is_left_alone() -> None:
    assert tool(7) == 7
    builtin = agent(len)
    assert builtin([1]) == 1


def test_a_call_leaves_no_cycle_for_the_garbage_collector(with_content: InMemory) -> None:
    def alive() -> int:
        return sum(issubclass(type(each), Scope) for each in gc.get_objects())

    with runtime.start_session("t"):
        gc.collect()
        gc.disable()
        try:
            before = alive()
            for _ in range(5):
                picklable(1)
                list(count(2))
                trace(name="own")(picklable)(1)
                with pytest.raises(TypeError):
                    picklable()  # pyright: ignore
            assert alive() == before
        finally:
            gc.enable()
