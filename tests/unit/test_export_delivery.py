"""The line of what waits for AgentOps, and the parts that large requests are cut into."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags

from agentops.export.delivery import Delivery
from agentops.export.outcomes import Outcome
from agentops.export.parcels import parcels
from agentops.export.transport import partial_success
from agentops_instrumentors.core import guard
from tests.fakes.otlp_values import decode_metrics, decode_spans

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, eq=False)
class Letter:
    name: str
    items: int = 1
    size: int = 10


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_said", set())


def line(send: Callable[[Any, float], Outcome], max_bytes: int = 1000, timeout: float = 5) -> Delivery:
    return Delivery("letters", send, lambda _: None, timeout, max_bytes)


def test_letters_go_out_in_order_and_one_at_a_time() -> None:
    seen: list[str] = []
    inside = threading.Lock()

    def send(letter: Letter, _: float) -> Outcome:
        with inside:
            seen.append(letter.name)
        return Outcome()

    delivery = line(send)
    for number in range(50):
        assert delivery.put([Letter(str(number))])
    delivery.close(5)
    assert seen == [str(number) for number in range(50)]
    assert delivery.counts().delivered == 50
    assert not delivery.put([Letter("late")])
    assert delivery.counts().dropped == {"sent after shutdown": 1}


def test_a_full_line_loses_what_has_waited_longest_and_counts_it(caplog: pytest.LogCaptureFixture) -> None:
    opened, begun = threading.Event(), threading.Event()
    seen: list[str] = []

    def send(letter: Letter, _: float) -> Outcome:
        begun.set()
        opened.wait(10)
        seen.append(letter.name)
        return Outcome()

    delivery = line(send, max_bytes=50)
    delivery.put([Letter("first")])
    assert begun.wait(5)
    for number in range(20):
        delivery.put([Letter(str(number))])
    opened.set()
    delivery.close(5)
    assert seen == ["first", "16", "17", "18", "19"]
    counts = delivery.counts()
    assert (counts.delivered, counts.dropped, counts.waiting) == (5, {"the buffer is full": 16}, 0)
    assert len(caplog.messages) == 1


def test_parts_go_out_in_place_of_what_was_too_large() -> None:
    seen: list[str] = []

    def send(letter: Letter, _: float) -> Outcome:
        if letter.items > 1:
            return Outcome(parts=[Letter(f"{letter.name}{part}") for part in "ab"])
        seen.append(letter.name)
        return Outcome()

    delivery = line(send)
    delivery.put([Letter("x", items=2), Letter("y")])
    delivery.close(5)
    assert seen == ["xa", "xb", "y"]


def test_what_breaks_its_receiver_holds_nothing_up() -> None:
    seen: list[str] = []

    def send(letter: Letter, _: float) -> Outcome:
        if letter.name == "poison":
            return Outcome(later="HTTP 500", wait=0.01, behind=True)
        seen.append(letter.name)
        return Outcome()

    delivery = line(send, timeout=0.3)
    delivery.put([Letter("poison"), Letter("a"), Letter("b")])
    delivery.close(0.3)
    assert seen == ["a", "b"]
    assert delivery.counts().dropped == {"not sent before the end": 1}


def test_a_sender_that_raises_loses_its_letter_alone() -> None:
    def send(letter: Letter, _: float) -> Outcome:
        if letter.name == "bad":
            raise RuntimeError
        return Outcome()

    delivery = line(send)
    delivery.put([Letter("bad"), Letter("good")])
    assert delivery.flush(5)
    assert (delivery.counts().delivered, delivery.counts().dropped) == (1, {"RuntimeError": 1})
    delivery.close(1)


def test_closing_cuts_a_long_pause_short() -> None:
    attempts: list[float] = []

    def send(_: Letter, __: float) -> Outcome:
        attempts.append(time.monotonic())
        return Outcome(later="busy", wait=60) if len(attempts) == 1 else Outcome()

    delivery = line(send)
    delivery.put([Letter("x")])
    while not attempts:
        time.sleep(0.005)
    delivery.close(5)
    assert len(attempts) == 2
    assert delivery.counts().delivered == 1


def test_where_no_thread_can_start_closing_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    seen: list[str] = []
    monkeypatch.setattr(threading.Thread, "start", refuse)

    def send(letter: Letter, _: float) -> Outcome:
        seen.append(letter.name)
        return Outcome()

    delivery = line(send)
    delivery.put([Letter("x")])
    delivery.close(1)
    assert seen == ["x"]


def span(number: int, size: int, scope: int, resource: int) -> ReadableSpan:
    return ReadableSpan(
        name=f"span {number}",
        context=SpanContext(1, number + 1, False, TraceFlags(1)),
        resource=Resource({"r": resource}),
        attributes={"text": "x" * size},
        instrumentation_scope=InstrumentationScope(f"scope {scope}"),
        start_time=1,
        end_time=2,
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30), st.integers(600, 3000))
def test_parts_hold_every_span_once_under_its_scope_and_resource(shapes: list[tuple[int, int, int]], limit: int) -> None:
    spans = [span(number, *shape) for number, shape in enumerate(shapes)]
    found = parcels("traces", encode_spans(spans), limit)
    assert all(parcel.size <= limit for parcel in found)
    arrived = [one for parcel in found for one in decode_spans(parcel.body("", ""))]
    expected = decode_spans(encode_spans(spans).SerializeToString())
    assert sorted(arrived, key=lambda one: one.name) == sorted(expected, key=lambda one: one.name)
    assert sum(parcel.items for parcel in found) == len(spans)


def test_metrics_are_cut_between_metrics() -> None:
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("m")
    for number in range(40):
        meter.create_counter(f"counter_{number}").add(number)
    data = reader.get_metrics_data()
    assert data is not None
    found = parcels("metrics", encode_metrics(data), 600)
    assert len(found) > 2
    assert {metric.name for parcel in found for metric in decode_metrics(parcel.body("", ""))} == {f"counter_{n}" for n in range(40)}


def test_nothing_is_sent_of_nothing() -> None:
    assert parcels("traces", encode_spans([])) == []


def test_a_single_span_loses_its_longest_text_first() -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
    long = tracer.start_span("s", attributes={"long": "ü" * 5000, "longer": ["a" * 9000, "b"], "short": "kept"})
    long.add_event("e", {"text": "e" * 3000})
    long.end()
    (parcel,) = parcels("traces", encode_spans([long]), 4000)  # type: ignore[list-item]
    assert parcel.size <= 4000
    (found,) = decode_spans(parcel.body("project", "p"))
    assert found.attributes["short"] == "kept"
    assert "bytes cut)" in found.attributes["longer"][0]
    assert found.resource["project"] == "p"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["traces", "metrics", "logs"]))
def test_whatever_a_receiver_answers_is_read_without_failing(body: bytes, signal: str) -> None:
    count, message = partial_success(signal, body)
    assert isinstance(count, int)
    assert isinstance(message, str)
