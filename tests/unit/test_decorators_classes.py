"""A decorated class stays the class it is; each call of its public methods from outside is a span."""

from __future__ import annotations

import asyncio
import gc
import inspect
import pickle
import weakref
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pydantic
import pytest
from opentelemetry.trace import INVALID_SPAN, get_current_span

from agentops.decorators import agent, operation, tool, trace
from agentops.sessions import runtime
from tests.unit.decorators_support import one, recorded, said, tree, with_content

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.fakes.in_memory import InMemory

__all__ = ["recorded", "with_content"]


@agent
class Writer:
    """Writes."""

    style = "plain"

    def __init__(self, name: str, *, words: int = 3) -> None:
        self.name = name
        self.words = words

    def write(self, topic: str) -> str:
        return self.polish(f"{topic} by {self.name}")

    @operation
    def polish(self, text: str) -> str:
        return self._trim(text)

    def _trim(self, text: str) -> str:
        return text.strip()

    def __call__(self, topic: str) -> str:
        return self.write(topic)

    @staticmethod
    def helper() -> int:
        return 1

    @classmethod
    def make(cls) -> Writer:
        return cls("made")

    async def stream(self, n: int) -> AsyncIterator[int]:
        for i in range(n):
            yield i


def test_the_class_is_the_same_class() -> None:
    writer = Writer("w", words=4)
    assert type(writer) is Writer
    assert isinstance(writer, Writer)
    assert (Writer.__name__, Writer.__doc__, Writer.__mro__) == ("Writer", "Writes.", (Writer, object))
    assert str(inspect.signature(Writer)) == "(name: 'str', *, words: 'int' = 3) -> 'None'"
    assert str(inspect.signature(Writer.write)) == "(self, topic: 'str') -> 'str'"
    copy = pickle.loads(pickle.dumps(writer))
    assert (type(copy), copy.__dict__) == (Writer, writer.__dict__)
    assert pickle.loads(pickle.dumps(writer.write))("x") == "x by w"
    assert Writer.helper() == 1


def test_each_call_from_outside_is_an_invocation_and_what_it_calls_on_itself_is_part_of_it(with_content: InMemory) -> None:
    writer = Writer("w")
    with runtime.start_session("t"):
        assert writer.write("rain") == "rain by w"
        assert writer("snow") == "snow by w"
        writer.polish(" x ")
        Writer.make()
        Writer.helper()
    invocation = ["invoke_agent Writer", ["operation polish"]]
    assert tree(with_content) == [["invoke_workflow t", [invocation, invocation, invocation]]]
    first, second, third = with_content.spans("invoke_agent Writer")
    assert (said(first, "agentops.entity.input"), said(first, "agentops.entity.output")) == ({"topic": "rain"}, "rain by w")
    methods = [span.attributes["code.function.name"].rpartition(".")[2] for span in (first, second, third)]
    assert methods == ["write", "__call__", "polish"]
    assert {span.attributes["agentops.agent.name"] for span in with_content.spans("operation polish")} == {"Writer"}


def test_one_agent_calls_another_and_is_called_back(recorded: InMemory) -> None:
    @agent
    class Boss:
        def lead(self, other: Any) -> None:
            other.help(self)

        def answer(self) -> None: ...

    @agent
    class Helper:
        def help(self, boss: Boss) -> None:
            boss.answer()

    Boss().lead(Helper())
    expected = ["invoke_agent Boss", [["invoke_agent Helper", ["invoke_agent Boss"]]]]
    assert tree(recorded) == [expected]


def test_two_instances_are_two_agents_at_work(recorded: InMemory) -> None:
    @agent
    class Node:
        def __init__(self, below: Node | None = None) -> None:
            self.below = below

        def run(self) -> None:
            if self.below:
                self.below.run()

    Node(Node()).run()
    assert tree(recorded) == [["invoke_agent Node", ["invoke_agent Node"]]]


def test_nothing_is_left_current_and_no_span_waits_for_the_garbage_collector(recorded: InMemory) -> None:
    """The span of a class once was opened by its constructor and stayed current until `__del__`."""
    writer = Writer("w")
    assert get_current_span() is INVALID_SPAN
    assert recorded.started == 0
    writer.write("x")
    recorded.assert_balanced(2)
    gone = weakref.ref(writer)
    del writer
    gc.collect()
    assert gone() is None
    recorded.assert_balanced(2)


def test_asynchronous_generators_of_an_agent(recorded: InMemory) -> None:
    async def main() -> list[int]:
        return [item async for item in Writer("w").stream(3)]

    assert asyncio.run(main()) == [0, 1, 2]
    assert tree(recorded) == ["invoke_agent Writer"]


def test_a_subclass_keeps_its_override_and_is_recorded_once(recorded: InMemory) -> None:
    class Poet(Writer):
        def write(self, topic: str) -> str:
            return super().write(topic) + "!"

    @agent(name="Star")
    class Novelist(Poet):
        def write(self, topic: str) -> str:
            return super().write(topic) + "?"

    assert Poet("p").write("x") == "x by p!"
    assert Novelist("n").write("x") == "x by n!?"
    assert Writer("w").write("x") == "x by w"
    below = ["operation polish"]
    assert tree(recorded) == [["invoke_agent Poet", below], ["invoke_agent Star", below], ["invoke_agent Writer", below]]


def test_init_subclass_of_the_program_still_runs(recorded: InMemory) -> None:
    seen: list[Any] = []

    class Base:
        def __init_subclass__(cls, flavour: str = "", **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            seen.append((cls.__name__, flavour))

    @agent
    class Middle(Base, flavour="a"):
        def run(self) -> int:
            return 1

    @agent
    class Own:
        def __init_subclass__(cls, **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            seen.append(cls.__name__)

        def run(self) -> int:
            return 1

    class Leaf(Middle, flavour="b"): ...

    class OwnLeaf(Own):
        def run(self) -> int:
            return 2

    assert seen == [("Middle", "a"), ("Leaf", "b"), "OwnLeaf"]
    assert (Leaf().run(), OwnLeaf().run()) == (1, 2)
    assert tree(recorded) == ["invoke_agent Middle", "invoke_agent OwnLeaf"]


def test_dataclasses_slots_and_abstract_classes(recorded: InMemory) -> None:
    @dataclass(slots=True)
    @agent
    class Inside:
        n: int

        def run(self) -> int:
            return self.n

    @agent
    @dataclass(frozen=True)
    class Outside:
        n: int

        def run(self) -> int:
            return self.n

    @agent
    class Abstract(ABC):
        @abstractmethod
        def run(self) -> int: ...

    class Concrete(Abstract):
        def run(self) -> int:
            return 3

    class Below(Inside):
        def run(self) -> int:
            return 4

    with pytest.raises(TypeError):
        Abstract()  # pyright: ignore
    assert [Inside(1).run(), Outside(2).run(), Concrete().run(), Below(0).run()] == [1, 2, 3, 4]
    assert (Inside(1), Outside(1)) == (Inside(1), Outside(1))
    assert tree(recorded) == ["invoke_agent Inside", "invoke_agent Outside", "invoke_agent Concrete", "invoke_agent Below"]


def test_a_traced_class_is_a_session_a_call(recorded: InMemory) -> None:
    @trace(name="crew", tags=["x"])
    class Crew:
        def kickoff(self) -> None:
            self.step()

        @tool
        def step(self) -> None: ...

    crew = Crew()
    crew.kickoff()
    crew.kickoff()
    assert tree(recorded) == [["invoke_workflow crew", ["execute_tool step"]]] * 2
    assert all(span.attributes["agentops.session.end_state"] == "Success" for span in recorded.spans("invoke_workflow crew"))


def test_used_as_an_asynchronous_context(recorded: InMemory) -> None:
    @agent
    class Open:
        async def __aenter__(self) -> Open:
            return self

        async def __aexit__(self, *error: object) -> None: ...

        async def run(self) -> int:
            return 1

    async def main() -> int:
        async with Open() as opened:
            return await opened.run()

    assert asyncio.run(main()) == 1
    assert one(recorded, "invoke_agent Open")
    recorded.assert_balanced(1)


def test_calls_at_once_do_not_mix(recorded: InMemory) -> None:
    @agent
    class Slow:
        async def run(self, n: int) -> int:
            await asyncio.sleep(0)
            return await self.inner(n)

        @tool
        async def inner(self, n: int) -> int:
            await asyncio.sleep(0)
            return n

    async def main() -> list[int]:
        slow = Slow()
        return await asyncio.gather(*(slow.run(n) for n in range(3)))

    assert asyncio.run(main()) == [0, 1, 2]
    assert tree(recorded) == [["invoke_agent Slow", ["execute_tool inner"]]] * 3


def test_methods_that_yield(recorded: InMemory) -> None:
    @agent
    class Lister:
        def items(self) -> Iterator[int]:
            yield from self.more()

        def more(self) -> Iterator[int]:
            yield 1

    assert list(Lister().items()) == [1]
    assert tree(recorded) == ["invoke_agent Lister"]


def test_a_model_of_pydantic(with_content: InMemory) -> None:
    @agent
    class Model(pydantic.BaseModel):
        n: int

        def model_post_init(self, context: Any) -> None: ...

        def run(self) -> Any:
            return self

    model = Model(n=1)
    assert with_content.started == 0
    assert model.run() is model
    assert said(one(with_content, "invoke_agent Model"), "agentops.entity.output") == {"n": 1}
    assert Model.model_validate_json(model.model_dump_json()) == model
    with_content.assert_balanced(1)
