"""Operations wait to be recorded together: none is lost, none counted twice, and the line stays short."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import INVALID_SPAN_CONTEXT

from agentops_instrumentors.core import semconv, waiting
from agentops_instrumentors.core.metrics import Instruments, Measured, Profile
from agentops_instrumentors.core.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

IDENTITY = {semconv.OPERATION_NAME: "chat", semconv.PROVIDER_NAME: "openai"}


class Collected:
    """Instruments, and how often each metric was recorded by the time it is collected."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader])
        self.instruments = Instruments(self.provider.get_meter("test"), Profile.PUBLISHED)

    def add(self, chunks: int = 0) -> None:
        measured = Measured("chat", 0.5, dict(IDENTITY), {}, Usage(10, 5), INVALID_SPAN_CONTEXT, 0.1 if chunks else None)
        self.instruments.add(measured, [0.01 * number for number in range(chunks)])

    def counts(self) -> dict[str, int]:
        data: Any = self.reader.get_metrics_data()
        found = (
            [metric for resource in data.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics] if data else []
        )
        return {metric.name: sum(point.count for point in metric.data.data_points) for metric in found}


@pytest.fixture
def collected() -> Iterator[Collected]:
    telemetry = Collected()
    yield telemetry
    telemetry.provider.shutdown()


def test_collecting_records_what_waits(collected: Collected) -> None:
    collected.add(chunks=200)
    assert collected.counts() == {
        semconv.METRIC_OPERATION_DURATION: 1,
        semconv.METRIC_TOKEN_USAGE: 2,
        semconv.METRIC_TIME_TO_FIRST_CHUNK: 1,
        semconv.METRIC_TIME_PER_OUTPUT_CHUNK: 199,
    }


def test_a_line_nobody_collects_stays_short_and_loses_nothing(collected: Collected) -> None:
    for _ in range(3000):
        collected.add()
        assert waiting.waiting() <= waiting.MOST
    assert collected.counts()[semconv.METRIC_OPERATION_DURATION] == 3000


def test_a_long_stream_is_recorded_whole_and_a_part_at_a_time(collected: Collected) -> None:
    for _ in range(10):
        collected.add(chunks=5001)
    assert collected.counts()[semconv.METRIC_TIME_PER_OUTPUT_CHUNK] == 50_000


def test_instruments_made_twice_on_one_meter_are_both_recorded(collected: Collected) -> None:
    collected.add()
    collected.instruments = Instruments(collected.provider.get_meter("test"), Profile.PUBLISHED)
    collected.add()
    assert collected.counts()[semconv.METRIC_OPERATION_DURATION] == 2
    assert waiting.waiting() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_child_leaves_what_waits_to_its_parent(collected: Collected) -> None:
    collected.add()
    child = os.fork()
    if child == 0:
        os._exit(waiting.waiting())
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert collected.counts()[semconv.METRIC_OPERATION_DURATION] == 1
