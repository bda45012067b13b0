"""A tool that an SDK runs for its user: one span, named and filled as a decorated tool's, and nothing of it in the program's way."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import types
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.context import get_current
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from agentops.decorators import agent, tool
from agentops.sessions import runtime
from agentops_instrumentors.core import arbitration, dropped, guard, semconv
from agentops_instrumentors.core.content import ContentMode, Policy
from agentops_instrumentors.core.patching import Patches
from agentops_instrumentors.core.telemetry import Telemetry
from agentops_instrumentors.core.tool import ToolCall
from agentops_instrumentors.core.tool_endpoint import ToolEndpoint
from tests.unit.decorators_support import one, recorded, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops_instrumentors.core.operation import Call
    from tests.fakes.in_memory import InMemory

__all__ = ["recorded"]


class Runner:
    """What an SDK has: it runs the functions it was given."""

    def run(self, function: Any, arguments: dict[str, Any]) -> Any:
        return function(**arguments)

    async def run_later(self, function: Any, arguments: dict[str, Any]) -> Any:
        return await function(**arguments)


class Running(ToolEndpoint):
    def tool(self, instance: Any, call: Call) -> ToolCall | None:
        function, arguments = call.args
        return None if function is print else ToolCall(function.__name__, arguments, "call_1", function.__doc__)

    def error_of(self, returned: Any) -> str | None:
        return "tool_error" if returned == "refused" else None


@pytest.fixture
def runner(recorded: InMemory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    module = types.ModuleType("running_sdk")
    kind = type("Runner", (Runner,), dict(vars(Runner)))
    module.Runner = kind  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "running_sdk", module)
    patches = Patches(Telemetry("scope", "1", **recorded.kwargs, policy=Policy(ContentMode.SPAN_ONLY)))
    patches.install([Running("running_sdk:Runner.run"), Running("running_sdk:Runner.run_later")])
    before = guard.failures()
    yield kind()
    patches.remove()
    assert vars(kind)["run"] is Runner.run
    assert vars(kind)["run_later"] is Runner.run_later
    assert guard.failures() == before


def tides(port: str, days: int = 1) -> dict[str, Any]:
    """Tides of a port."""
    return {"port": port, "days": days}


def test_a_call_is_a_span(runner: Runner, recorded: InMemory) -> None:
    assert runner.run(tides, {"port": "Brest"}) == {"port": "Brest", "days": 1}
    span = one(recorded, "execute_tool tides")
    assert span.kind is SpanKind.INTERNAL
    assert span.status.status_code is StatusCode.UNSET
    assert said(span, "gen_ai.tool.call.arguments") == {"port": "Brest"}
    assert said(span, "gen_ai.tool.call.result") == {"port": "Brest", "days": 1}
    names = ("gen_ai.operation.name", "gen_ai.tool.name", "gen_ai.tool.type", "gen_ai.tool.call.id", "gen_ai.tool.description")
    assert [span.attributes[name] for name in names] == ["execute_tool", "tides", "function", "call_1", "Tides of a port."]
    assert span.attributes["agentops.span.kind"] == "tool"
    (point,) = recorded.points("gen_ai.execute_tool.duration")
    assert dict(point.attributes) == {"gen_ai.tool.name": "tides", "gen_ai.tool.type": "function"}


def test_an_awaited_call_is_a_span(runner: Runner, recorded: InMemory) -> None:
    async def tides(port: str) -> str:
        await asyncio.sleep(0)
        assert get_current_span().name == "execute_tool tides"
        return port

    assert asyncio.run(runner.run_later(tides, {"port": "Brest"})) == "Brest"
    assert said(one(recorded, "execute_tool tides"), "gen_ai.tool.call.result") == "Brest"


def test_a_failure_is_recorded_once_and_goes_on(runner: Runner, recorded: InMemory) -> None:
    error = ValueError("no such port")

    def tides(port: str) -> str:
        raise error

    with pytest.raises(ValueError, match="no such port") as caught:
        runner.run(tides, {"port": "Atlantis"})
    assert caught.value is error
    span = one(recorded, "execute_tool tides")
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "no such port"
    assert span.attributes["error.type"] == "ValueError"
    assert span.attributes["agentops.error.span_kind"] == "tool"
    assert [event.name for event in span.events] == ["exception"]
    assert "gen_ai.tool.call.result" not in span.attributes
    (point,) = recorded.points("gen_ai.execute_tool.duration")
    assert point.attributes["error.type"] == "ValueError"


def test_a_failure_of_a_tool_inside_a_tool_is_one_event(runner: Runner, recorded: InMemory) -> None:
    def inner() -> None:
        raise KeyError("x")

    def outer() -> None:
        runner.run(inner, {})

    with pytest.raises(KeyError):
        runner.run(outer, {})
    assert [len(span.events) for span in recorded.spans()] == [1, 0]
    assert [span.attributes["error.type"] for span in recorded.spans()] == ["KeyError", "KeyError"]
    assert recorded.spans()[0].parent.span_id == recorded.spans()[1].context.span_id


def test_an_answer_can_be_an_error(runner: Runner, recorded: InMemory) -> None:
    def refuse() -> str:
        return "refused"

    assert runner.run(refuse, {}) == "refused"
    span = one(recorded, "execute_tool refuse")
    assert span.attributes["error.type"] == "tool_error"
    assert span.status.status_code is StatusCode.ERROR
    assert said(span, "gen_ai.tool.call.result") == "refused"
    assert span.events == ()


def test_what_is_no_tool_and_what_is_suppressed_makes_no_span(runner: Runner, recorded: InMemory) -> None:
    runner.run(print, {})
    with suppress_instrumentation():
        runner.run(tides, {"port": "Brest"})
    assert recorded.started == 0


def test_a_model_call_of_a_tool_counts(runner: Runner, recorded: InMemory) -> None:
    seen: list[bool] = []

    def ask() -> None:
        seen.append(arbitration.nested(get_current(), semconv.CHAT))

    runner.run(ask, {})
    assert seen == [False]


def test_a_decorated_function_is_one_span(runner: Runner, recorded: InMemory) -> None:
    @tool(cost=0.5)
    def price(depth: int) -> int:
        return depth if depth == 0 else price(depth - 1)

    runner.run(price, {"depth": 1})
    inner, outer = recorded.spans("execute_tool price")
    assert inner.parent.span_id == outer.context.span_id
    assert outer.attributes["agentops.usage.cost.amount"] == 0.5
    assert said(outer, "gen_ai.tool.call.arguments") == {"depth": 1}


def test_a_decorated_function_says_what_may_be_recorded(runner: Runner, recorded: InMemory) -> None:
    @tool(capture_request=False)
    def secret_in(pin: int) -> str:
        return "in"

    @tool(capture_response=False)
    def secret_out(pin: int) -> str:
        return "out"

    runner.run(secret_in, {"pin": 1234})
    runner.run(secret_out, {"pin": 1234})
    first, second = (span.attributes for span in recorded.spans())
    assert "gen_ai.tool.call.arguments" not in first
    assert first["gen_ai.tool.call.result"] == '"in"'
    assert json.loads(second["gen_ai.tool.call.arguments"]) == {"pin": 1234}
    assert "gen_ai.tool.call.result" not in second


def test_the_agent_at_work_called_it(runner: Runner, recorded: InMemory) -> None:
    @agent(name="pilot")
    def pilot() -> None:
        runner.run(tides, {"port": "Brest"})

    with runtime.start_session("t"):
        pilot()
    span = one(recorded, "execute_tool tides")
    assert span.attributes["gen_ai.agent.name"] == "pilot"
    assert span.parent.span_id == one(recorded, "invoke_agent pilot").context.span_id
    assert span.attributes["session.id"]


def test_content_is_recorded_as_the_policy_says(recorded: InMemory) -> None:
    endpoint = Running("nowhere:at_all")
    run = endpoint.around(Telemetry("scope", "1", **recorded.kwargs, policy=Policy(ContentMode.NO_CONTENT)), asynchronous=False)
    with pytest.raises(ZeroDivisionError):
        run(lambda function, arguments: 1 / 0, None, (tides, {"port": "Brest"}), {})
    (span,) = recorded.spans()
    assert "Brest" not in json.dumps(dict(span.attributes))
    assert span.status.description is None
    assert dict(span.events[0].attributes) == {"exception.type": "ZeroDivisionError"}


def test_a_dropped_call_ends(runner: Runner, recorded: InMemory) -> None:
    async def wait() -> None:
        await asyncio.sleep(0)

    coroutine = runner.run_later(wait, {})
    coroutine.send(None)
    del coroutine
    gc.collect()
    dropped.flush(10)
    span = one(recorded, "execute_tool wait")
    assert span.status.status_code is StatusCode.UNSET
