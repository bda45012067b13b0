"""What an instrumentor of ours really leaves is broken on purpose, and the gate says so in the words of the rule meant for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from conformance import gaps
from conformance.expected import MODES, Evidence
from conformance.gate import Run, drive, judge

from agentops_conformance.values import Level, Metric, Scope, Span, Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentops_conformance.values import Value

SCENARIO = "openai sync chat.create stream"


@pytest.fixture(scope="module")
def recorded() -> Run:
    """All scenarios of one provider, really driven."""
    return drive(MODES[0], ["openai"])


def found(run: Run, evidence: Evidence) -> set[str]:
    """The rules that one scenario violates."""
    result = judge([replace(run, evidence=(evidence,))], ())
    return {finding.id for scenario, finding in result.findings if scenario == SCENARIO and finding.level is Level.VIOLATION}


def on_call(change: Callable[[Span], Span]) -> Callable[[Telemetry], Telemetry]:
    return lambda telemetry: replace(telemetry, spans=tuple(change(span) if span.kind == "client" else span for span in telemetry.spans))


def with_value(key: str, value: Value) -> Callable[[Telemetry], Telemetry]:
    return on_call(lambda span: replace(span, attributes={**span.attributes, key: value}))


def without(key: str) -> Callable[[Telemetry], Telemetry]:
    return on_call(lambda span: replace(span, attributes={name: value for name, value in span.attributes.items() if name != key}))


def on_metrics(change: Callable[[Metric], Metric]) -> Callable[[Telemetry], Telemetry]:
    def changed(telemetry: Telemetry) -> Telemetry:
        return replace(telemetry, metrics=tuple(change(m) if m.name.endswith(".duration") else m for m in telemetry.metrics))

    return changed


def doubled(telemetry: Telemetry) -> Telemetry:
    (call,) = [span for span in telemetry.spans if span.kind == "client"]
    return replace(telemetry, spans=(*telemetry.spans, replace(call, span_id="9" * 16)))


NOT_ONE = {"scenario_operations", "scenario_calls", "scenario_tokens", "scenario_events"}
"""What no client span for a call is, or two, counted in every way there is."""


@pytest.mark.parametrize(
    ("rules", "broken"),
    [
        ({"span_status_ok_set_by_instrumentation"}, on_call(lambda span: replace(span, status="ok"))),
        ({"genai_span_name_format"}, on_call(lambda span: replace(span, name="openai.chat"))),
        ({"genai_span_kind_unexpected", *NOT_ONE}, on_call(lambda span: replace(span, kind="server"))),
        ({"genai_expected_attribute_missing"}, without("gen_ai.response.model")),
        ({"genai_expected_attribute_missing"}, without("gen_ai.provider.name")),
        ({"condition_met_attribute_missing"}, without("server.port")),
        ({"time_to_first_chunk_without_stream"}, without("gen_ai.request.stream")),
        ({"genai_content_schema"}, with_value("gen_ai.output.messages", '[{"role": "assistant", "content": "Hi"}]')),
        ({"error_type_without_error_status"}, with_value("error.type", "_OTHER")),
        ({"deprecated"}, with_value("gen_ai.system", "openai")),
        ({"missing_attribute"}, with_value("agentops.undeclared", "x")),
        ({"type_mismatch"}, with_value("server.port", "80")),
        ({"token_part_exceeds_total"}, with_value("gen_ai.usage.cache_read.input_tokens", 10**6)),
        ({"scenario_tokens"}, with_value("gen_ai.usage.input_tokens", 10**6)),
        ({"scenario_scope"}, on_call(lambda span: replace(span, scope=Scope("acme", "1")))),
        ({"unexpected_buckets"}, on_metrics(lambda m: replace(m, points=tuple(replace(p, buckets=(0.0, 5.0)) for p in m.points)))),
        ({"unit_mismatch"}, on_metrics(lambda m: replace(m, unit="ms"))),
        ({"scenario_metrics"}, on_metrics(lambda m: replace(m, points=tuple(replace(p, count=2) for p in m.points)))),
        ({"provider_call_counted_twice", *NOT_ONE}, doubled),
    ],
)  # fmt: skip
def test_a_broken_recording_is_found(recorded: Run, rules: set[str], broken: Callable[[Telemetry], Telemetry]) -> None:
    (evidence,) = [each for each in recorded.evidence if each.scenario.name == SCENARIO]
    assert found(recorded, evidence) == set()
    # Any change of a span makes it differ from its event.
    assert found(recorded, replace(evidence, telemetry=broken(evidence.telemetry))) - {"scenario_details"} == rules


def test_what_was_recorded_passes(recorded: Run) -> None:
    left = judge([recorded], gaps.declared(["openai"])).failures
    assert [failure for failure in left if not failure.startswith("stale gap")] == []
