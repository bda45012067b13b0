"""The gate can fail, for every reason it has."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conformance import coverage, expected, gaps, scenarios
from conformance.__main__ import main
from conformance.drive import Bill, Ran, Report
from conformance.expected import MODES, Evidence
from conformance.gaps import Gap
from conformance.gate import Result, Run, judge
from conformance.scenarios import Reading, Scenario

from agentops_conformance.values import Event, Metric, Point, Scope, Span, Telemetry
from agentops_conformance.vocabulary import Profile
from agentops_instrumentors.version import __version__
from tests.unit.conformance_telemetry import DURATIONS, TOKENS

SCOPE = Scope("agentops_instrumentors.openai", __version__)
SCENARIO = Scenario("openai sync chat", None, ("chat",), asynchronous=False)
TRACE = "a" * 32
ROOT = Span(
    name=f"invoke_workflow {SCENARIO.name}",
    kind="internal",
    status="unset",
    attributes={"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": SCENARIO.name},
    trace_id=TRACE,
    span_id="1" * 16,
    scope=Scope("agentops.session", __version__),
)
CALL = Span(
    name="chat m",
    kind="client",
    status="unset",
    attributes={
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "mistral_ai",
        "gen_ai.request.model": "m",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.id": "r",
        "gen_ai.response.model": "m",
        "gen_ai.usage.input_tokens": 2,
        "gen_ai.usage.output_tokens": 3,
        "server.address": "localhost",
        "server.port": 1,
    },
    trace_id=TRACE,
    span_id="2" * 16,
    parent_id="1" * 16,
    scope=SCOPE,
)
ASKED = {key: CALL.attributes[key] for key in ("gen_ai.operation.name", "gen_ai.provider.name", "server.address", "server.port")}
PUBLISHED, LATEST = MODES


def histogram(name: str, unit: str, buckets: tuple[float, ...], *values: float, **attributes: str) -> Metric:
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    points = tuple(Point({**ASKED, **named}, value, 1, buckets) for value in values)
    return Metric(name, unit, "histogram", points, SCOPE)


DURATION = histogram("gen_ai.client.operation.duration", "s", DURATIONS, 0.1)
INPUT = histogram("gen_ai.client.token.usage", "{token}", TOKENS, 2.0, gen_ai__token__type="input")
OUTPUT = histogram("gen_ai.client.token.usage", "{token}", TOKENS, 3.0, gen_ai__token__type="output")
DETAILS = Event("gen_ai.client.inference.operation.details", dict(CALL.attributes), TRACE, CALL.span_id, 5, scope=SCOPE)
GOOD = Telemetry(spans=(ROOT, CALL), records=(DETAILS,), metrics=(DURATION, INPUT, OUTPUT))
RAN = Ran("m:E.create", 0, Bill(1, 2, 3))
EVIDENCE = Evidence(SCENARIO, RAN, GOOD, PUBLISHED)
REPORT = Report({SCENARIO.name: RAN}, targets=("m:E.create", "m:E.parse"), absent=("m:E.parse",))
NAMELESS = replace(CALL, attributes={key: value for key, value in CALL.attributes.items() if not key.startswith("server.")})
GAP = Gap(("openai * chat",), "genai_expected_attribute_missing", "For a test.", "server.address")


def verdict(
    evidence: Evidence = EVIDENCE, report: Report = REPORT, rest: Telemetry | None = None, declared: tuple[Gap, ...] = ()
) -> Result:
    return judge([Run(evidence.mode, {"openai": report}, (evidence,), rest or Telemetry())], declared)


def failures(call: Span = CALL, declared: tuple[Gap, ...] = ()) -> str:
    return "\n".join(verdict(with_calls(call), declared=declared).failures)


def with_calls(*calls: Span) -> Evidence:
    """The first of them told by its event."""
    told = replace(DETAILS, attributes=calls[0].attributes)
    return replace(EVIDENCE, telemetry=replace(GOOD, spans=(ROOT, *calls), records=(told,)))


def with_metrics(*metrics: Metric) -> Evidence:
    return replace(EVIDENCE, telemetry=replace(GOOD, metrics=metrics))


def attributed(span: Span, **attributes: object) -> Span:
    return replace(span, attributes={**span.attributes, **{key.replace("__", "."): value for key, value in attributes.items()}})


def test_it_passes_what_conforms() -> None:
    assert verdict().failures == ()


FAILED = replace(attributed(CALL, error__type="_OTHER"), status="error")
FAILED_DURATION = replace(DURATION, points=(replace(DURATION.points[0], attributes={**ASKED, "error.type": "_OTHER"}),))
INTERNAL = replace(CALL, kind="internal", span_id="4" * 16)
MUTATIONS = (
    ("scenario_operations", replace(EVIDENCE, scenario=replace(SCENARIO, operations=("embeddings",)))),
    ("scenario_internal", with_calls(CALL, replace(INTERNAL, name="task t", attributes={"agentops.span.kind": "task"}))),
    ("scenario_internal", replace(EVIDENCE, scenario=replace(SCENARIO, internal=("task",)))),
    (
        "scenario_outcome",
        replace(with_calls(FAILED), telemetry=replace(with_calls(FAILED).telemetry, metrics=(FAILED_DURATION, INPUT, OUTPUT))),
    ),
    ("scenario_metrics", replace(with_calls(FAILED), scenario=replace(SCENARIO, fails=True, tokens=("input", "output")))),
    ("scenario_outcome", replace(EVIDENCE, scenario=replace(SCENARIO, fails=True, tokens=("input", "output")))),
    ("scenario_calls", replace(EVIDENCE, ran=Ran("m:E.create", 0, Bill(2, 2, 3)))),
    ("scenario_tokens", with_calls(attributed(CALL, gen_ai__usage__input_tokens=4))),
    ("scenario_metrics", with_metrics(INPUT, OUTPUT)),
    ("scenario_metrics", with_metrics(DURATION, DURATION, INPUT, OUTPUT)),
    ("scenario_metrics", replace(EVIDENCE, ran=Ran("m:E.create", 1, Bill(1, 2, 3)))),
    ("scenario_metric_tokens", with_metrics(DURATION, replace(INPUT, points=(replace(INPUT.points[0], value=9.0),)), OUTPUT)),
    ("scenario_scope", with_calls(replace(CALL, scope=Scope("opentelemetry.instrumentation.openai", __version__)))),
    ("scenario_scope", with_calls(replace(CALL, scope=replace(SCOPE, schema_url="https://opentelemetry.io/schemas/1.37.0")))),
    ("scenario_details", replace(EVIDENCE, telemetry=replace(GOOD, spans=(ROOT, attributed(CALL, gen_ai__response__model="n"))))),
    ("scenario_details", replace(EVIDENCE, telemetry=replace(GOOD, records=(replace(DETAILS, attributes=ASKED),)))),
    ("scenario_events", replace(EVIDENCE, telemetry=replace(GOOD, records=()))),
    ("scenario_events", with_calls(replace(CALL, events=(Event("exception", {}),)))),
    ("scenario_events", replace(EVIDENCE, telemetry=replace(GOOD, records=(DETAILS, DETAILS)))),
)


def found(evidence: Evidence) -> set[str]:
    return {finding.id for finding in expected.findings(evidence)}


@pytest.mark.parametrize(("rule", "evidence"), MUTATIONS, ids=[rule for rule, _ in MUTATIONS])
def test_what_a_scenario_should_not_leave_is_found_by_the_rule_meant_for_it(rule: str, evidence: Evidence) -> None:
    assert found(EVIDENCE) == set()
    assert found(evidence) == {rule}


def test_without_content_no_text_of_an_exception_is_left() -> None:
    metrics = (
        replace(DURATION, name="gen_ai.client.inference.duration"),
        *(
            replace(metric, name=f"gen_ai.client.inference.operation.{kind}_tokens")
            for kind, metric in (("input", INPUT), ("output", OUTPUT))
        ),
        *(
            Metric(f"gen_ai.client.inference.usage.{kind}_tokens", "{token}", "counter", (Point(ASKED, metric.points[0].value),), SCOPE)
            for kind, metric in (("input", INPUT), ("output", OUTPUT))
        ),
    )
    quiet = replace(EVIDENCE, mode=LATEST, telemetry=replace(GOOD, metrics=metrics))
    assert found(quiet) == set()
    for loud in (replace(CALL, message="no"), replace(CALL, events=(Event("log", {"exception.message": "no"}),))):
        assert found(replace(quiet, telemetry=replace(quiet.telemetry, spans=(ROOT, loud)))) == {"scenario_content"}


def test_every_rule_on_scenarios_has_a_mutation() -> None:
    assert {rule for rule, _ in MUTATIONS} | {"scenario_content"} == {rule.__name__ for rule in expected.RULES}


def test_tokens_are_known_where_an_answer_is_read_to_its_end() -> None:
    assert SCENARIO.told == ("input", "output")
    assert replace(SCENARIO, fails=True).told == replace(SCENARIO, reading=Reading.ONE).told == ()
    assert replace(SCENARIO, fails=True, tokens=("input",)).told == ("input",)


def test_it_fails_an_endpoint_without_a_scenario() -> None:
    untried = Report(REPORT.ran, (*REPORT.targets, "m:E.delete"), REPORT.absent)
    assert verdict(report=untried).failures == ("endpoint without a scenario: m:E.delete",)


def test_it_fails_spans_and_lines_that_belong_to_no_scenario() -> None:
    stray = replace(CALL, trace_id="b" * 32, parent_id="")
    assert verdict(rest=Telemetry(spans=(stray,))).failures == ("spans of no scenario: 'chat m'",)
    assert verdict(rest=Telemetry(unreadable=("a.jsonl:1: x",))).failures == ("not OTLP JSON: a.jsonl:1: x",)


def test_it_fails_a_violation_unless_a_gap_declares_it_and_a_gap_that_is_none() -> None:
    assert "server.address is missing" in failures(NAMELESS)
    assert failures(NAMELESS, declared=(GAP,)) == ""
    assert "stale gap" in failures(declared=(GAP,))
    elsewhere = Gap(("anthropic *",), GAP.finding, GAP.reason, GAP.attribute)
    assert "server.address is missing" in failures(NAMELESS, declared=(elsewhere,))
    assert "stale gap" in failures(NAMELESS, declared=(GAP, elsewhere))


def test_every_pattern_of_a_gap_must_be_of_use() -> None:
    _, stale = gaps.undeclared([], [Gap(("a", "b"), "x", "y")])
    assert len(stale) == 2


def test_the_declared_gaps_give_reasons() -> None:
    declared = gaps.declared(scenarios.instrumentors())
    assert declared
    assert all(gap.reason.endswith(".") for gap in declared)


def test_it_fails_what_has_no_scenario() -> None:
    run = Run(PUBLISHED, {"openai": REPORT}, (EVIDENCE,), Telemetry())
    assert judge([run], (), ["instrumentor without scenarios: acme"]).failures == ("instrumentor without scenarios: acme",)
    assert scenarios.instrumentors()["openai"]


def test_a_provider_without_scenarios_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--provider", "acme"]) == 2
    assert "no scenarios of acme: there are those of" in capsys.readouterr().err


def test_every_operation_needs_every_end_in_every_form() -> None:
    assert coverage.missing([SCENARIO]) == ["chat sync plain, failing"]
    plain = [SCENARIO, replace(SCENARIO, fails=True)]
    assert coverage.missing(plain) == []
    streamed = replace(SCENARIO, reading=Reading.ALL)
    assert coverage.missing([*plain, streamed]) == ["chat sync streamed, failing", "chat sync streamed, closed early"]
    ended = [*plain, streamed, replace(streamed, fails=True), replace(streamed, reading=Reading.ONE)]
    assert coverage.missing(ended) == []
    other = replace(SCENARIO, operations=("embeddings",), asynchronous=True)
    assert coverage.missing([*plain, other, replace(other, fails=True)]) == [
        "chat async plain, successful",
        "chat async plain, failing",
        "embeddings sync plain, successful",
        "embeddings sync plain, failing",
    ]


def test_both_profiles_and_both_answers_to_content_are_driven() -> None:
    assert {mode.profile for mode in MODES} == set(Profile)
    assert {mode.content for mode in MODES} == {True, False}
