"""What each decorator's spans are called and carry, and where they are in the tree."""

from __future__ import annotations

import asyncio
import decimal
import json
import threading
import uuid
import warnings
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.context import attach, detach, get_current
from opentelemetry.trace import SpanKind, StatusCode

import agentops
from agentops.config import configure_settings
from agentops.decorators import agent, guardrail, operation, task, tool, trace, workflow
from agentops.sessions import runtime
from agentops.spans import agents
from agentops.spans import telemetry as telemetry_of_spans
from agentops_instrumentors.core.metrics import PROFILE_VARIABLE
from tests.fakes.in_memory import InMemory
from tests.unit.decorators_support import one, recorded, said, tree, with_content

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["recorded", "with_content"]


def kept(span: ReadableSpan) -> dict[str, Any]:
    """Its attributes, but for what every span of a session has."""
    every = ("session.id", "agentops.agent.id", "agentops.agent.name")
    return {name: value for name, value in span.attributes.items() if name not in every}


def test_a_tool(with_content: InMemory) -> None:
    @tool(cost=0.25, version=3, tags=["search"], attributes={"team": "blue", "shards": [1, 2], "odd": {"a": 1}})
    def look_up(topic: str, limit: int = 5) -> dict[str, Any]:
        """Look a topic up.

        More of it.
        """
        return {"topic": topic, "limit": limit}

    with runtime.start_session("t"):
        assert look_up("rain", limit=2) == {"topic": "rain", "limit": 2}
    span = one(with_content, "execute_tool look_up")
    assert span.kind is SpanKind.INTERNAL
    assert span.status.status_code is StatusCode.UNSET
    assert json.loads(span.attributes["gen_ai.tool.call.arguments"]) == {"topic": "rain", "limit": 2}
    assert json.loads(span.attributes["gen_ai.tool.call.result"]) == {"topic": "rain", "limit": 2}
    rest = {name: value for name, value in kept(span).items() if not name.startswith("gen_ai.tool.call")}
    assert rest == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "look_up",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.description": "Look a topic up.",
        "agentops.span.kind": "tool",
        "agentops.usage.cost.amount": 0.25,
        "agentops.usage.cost.currency": "USD",
        "agentops.usage.cost.source": "user",
        "agentops.entity.version": "3",
        "agentops.tags": ("search",),
        "team": "blue",
        "shards": (1, 2),
        "odd": "{'a': 1}",
    }


@pytest.mark.parametrize(
    ("decorator", "kind"), [(operation, "operation"), (task, "task"), (workflow, "workflow"), (guardrail, "guardrail")]
)
def test_an_operation_of_each_kind(decorator: Any, kind: str, with_content: InMemory) -> None:
    @decorator
    def work(a: int, *more: int, **options: int) -> int:
        return a

    with runtime.start_session("t"):
        work(1, 2, 3, b=4)
    span = one(with_content, f"{kind} work")
    assert said(span, "agentops.entity.input") == {"a": 1, "more": [2, 3], "options": {"b": 4}}
    assert said(span, "agentops.entity.output") == 1
    assert (span.kind, span.attributes["agentops.span.kind"], span.attributes["agentops.operation.type"]) == (
        SpanKind.INTERNAL,
        kind,
        "function",
    )
    assert tree(with_content) == [["invoke_workflow t", [f"{kind} work"]]]


def test_operation_type_name_and_guardrail_spec(recorded: InMemory) -> None:
    operation(name="shot", operation_type="screenshot")(lambda: None)()
    guardrail(spec="input", tags={"team": "blue"})(lambda: None)()
    guardrail(name="odd", spec="sideways")(lambda: None)()
    assert one(recorded, "operation shot").attributes["agentops.operation.type"] == "screenshot"
    guard = one(recorded, "guardrail <lambda>")
    assert (guard.attributes["agentops.guardrail.spec"], guard.attributes["agentops.tag.team"]) == ("input", "blue")
    assert "agentops.guardrail.spec" not in one(recorded, "guardrail odd").attributes


def test_an_agent_and_what_is_inside_it_belong_to_it(recorded: InMemory) -> None:
    @tool
    def search() -> None: ...

    @agent(name="Researcher")
    def research() -> None:
        search()

    with runtime.start_session("t") as session:
        research()
        search()
    invoked, (inside, outside) = one(recorded, "invoke_agent Researcher"), recorded.spans("execute_tool search")
    assert (invoked.attributes["gen_ai.operation.name"], invoked.attributes["gen_ai.agent.name"]) == ("invoke_agent", "Researcher")
    assert "gen_ai.agent.id" not in invoked.attributes
    for span in (invoked, inside):
        assert span.attributes["agentops.agent.name"] == "Researcher"
        assert span.attributes["agentops.agent.id"] == agents.agent_id(session.trace_number, "Researcher")
    assert inside.attributes["gen_ai.agent.name"] == "Researcher"
    assert "gen_ai.agent.name" not in outside.attributes
    assert outside.attributes["agentops.agent.name"] == "default"
    assert outside.attributes["agentops.agent.id"] == str(uuid.uuid5(uuid.UUID(session.session_id), "default"))
    root = one(recorded, "invoke_workflow t")
    assert "agentops.agent.id" not in root.attributes


def test_an_agent_takes_an_id_of_the_programs_own(recorded: InMemory) -> None:
    inner = operation(lambda: None)
    agent(name="A", attributes={"agentops.agent.id": "agent-7"})(lambda: inner())()
    assert {span.attributes["agentops.agent.id"] for span in recorded.spans()} == {"agent-7"}


def test_spans_without_a_parent_get_the_default_session(recorded: InMemory) -> None:
    configure_settings(auto_start_session=True)
    runtime.defaults.__init__(runtime.open_session, lambda: True)
    tool(name="a")(lambda: None)()
    operation(name="b")(lambda: None)()
    runtime.end_all()
    assert tree(recorded) == [["agentops.session", ["execute_tool a", "operation b"]]]
    assert len({span.attributes["session.id"] for span in recorded.spans()}) == 1
    runtime.defaults.adopt(None)


def test_nesting_across_kinds_and_tasks_and_threads(recorded: InMemory) -> None:
    @tool
    async def fetch(n: int) -> int:
        await asyncio.sleep(0)
        return n

    @task
    async def gather() -> list[int]:
        return await asyncio.gather(*(fetch(n) for n in range(3)))

    @operation
    def in_a_thread() -> None:
        context = get_current()

        def run() -> None:
            token = attach(context)
            tool(name="threaded")(lambda: None)()
            detach(token)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    @trace(name="main")
    async def main() -> list[int]:
        in_a_thread()
        return await gather()

    assert asyncio.run(main()) == [0, 1, 2]
    assert tree(recorded) == [
        [
            "invoke_workflow main",
            [["operation in_a_thread", ["execute_tool threaded"]], ["task gather", ["execute_tool fetch"] * 3]],
        ]
    ]
    recorded.assert_balanced(7)


def test_a_trace_is_a_session_of_its_own_even_inside_another(with_content: InMemory) -> None:
    @trace(tags=["a", "b"], version=2)
    def run(question: str) -> str:
        assert agentops.Session is type(runtime.current_session())
        return question.upper()

    with runtime.start_session("outer") as outer:
        assert run("why") == "WHY"
        assert runtime.current_session() is outer
    root = one(with_content, "invoke_workflow run")
    assert root.parent is None
    assert root.links[0].context.trace_id == outer.trace_number
    assert (said(root, "agentops.entity.input"), said(root, "agentops.entity.output")) == ({"question": "why"}, "WHY")
    assert root.attributes["agentops.session.end_state"] == "Success"
    assert (root.attributes["agentops.tags"], root.attributes["agentops.entity.version"]) == (("a", "b"), "2")


def test_session_is_an_older_name_of_trace(recorded: InMemory) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        agentops.session(lambda: None)
        agentops.session(name="mine")(lambda: None)()
    assert [warning.category for warning in caught] in ([DeprecationWarning], [])  # once a process
    assert tree(recorded) == ["invoke_workflow mine"]


def test_values_of_any_kind_become_json(with_content: InMemory) -> None:
    class Colour(Enum):
        RED = "red"

    @dataclass
    class Point:
        x: int

    class Rude:
        def __str__(self) -> str:
            raise RuntimeError

    itself: list[Any] = []
    itself.append(itself)
    given = [Colour.RED, Point(1), uuid.UUID(int=1), decimal.Decimal("1.5"), {1, 2}, b"\xff", Rude(), itself, "\ud800", {(1, 2): 3}, 2**70]

    @operation
    def echo(value: Any) -> Any:
        return value

    for value in given:
        assert echo(value) is value
    spans = with_content.spans("operation echo")
    assert len(spans) == len(given)
    for span in spans:
        json.loads(span.attributes["agentops.entity.output"])
    assert said(spans[1], "agentops.entity.input") == {"value": {"x": 1}}


def test_content_is_left_out_by_policy_and_by_the_programs_wish(recorded: InMemory) -> None:
    tool(name="silent")(lambda secret: secret)("s3cret")
    assert "s3cret" not in one(recorded, "execute_tool silent").to_json()


def test_inputs_and_outputs_left_out_one_by_one(with_content: InMemory) -> None:
    tool(name="a", capture_request=False)(lambda x: x)(1)
    tool(name="b", capture_response=False)(lambda x: x)(1)
    first, second = one(with_content, "execute_tool a"), one(with_content, "execute_tool b")
    assert "gen_ai.tool.call.arguments" not in first.attributes
    assert "gen_ai.tool.call.result" in first.attributes
    assert "gen_ai.tool.call.arguments" in second.attributes
    assert "gen_ai.tool.call.result" not in second.attributes


@pytest.mark.parametrize("latest", [False, True])
def test_durations_are_measured_whether_or_not_spans_are_sampled(latest: bool, recorded: InMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    if latest:
        monkeypatch.setenv(PROFILE_VARIABLE, "latest")
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    with InMemory(ALWAYS_OFF) as unsampled:
        runtime.install(unsampled.tracer_provider)
        telemetry_of_spans.use(telemetry_of_spans.SpanTelemetry(unsampled.tracer_provider, unsampled.meter_provider))
        look = tool(name="look")(lambda fail: 1 / 0 if fail else 1)

        @agent(name="A")
        def work() -> None:
            look(False)
            with pytest.raises(ZeroDivisionError):
                look(True)

        work()
        assert unsampled.spans() == []
        good, bad = sorted(unsampled.points("gen_ai.execute_tool.duration"), key=lambda point: len(point.attributes))
        assert dict(good.attributes) == {"gen_ai.tool.name": "look", "gen_ai.tool.type": "function", "gen_ai.agent.name": "A"}
        assert dict(bad.attributes) == {**good.attributes, "error.type": "ZeroDivisionError"}
        (invoked,) = unsampled.points("gen_ai.invoke_agent.duration")
        assert dict(invoked.attributes) == {"gen_ai.agent.name": "A"}
        calls = unsampled.points("gen_ai.invoke_agent.tool_calls")
        assert [point.sum for point in calls] == ([2] if latest else [])
    runtime.install(recorded.tracer_provider)


def test_an_unknown_parameter_is_an_error_that_names_the_nearest(recorded: InMemory) -> None:
    with pytest.raises(TypeError, match=r"tool\(\) got an unexpected keyword argument 'nmae'.*'name'"):
        tool(nmae="x")  # pyright: ignore


def test_a_trace_may_be_asked_to_nest(recorded: InMemory) -> None:
    configure_settings(trace_parent="current")
    try:
        with runtime.start_session("outer"):
            trace(name="inner")(lambda: None)()
    finally:
        configure_settings(trace_parent="root")
    assert tree(recorded) == [["invoke_workflow outer", ["invoke_workflow inner"]]]


def test_a_session_ended_inside_of_its_function_keeps_its_state(recorded: InMemory) -> None:
    @trace
    def run() -> None:
        agentops.end_session("Indeterminate", end_state_reason="enough")
        tool(name="late")(lambda: None)()

    with runtime.start_session("outer") as outer:
        run()
        assert runtime.current_session() is outer
    root = one(recorded, "invoke_workflow run")
    assert (root.attributes["agentops.session.end_state"], root.attributes["agentops.session.end_state_reason"]) == (
        "Indeterminate",
        "enough",
    )
    assert one(recorded, "execute_tool late").context.trace_id == outer.trace_number
    recorded.assert_balanced(3)


def test_a_callers_own_session_id_stays(recorded: InMemory) -> None:
    with runtime.start_session("t"):
        tool(name="a", attributes={"session.id": "mine"})(lambda: None)()
    assert one(recorded, "execute_tool a").attributes["session.id"] == "mine"
