"""Providers that exist are joined, once each and whenever they are met; nothing is replaced and nothing arrives twice."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.metrics import MeterProvider

from tests.e2e.combinations import ALL_SIGNALS, BOTH, IN_A_SESSION, KEY, OTLP, listed_first, same_session, started
from tests.fakes.agentops_backend import FakeAgentOps
from tests.fakes.otlp_sink import Behaviour

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.fakes.process import PythonRunner

OWN_BEFORE = """
import agentops
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
mine = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(mine))
trace.set_tracer_provider(provider)
session = agentops.init()
agentops.init()
assert trace.get_tracer_provider() is provider
with trace.get_tracer("program").start_as_current_span("work"):
    pass
session.end()
(span,) = (span for span in mine.get_finished_spans() if span.name == "work")
from agentops.wiring import destinations
print(destinations().content, span.attributes["session.id"])
"""
OWN_AFTER = """
import logging
logging.disable(logging.WARNING)  # OpenTelemetry warns of the second global provider.
import agentops
session = agentops.init()
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from agentops import wiring
mine = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(mine))
trace.set_tracer_provider(provider)
wiring.ensure(provider)
wiring.ensure(provider)
with trace.get_tracer("program").start_as_current_span("work"):
    pass
with provider.get_tracer("program").start_as_current_span("own"):
    pass
session.end()
(own,) = mine.get_finished_spans()
print(wiring.destinations().content, own.attributes["session.id"])
"""
SET_TOO_LATE = """
import agentops
session = agentops.init()
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
for _ in range(2):
    trace.set_tracer_provider(TracerProvider())
with trace.get_tracer("program").start_as_current_span("work"):
    pass
session.end()
"""
ATTACHED_BY_HAND = """
import agentops
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from agentops.export.backend import AgentOpsSpanExporter
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(AgentOpsSpanExporter()))
trace.set_tracer_provider(provider)
session = agentops.init()
with trace.get_tracer("program").start_as_current_span("work"):
    pass
session.end()
"""
NOT_OF_THE_SDK = """
import agentops
from opentelemetry import trace
trace.set_tracer_provider(trace.NoOpTracerProvider())
session = agentops.init()
with trace.get_tracer("program").start_as_current_span("work"):
    pass
session.end()
print("done")
"""
OWN_METRICS = """
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
mine = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider(metric_readers=[mine]))
import agentops
session = agentops.init()
with trace.get_tracer("program").start_as_current_span("work"):
    metrics.get_meter("program").create_counter("things").add(1)
session.end()
assert "things" in mine.get_metrics_data().to_json()
"""
KEY_IN_CODE = IN_A_SESSION.replace("init()", f'init(api_key="{KEY}")')
EXPORTER_IN_CODE = """
import agentops
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
mine = InMemorySpanExporter()
session = agentops.init(exporter=mine)
with trace.get_tracer("program").start_as_current_span("work"):
    pass
session.end()
trace.get_tracer_provider().force_flush()
print(sorted(span.name for span in mine.get_finished_spans()))
"""


@pytest.mark.parametrize("instrument", [True, False])
def test_init_alone_and_within_an_instrumented_run_make_the_same(tmp_path: Path, instrument: bool) -> None:
    outcome = started(tmp_path, IN_A_SESSION, BOTH, instrument=instrument)
    assert outcome.copies() == outcome.copies("agentops.session") == (1, 1, 0)
    assert same_session(outcome) == "NO_CONTENT"
    assert outcome.errors == ""


@pytest.mark.parametrize("instrument", [True, False])
def test_content_stays_where_only_agentops_and_the_local_store_see_it(tmp_path: Path, instrument: bool) -> None:
    assert same_session(started(tmp_path / "key", IN_A_SESSION, {"AGENTOPS_API_KEY": KEY}, instrument=instrument)) == "SPAN_ONLY"
    assert same_session(started(tmp_path / "local", IN_A_SESSION, {}, instrument=instrument)) == "SPAN_ONLY"


def test_a_chosen_content_mode_wins(tmp_path: Path) -> None:
    chosen = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_and_event"}
    assert same_session(started(tmp_path, IN_A_SESSION, {**BOTH, **chosen})) == "SPAN_AND_EVENT"


def test_where_data_goes_is_said_at_info(tmp_path: Path) -> None:
    said = started(tmp_path, IN_A_SESSION, {"AGENTOPS_LOG_LEVEL": "info"}).errors
    assert said.count("the local store") == 1
    assert "OTEL_TRACES_EXPORTER=otlp" in said
    assert "SPAN_ONLY" in said


def test_sessions_are_on_the_spans_when_upstream_built_the_provider(tmp_path: Path) -> None:
    first = listed_first("opentelemetry-distro", tmp_path / "first")
    outcome = started(tmp_path, IN_A_SESSION, {**BOTH, "OTEL_PYTHON_DISTRO": "distro"}, pythonpath=(first,))
    assert outcome.copies() == outcome.copies("agentops.session") == (1, 1, 0)
    same_session(outcome)


@pytest.mark.parametrize(("env", "copies"), [({}, (0, 0, 1)), ({"AGENTOPS_API_KEY": KEY}, (1, 0, 0)), (OTLP, (0, 0, 0))])
def test_the_applications_provider_is_joined(tmp_path: Path, env: Mapping[str, str], copies: tuple[int, int, int]) -> None:
    outcome = started(tmp_path, OWN_BEFORE, env, instrument=False)
    assert outcome.copies() == copies
    assert same_session(outcome) == "NO_CONTENT"
    assert outcome.errors == ""


def test_a_provider_made_after_init_can_be_joined_too(tmp_path: Path) -> None:
    outcome = started(tmp_path, OWN_AFTER, {"AGENTOPS_API_KEY": KEY}, instrument=False)
    assert outcome.copies() == outcome.copies("own") == (1, 0, 0)
    assert same_session(outcome) == "NO_CONTENT"
    assert outcome.errors == ""


def test_a_provider_that_is_set_too_late_is_told_what_to_do(tmp_path: Path) -> None:
    outcome = started(tmp_path, SET_TOO_LATE, {"AGENTOPS_API_KEY": KEY}, instrument=False)
    assert outcome.copies() == (1, 0, 0)
    assert outcome.errors.count("set it before agentops.init()") == 1


def test_the_applications_metrics_are_joined_and_spans_added(tmp_path: Path) -> None:
    outcome = started(tmp_path, OWN_METRICS, BOTH, instrument=False)
    assert outcome.copies() == (1, 1, 0)
    # Older SDKs take no reader once a provider is made.
    assert len(outcome.agentops.metrics("things")) == hasattr(MeterProvider, "add_metric_reader")
    assert outcome.otlp.metrics() == []
    assert outcome.errors == ""


def test_an_exporter_attached_by_hand_is_the_one_copy(tmp_path: Path) -> None:
    assert started(tmp_path, ATTACHED_BY_HAND, {"AGENTOPS_API_KEY": KEY}, instrument=False).copies() == (1, 0, 0)


def test_a_provider_that_cannot_be_joined_does_no_harm(tmp_path: Path) -> None:
    outcome = started(tmp_path, NOT_OF_THE_SDK, {"AGENTOPS_API_KEY": KEY}, instrument=False)
    assert outcome.output == "done\n"
    assert outcome.copies() == (0, 0, 0)
    assert "NoOpTracerProvider" in outcome.errors


@pytest.mark.parametrize("instrument", [True, False])
def test_a_key_given_in_code_counts_like_one_in_the_environment(tmp_path: Path, instrument: bool) -> None:
    outcome = started(tmp_path, KEY_IN_CODE, {}, instrument=instrument)
    assert outcome.copies()[:2] == (1, 0)
    same_session(outcome)


def test_an_exporter_given_in_code_gets_every_span(tmp_path: Path) -> None:
    outcome = started(tmp_path, EXPORTER_IN_CODE, {}, instrument=False)
    assert outcome.output == "['agentops.session', 'work']\n"
    assert outcome.copies() == (0, 0, 0)


def test_dead_receivers_hold_the_exit_up_for_five_seconds_together(run_python: PythonRunner) -> None:
    with FakeAgentOps(KEY) as backend:
        backend.behave(Behaviour(hang=True))
        began = time.monotonic()
        run_python(ALL_SIGNALS, env=backend.env, instrument=True)
        assert time.monotonic() - began < 12  # Each signal on its own would wait 5 s.
