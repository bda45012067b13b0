"""Beside another GenAI instrumentor of the same method: its span counts, and is told what the call cost."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import pytest
from anthropic.resources.messages import Messages

from agentops_instrumentors.core import cost
from tests.providers.anthropic.test_recording import ASKED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.providers.anthropic.conftest import AnthropicRecorder

THEIRS = '''
import wrapt
from opentelemetry.trace import SpanKind, use_span

def instrument(owner, tracer):
    def traced(wrapped, instance, args, kwargs):
        span = tracer.start_span("theirs", kind=SpanKind.CLIENT, attributes={"gen_ai.operation.name": "chat"})
        with use_span(span, end_on_exit=True):
            answer = wrapped(*args, **kwargs)
            return list(answer) if kwargs.get("stream") else answer

    owner.create = wrapt.FunctionWrapper(vars(owner)["create"], traced)

class Counting:
    """Counts calls, without a span that is current."""
    calls = 0

    def __call__(self, wrapped, instance, args, kwargs):
        Counting.calls += 1
        return wrapped(*args, **kwargs)

def count(owner):
    owner.create = wrapt.FunctionWrapper(vars(owner)["create"], Counting())
'''


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[Any]:
    """A module that goes by the name of an instrumentor we know."""
    original = vars(Messages)["create"]
    (tmp_path / "wrapper.py").write_text(THEIRS)
    spec = importlib.util.spec_from_file_location("opentelemetry.instrumentation.anthropic", tmp_path / "wrapper.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    Messages.create = original


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("theirs_first", [False, True])
def test_their_span_gets_the_price(record: AnthropicRecorder, theirs: Any, theirs_first: bool, streamed: bool) -> None:
    assert cost.ready(30)
    record.stop()
    original = vars(Messages)["create"]
    tracer = record.telemetry.tracer_provider.get_tracer("theirs")
    if theirs_first:
        theirs.instrument(Messages, tracer)
    record.start()
    if not theirs_first:
        theirs.instrument(Messages, tracer)
    record.client.messages.create(**ASKED, stream=streamed)
    span = record.span
    assert (span.name, span.status.is_unset) == ("theirs", True)
    assert dict(span.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "agentops.usage.cost.amount": pytest.approx(3.5e-05),
        "agentops.usage.cost.currency": "USD",
        "agentops.usage.cost.source": (span.attributes or {})["agentops.usage.cost.source"],
    }
    assert record.telemetry.points("gen_ai.client.token.usage") == []
    record.stop()
    assert vars(Messages)["create"].__wrapped__ is original


@pytest.mark.parametrize("theirs_first", [False, True])
def test_ours_is_back_when_they_leave(record: AnthropicRecorder, theirs: Any, theirs_first: bool) -> None:
    record.stop()
    original = vars(Messages)["create"]
    tracer = record.telemetry.tracer_provider.get_tracer("theirs")
    if theirs_first:
        theirs.instrument(Messages, tracer)
    record.start()
    if not theirs_first:
        theirs.instrument(Messages, tracer)
    Messages.create = vars(Messages)["create"].__wrapped__
    record.client.messages.create(**ASKED)
    assert record.span.name == f"chat {ASKED['model']}"
    record.stop()
    assert vars(Messages)["create"] is original


def test_a_failure_is_theirs_to_tell(record: AnthropicRecorder, theirs: Any) -> None:
    theirs.instrument(Messages, record.telemetry.tracer_provider.get_tracer("theirs"))
    with pytest.raises(Exception, match="not accepted"):
        record.client.messages.create(**{**ASKED, "model": "error-400"})
    (span,) = record.telemetry.spans("theirs")
    assert "agentops.usage.cost.amount" not in (span.attributes or {})


@pytest.mark.parametrize("streamed", [False, True])
def test_ours_stands_down_for_a_wrapper_that_is_an_object(record: AnthropicRecorder, theirs: Any, streamed: bool) -> None:
    theirs.count(Messages)
    answer = record.client.messages.create(**ASKED, stream=streamed)
    if streamed:
        assert [event.type for event in answer][-1] == "message_stop"
    assert theirs.Counting.calls == 1
    record.telemetry.assert_balanced(0)
    assert record.telemetry.metrics() == []
