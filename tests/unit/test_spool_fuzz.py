"""Whatever a receiver answers: each span was taken, is counted as lost, or waits on disk, and the end comes in time."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from opentelemetry.sdk.trace import TracerProvider

from agentops.export.otlp import Target
from agentops.spool.place import Place
from agentops.spool.processors import SpoolSpanProcessor
from agentops.spool.receivers import SpooledOtlp
from agentops.spool.spool import Spool
from agentops.spool.state import states
from tests.fakes.http import HttpServer, Reply, Request
from tests.unit.test_fuzz_receivers import REPLIES

if TYPE_CHECKING:
    from collections.abc import Iterator

numbers = itertools.count()


class Strange(HttpServer):
    """Answers as it was told to, over and over."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = Reply()

    def respond(self, request: Request) -> Reply:
        return self.answer


@pytest.fixture(scope="module")
def strange() -> Iterator[Strange]:
    with Strange() as server:
        yield server


@settings(derandomize=True, max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=REPLIES)
def test_every_span_is_accounted_for(answer: Reply, strange: Strange) -> None:
    strange.answer = answer
    target = Target("traces", f"{strange.url}/v1/traces", timeout=0.3)
    place = Place("otlp", "traces", target.url, str(next(numbers)))
    spool = Spool(place, SpooledOtlp(target, "the test", keeps=True))
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SpoolSpanProcessor(spool))
    for name in ("one", "two"):
        provider.get_tracer("fuzz").start_span(name).end()
    spool.flush(0.1)
    began = time.monotonic()
    spool.begin_close(began + 0.5)
    spool.finish_close()
    assert time.monotonic() - began < 5
    (state,) = (each for each in states() if each.folder == place.folder)
    counts = spool.counts()
    assert counts.delivered + sum(counts.dropped.values()) + state.waiting == 2
    assert state.dropped == counts.dropped
