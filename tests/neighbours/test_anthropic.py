"""One counted span a call, whoever is there to make it: the SDK itself, the official instrumentor, ours, in any order.

The fake service's ledger is held against the sum over exported spans and over metrics.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import anthropic
import pytest
from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor as Official
from opentelemetry.instrumentation.utils import suppress_instrumentation

from agentops_instrumentors.anthropic import AnthropicInstrumentor as Ours
from agentops_instrumentors.core import cost
from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.in_memory import InMemory
from tests.neighbours.anthropic_program import ASKED, MODEL, run, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

OURS: Final = "agentops_instrumentors.anthropic"
NATIVE: Final = "com.anthropic.sdk.python"
ORDERS: Final[dict[str, tuple[type[Any], ...]]] = {
    "nobody": (),
    "ours": (Ours,),
    "official": (Official,),
    "ours, official": (Ours, Official),
    "official, ours": (Official, Ours),
}


@pytest.fixture
def server() -> Iterator[FakeAnthropic]:
    with FakeAnthropic() as running:
        yield running


@contextmanager
def installed(order: str) -> Iterator[None]:
    for kind in ORDERS[order]:
        kind().instrument()
    try:
        yield
    finally:
        for kind in reversed(ORDERS[order]):
            kind().uninstrument()


def counted(telemetry: InMemory) -> list[Any]:
    """Spans of model calls that say how many tokens they took."""
    spans: list[Any] = telemetry.spans()
    return [
        span for span in spans if span.attributes.get("gen_ai.operation.name") == "chat" and "gen_ai.usage.input_tokens" in span.attributes
    ]


def scopes(spans: list[Any]) -> set[str]:
    return {span.instrumentation_scope.name for span in spans}


def tokens(spans: list[Any]) -> tuple[int, int]:
    return (
        sum(span.attributes["gen_ai.usage.input_tokens"] for span in spans),
        sum(span.attributes["gen_ai.usage.output_tokens"] for span in spans),
    )


def measured(telemetry: InMemory) -> tuple[int, int]:
    """Tokens in the metrics collected so far, whoever recorded them."""
    points = telemetry.points("gen_ai.client.token.usage")
    by_type = {kind: sum(point.sum for point in points if point.attributes["gen_ai.token.type"] == kind) for kind in ("input", "output")}
    return by_type["input"], by_type["output"]


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("order", [name for name in ORDERS if "ours" in name])
def test_the_ledger_agrees(everything: InMemory, server: FakeAnthropic, order: str, native: bool) -> None:
    assert cost.ready(30)
    before = measured(everything)
    with installed(order):
        made = run(server, native)
    spans, billed = counted(everything), server.tokens()
    assert len(spans) == made
    assert scopes(spans) == ({"opentelemetry.instrumentation.genai.anthropic"} if "official" in order else {OURS})
    assert tokens(spans) == billed
    after = measured(everything)
    assert (after[0] - before[0], after[1] - before[1]) == billed
    # Whoever emits it, a counted span says what the call cost.
    assert all("agentops.usage.cost.amount" in span.attributes for span in spans)


@pytest.mark.parametrize(
    ("order", "native", "times"), [("nobody", False, 0), ("nobody", True, 1), ("official", False, 1), ("official", True, 2)]
)
def test_without_ours_it_is_the_others_to_count(everything: InMemory, server: FakeAnthropic, order: str, native: bool, times: int) -> None:
    """Two emitters know nothing of each other: that is what ours is there to prevent."""
    with installed(order), anthropic.Anthropic(**settings(server, native)) as client:
        client.messages.create(**ASKED)
    assert len(counted(everything)) == times


@pytest.mark.parametrize("order", ["ours", "ours, official", "official, ours"])
def test_forced_or_left_alone(everything: InMemory, server: FakeAnthropic, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTOPS_INSTRUMENTATION_CONFLICT", "force")
    with installed(order), anthropic.Anthropic(**settings(server, True)) as client:
        client.messages.create(**ASKED)
    assert len(counted(everything)) == len(ORDERS[order])
    assert OURS in scopes(counted(everything))


def test_a_stream_that_is_left_early_is_one_span(everything: InMemory, server: FakeAnthropic) -> None:
    for order in ("ours", "ours, official", "official, ours"):
        everything.clear()
        with installed(order), anthropic.Anthropic(**settings(server, True)) as client:
            stream: Any = client.messages.create(**ASKED, stream=True)
            next(iter(stream))
            stream.close()
        assert [span.name for span in everything.spans()] == [f"chat {MODEL}"], order


def test_suppressed_calls_are_none_of_ours(everything: InMemory, server: FakeAnthropic) -> None:
    with installed("ours"), anthropic.Anthropic(**settings(server, True)) as client, suppress_instrumentation():
        client.messages.create(**ASKED)
    assert scopes(counted(everything)) == {NATIVE}


def test_a_client_with_a_provider_of_its_own_keeps_its_spans(everything: InMemory, server: FakeAnthropic) -> None:
    with InMemory() as own:
        options: Any = {**settings(server, True), "open_telemetry": {"tracer_provider": own.tracer_provider}}
        with installed("ours"), anthropic.Anthropic(**options) as client:
            client.messages.create(**ASKED)
        assert scopes(counted(own)) == {NATIVE}
        assert scopes(counted(everything)) == {OURS}
        assert tokens(counted(own)) == tokens(counted(everything)) == server.tokens()


def test_the_trace_context_is_sent_as_the_client_was_told(everything: InMemory, server: FakeAnthropic) -> None:
    for told, sent in (({}, True), ({"propagation": False}, False)):
        everything.clear()
        server.reset()
        options: Any = {**settings(server, True), "open_telemetry": told}
        with installed("ours"), anthropic.Anthropic(**options) as client:
            client.messages.create(**ASKED)
        (span,) = everything.spans()
        context: Any = span.get_span_context()
        (request,) = server.requests
        expected = f"00-{context.trace_id:032x}-{context.span_id:016x}"
        assert request.headers.get("traceparent", "").startswith(expected) is sent


def test_what_is_not_counted_keeps_the_clients_own_spans(everything: InMemory, server: FakeAnthropic) -> None:
    with installed("ours"), anthropic.Anthropic(**settings(server, True)) as client:
        list(client.messages.batches.list())
    assert [span.name for span in everything.spans()] == ["anthropic.messages.batches.list"]


def test_a_tool_that_runs_is_one_span(everything: InMemory, server: FakeAnthropic) -> None:
    @anthropic.beta_tool
    def tides(port: str) -> str:
        """Tides of a port."""
        return f"high at noon in {port}"

    with installed("ours"), anthropic.Anthropic(**settings(server, True)) as client:
        client.beta.messages.tool_runner(**ASKED, tools=[tides]).until_done()
    spans: list[Any] = everything.spans()
    assert [span.name for span in spans] == [f"chat {MODEL}", "execute_tool tides", f"chat {MODEL}", "anthropic.messages.tool_runner"]
    assert {span.parent and span.parent.span_id for span in spans[:3]} == {spans[3].get_span_context().span_id}
    assert not [name for name in spans[3].attributes if name.startswith("gen_ai.usage")]
