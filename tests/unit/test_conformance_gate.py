"""The gate can fail, for every reason it has; the command's exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from conformance.__main__ import main
from conformance.drive import Bill, Ran, Report
from conformance.gaps import Gap, declared, undeclared
from conformance.gate import judge
from conformance.scenarios import Scenario, instrumentors

from agentops_conformance.values import Span, Telemetry
from agentops_conformance.vocabulary import vocabulary

if TYPE_CHECKING:
    from pathlib import Path

SCENARIO = Scenario("openai sync embeddings", None, ("embeddings",), asynchronous=False, tokens=("input",))
ROOT = Span(
    name="invoke_workflow openai sync embeddings",
    kind="internal",
    status="unset",
    attributes={"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": SCENARIO.name},
    trace_id="a" * 32,
    span_id="1" * 16,
)
CALL = Span(
    name="embeddings m",
    kind="client",
    status="unset",
    attributes={
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.request.encoding_formats": ["float"],
        "gen_ai.embeddings.dimension.count": 2,
        "gen_ai.response.model": "m",
        "gen_ai.usage.input_tokens": 2,
        "server.address": "localhost",
    },
    trace_id="a" * 32,
    span_id="2" * 16,
    parent_id="1" * 16,
)
REPORT = Report({SCENARIO.name: Ran("m:E.create", 0, Bill(1, 2))}, targets=("m:E.create", "m:E.parse"), absent=("m:E.parse",))
BROKEN = replace(CALL, attributes={key: value for key, value in CALL.attributes.items() if key != "server.address"})
GAP = Gap(("openai * embeddings",), "genai_expected_attribute_missing", "For a test.", "server.address")


def failures(*spans: Span, report: Report = REPORT, scenario: Scenario = SCENARIO, gaps: tuple[Gap, ...] = ()) -> str:
    return "\n".join(judge({"openai": report}, Telemetry(spans=spans), {scenario.name: scenario}, gaps, vocabulary()).failures)


def test_it_passes_what_conforms() -> None:
    assert failures(ROOT, CALL) == ""


def test_it_fails_an_endpoint_without_a_scenario() -> None:
    untried = Report(REPORT.ran, (*REPORT.targets, "m:E.delete"), REPORT.absent)
    assert failures(ROOT, CALL, report=untried) == "endpoint without a scenario: m:E.delete"


def test_it_fails_a_missing_a_second_and_an_unexpected_span() -> None:
    assert "scenario_operations" in failures(ROOT)
    assert "scenario_operations" in failures(ROOT, CALL, replace(CALL, span_id="3" * 16))
    assert "spans of no scenario: 'embeddings m'" in failures(ROOT, CALL, replace(CALL, trace_id="b" * 32, parent_id=""))


def test_it_fails_an_outcome_other_than_the_declared_one() -> None:
    failed = replace(CALL, status="error", attributes={**CALL.attributes, "error.type": "_OTHER"})
    assert "scenario_outcome" in failures(ROOT, failed)
    assert "scenario_outcome" in failures(ROOT, CALL, scenario=replace(SCENARIO, fails=True))
    assert failures(ROOT, failed, scenario=replace(SCENARIO, fails=True)) == ""


def test_it_fails_a_violation_unless_a_gap_declares_it_and_a_gap_that_is_none() -> None:
    assert "server.address is missing" in failures(ROOT, BROKEN)
    assert failures(ROOT, BROKEN, gaps=(GAP,)) == ""
    assert "stale gap" in failures(ROOT, CALL, gaps=(GAP,))
    elsewhere = Gap(("anthropic *",), GAP.finding, GAP.reason, GAP.attribute)
    assert "server.address is missing" in failures(ROOT, BROKEN, gaps=(elsewhere,))
    assert "stale gap" in failures(ROOT, BROKEN, gaps=(GAP, elsewhere))


def test_every_pattern_of_a_gap_must_be_of_use() -> None:
    _, stale = undeclared([], [Gap(("a", "b"), "x", "y")])
    assert len(stale) == 2


def test_the_declared_gaps_give_reasons() -> None:
    assert all(gap.reason.endswith(".") for gap in declared(instrumentors()))


def otlp(span: Span, status: int = 0) -> str:
    attributes = [{"key": key, "value": _any(value)} for key, value in span.attributes.items()]
    encoded = {"traceId": span.trace_id, "spanId": span.span_id, "name": span.name, "kind": 3, "attributes": attributes}
    scoped = {"scope": {"name": "s"}, "spans": [{**encoded, "status": {"code": status}}]}
    return json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [scoped]}]}) + "\n"


def _any(value: object) -> dict[str, object]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [_any(item) for item in value]}}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def test_the_command_checks_files_and_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = tmp_path / "good.jsonl"
    good.write_text(otlp(CALL))
    assert main([str(good)]) == 0
    (tmp_path / "bad.jsonl").write_text(otlp(CALL, status=1) * 2)
    assert main([str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "violation  span_status_ok_set_by_instrumentation  span 'embeddings m': status is OK (2 times)" in printed
    assert "3 spans, 0 log records: 2 violation, 0 improvement, 0 information" in printed


@pytest.mark.parametrize("content", ["{not json\n", "", '{"resourceSpans": [{"scopeSpans": [{"spans": [{"kind": 77}]}]}]}'])
def test_the_command_says_what_it_cannot_read(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "spans.jsonl"
    file.write_text(content)
    assert main([str(file)]) == 2
    assert main([str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl" in capsys.readouterr().err
