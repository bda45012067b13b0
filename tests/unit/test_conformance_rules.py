"""What rules let pass and how they tell it; that each finds what it is for is in `test_conformance_mutations`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops_conformance import conditions
from agentops_conformance.checks import RULE_IDS, RULES, Options, check
from agentops_conformance.conditions import DECIDED, NAMES
from agentops_conformance.span_rules import span_types
from agentops_conformance.values import Event, Level, Metric, Point, Resource, Scope, Span, Telemetry
from agentops_conformance.vocabulary import Profile, vocabulary
from tests.unit.conformance_telemetry import CHAT, DURATIONS, SCOPE, TOOL, histogram

if TYPE_CHECKING:
    from agentops_conformance.values import Finding, Value


def with_attribute(key: str, value: Value) -> Span:
    return replace(CHAT, attributes={**CHAT.attributes, key: value})


def with_part(part: dict[str, Value]) -> Span:
    return with_attribute("gen_ai.input.messages", json.dumps([{"role": "user", "parts": [part]}]))


def as_operation(operation: str, name: str, kind: str, **attributes: Value) -> Span:
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    return replace(CHAT, name=name, kind=kind, attributes={"gen_ai.operation.name": operation, **named})


def violations(*spans: Span, metrics: tuple[Metric, ...] = (), profile: Profile = Profile.PUBLISHED) -> list[Finding]:
    found = check(Telemetry(spans=spans, metrics=metrics), vocabulary(profile))
    return [finding for finding in found if finding.level is Level.VIOLATION]


def ids(found: list[Finding]) -> set[str]:
    return {finding.id for finding in found}


def test_findings_say_where_they_are_and_what_to_do() -> None:
    (finding,) = violations(with_attribute("gen_ai.request.top_p", "7"))
    assert (finding.level, finding.signal_type, finding.signal_name) == (Level.VIOLATION, "span", "chat gpt-4o-mini")
    assert finding.context == {"attribute_key": "gen_ai.request.top_p"}
    said = "violation  type_mismatch  span 'chat gpt-4o-mini': gen_ai.request.top_p is string, not double: set it as double"
    assert str(finding) == said


def test_attributes_of_span_events_and_resources_are_checked() -> None:
    event = Event("exception", {"exception.type": "ValueError", "exception.kind": "x"})
    assert ids(violations(replace(CHAT, events=(event,)))) == {"missing_attribute"}
    launched = Resource({"service.name": "a", "telemetry.auto.version": "1"})
    assert check(Telemetry(resources=(launched,)), vocabulary()) == []


def test_a_failed_span_is_not_asked_for_its_answer() -> None:
    answer = ("gen_ai.response.", "gen_ai.usage.", "openai.response.", "gen_ai.output.messages")
    asked = {key: value for key, value in CHAT.attributes.items() if not key.startswith(answer)}
    failed = replace(CHAT, status="error", attributes={**asked, "error.type": "_OTHER"})
    assert violations(failed) == []
    nameless = replace(failed, attributes={key: value for key, value in failed.attributes.items() if not key.startswith("server.")})
    assert ids(violations(nameless)) == {"genai_expected_attribute_missing"}


def test_an_integer_does_for_a_double_and_anything_for_any() -> None:
    assert violations(with_attribute("gen_ai.request.temperature", 1)) == []
    assert violations(with_attribute("gen_ai.tool.call.arguments", {"city": "Paris"})) == []


def test_a_services_own_finish_reasons_are_not_compared_with_the_conventions_words() -> None:
    messages = json.dumps([{"role": "assistant", "parts": [], "finish_reason": "tool_call"}])
    called = replace(CHAT, attributes={**CHAT.attributes, "gen_ai.output.messages": messages})
    assert violations(replace(called, attributes={**called.attributes, "gen_ai.response.finish_reasons": ["tool_calls"]})) == []
    assert ids(violations(called)) == {"finish_reasons_not_positional"}


def test_parts_of_unknown_types_and_null_fields_conform() -> None:
    assert violations(with_part({"type": "agentops.elided", "bytes": 7})) == []
    assert violations(with_part({"type": "tool_call", "name": "weather", "id": None, "arguments": "{}"})) == []


@pytest.mark.parametrize(
    "span",
    [
        as_operation("invoke_workflow", "invoke_workflow travel", "internal", gen_ai__workflow__name="travel"),
        as_operation("invoke_workflow", "invoke_workflow", "internal"),
        as_operation("execute_tool", "execute_tool weather", "internal", gen_ai__tool__name="weather"),
        as_operation("plan", "plan", "internal"),
    ],
    ids=lambda span: span.name,
)
def test_names_follow_the_template_of_their_operation(span: Span) -> None:
    assert violations(span) == []
    assert ids(violations(replace(span, name="run"))) == {"genai_span_name_format"}


def test_a_tool_that_loads_a_skill_may_be_named_after_it() -> None:
    skill = as_operation("execute_tool", "execute_tool load", "internal", gen_ai__tool__name="load", gen_ai__skill__name="pdf")
    assert violations(skill, replace(skill, name="execute_tool load pdf")) == []
    assert ids(violations(replace(skill, name="execute_tool pdf"))) == {"genai_span_name_format"}


def test_what_is_recommended_depends_on_the_kind_and_the_provider() -> None:
    remote = as_operation(
        "invoke_agent", "invoke_agent a", "client", gen_ai__agent__name="a", server__address="example.org", server__port=1
    )
    missing = {finding.context["attribute_key"] for finding in violations(remote)}
    assert missing >= {"gen_ai.provider.name", "gen_ai.usage.input_tokens"}
    local = {finding.context["attribute_key"] for finding in violations(replace(remote, kind="internal"))}
    assert "gen_ai.provider.name" not in local
    other = with_attribute("gen_ai.provider.name", "mistral_ai")
    assert violations(replace(other, attributes={k: v for k, v in other.attributes.items() if not k.startswith("openai.")})) == []


def test_a_tool_call_over_mcp_is_an_mcp_span() -> None:
    attributes: dict[str, Value] = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather", "mcp.method.name": "tools/call"}
    span = replace(CHAT, name="tools/call weather", attributes=attributes)
    assert list(span_types(span, vocabulary())) == ["mcp.client"]
    assert "genai_span_name_format" not in ids(violations(span))
    assert "genai_span_name_format" in ids(violations(replace(span, name="execute_tool weather")))
    nameless = replace(span, name="tools/call", attributes={"mcp.method.name": "tools/call", "jsonrpc.request.id": "1"})
    assert "gen_ai.tool.name" in {finding.context.get("attribute_key") for finding in violations(nameless)}


def test_what_surrounds_genai_is_left_to_the_core_conventions() -> None:
    database = Span("SELECT", "client", "unset", {"db.system.name": "postgresql", "net.peer.name": "a"}, scope=SCOPE)
    http = Metric("http.client.request.duration", "ms", "histogram", (Point({"state": "idle"}, 1.0, 1, (0.0, 5.0)),), SCOPE)
    assert violations(database, metrics=(http,)) == []
    assert ids(violations(replace(database, attributes={"gcp.gen_ai.operation.config": "a"}))) == {"missing_attribute"}


def test_exponential_histograms_have_no_buckets_to_check() -> None:
    metric = histogram("gen_ai.client.operation.time_to_first_chunk")
    exponential = replace(metric, points=(replace(metric.points[0], buckets=None),))
    assert violations(metrics=(metric, exponential)) == []
    assert ids(violations(metrics=(replace(metric, points=(replace(metric.points[0], buckets=()),)),))) == {"unexpected_buckets"}
    assert metric.points[0].buckets == DURATIONS


def test_conversations_are_those_of_the_nearest_span_above() -> None:
    root = as_operation("invoke_workflow", "invoke_workflow", "internal", gen_ai__conversation__id="a")
    root = replace(root, span_id="1" * 16, parent_id="")
    elsewhere = replace(root, span_id="2" * 16, trace_id="b" * 32, attributes={**root.attributes, "gen_ai.conversation.id": "b"})
    stranger = Span("GET", "client", "unset", {}, trace_id=root.trace_id, span_id="3" * 16, parent_id=root.span_id)
    below = replace(TOOL, span_id="4" * 16, parent_id=stranger.span_id)
    assert [finding.message for finding in violations(root, elsewhere, stranger, below)] == [
        "gen_ai.conversation.id is 'c1' within 'a': a trace is of one conversation"
    ]
    circle = replace(below, parent_id=below.span_id, attributes={"gen_ai.operation.name": "plan"}, name="plan")
    assert violations(circle) == []


def test_every_condition_of_the_registry_is_named_and_every_function_is_used() -> None:
    known = vocabulary()
    levels = [entry.attributes for entry in (*known.spans.values(), *known.metrics.values(), *known.events.values())]
    used = {condition for level in levels for names in level.values() for condition in names.values() if condition}
    assert used <= set(NAMES.values())
    assert set(DECIDED) <= set(NAMES.values())
    assert all(conditions.holds(name, conditions.Facts({})) in (True, False, None) for name in NAMES.values())


def test_every_rule_says_what_it_is() -> None:
    assert {rule.id for rule in RULES} == set(RULE_IDS)
    assert all(rule.summary.endswith(".") for rule in RULES)


OFFICIAL = {
    Level.VIOLATION: """missing_attribute type_mismatch deprecated missing_metric missing_event unexpected_instrument unit_mismatch
        required_attribute_not_present entity_required_attribute_not_present entity_association_not_satisfied invalid_format
        illegal_namespace span_status_ok_set_by_instrumentation error_type_missing_on_error error_type_without_error_status
        genai_span_name_format genai_expected_attribute_missing genai_span_kind_unexpected genai_operation_name_unknown
        genai_content_schema""",
    Level.IMPROVEMENT: """not_stable recommended_attribute_not_present entity_recommended_attribute_not_present missing_namespace""",
    Level.INFORMATION: """template_attribute undefined_enum_variant conditionally_required_attribute_not_present
        opt_in_attribute_not_present entity_conditionally_required_attribute_not_present entity_opt_in_attribute_not_present
        extends_namespace""",
}


def test_the_rules_of_the_weaver_live_check_and_of_the_official_policies_are_all_there() -> None:
    """By the ids and the levels they have there."""
    ours = {(rule.id, rule.level) for rule in RULES}
    assert {(name, level) for level, names in OFFICIAL.items() for name in names.split()} <= ours


KEYS = st.sampled_from([*vocabulary().attributes, "gen_ai.prompt.variable.x", "mcp.method.name", "x", "A.b"])
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text(max_size=5) | st.binary(max_size=3)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=5
)
OPERATIONS = st.dictionaries(st.just("gen_ai.operation.name"), st.sampled_from([*vocabulary().operations, "x", [], {}, None]), max_size=1)
ATTRIBUTES = st.builds(lambda given, operation: {**given, **operation}, st.dictionaries(KEYS, VALUES, max_size=8), OPERATIONS)
SCOPES = st.builds(Scope, st.sampled_from(["", "a"]), st.sampled_from(["", "1"]))
IDS = st.sampled_from(["", "1" * 16, "2" * 16])
SPANS = st.builds(
    Span, st.text(max_size=9), st.sampled_from(["client", "internal", "server"]), st.sampled_from(["unset", "ok", "error"]), ATTRIBUTES,
    trace_id=IDS, span_id=IDS, parent_id=IDS, scope=SCOPES,
)  # fmt: skip
EVENTS = st.builds(Event, st.sampled_from([*vocabulary().events, "", "x", "gen_ai.choice"]), ATTRIBUTES, scope=SCOPES)
POINTS = st.builds(Point, ATTRIBUTES, st.floats(), st.integers(0, 3), st.none() | st.tuples(st.floats()))
METRICS = st.builds(
    Metric, st.sampled_from([*vocabulary().metrics, "x", "gen_ai.x"]), st.sampled_from(["", "s"]),
    st.sampled_from(["counter", "histogram", "summary"]), st.tuples(POINTS), SCOPES,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(SPANS, max_size=3), st.lists(EVENTS, max_size=2), st.lists(METRICS, max_size=2), st.sampled_from(list(Profile)))
def test_no_telemetry_is_too_odd_to_be_checked(spans: list[Span], events: list[Event], metrics: list[Metric], profile: Profile) -> None:
    telemetry = Telemetry((Resource({"x": None}),), tuple(spans), tuple(events), tuple(metrics))
    for finding in check(telemetry, vocabulary(profile), Options(content=False, stability=True)):
        assert finding.id in RULE_IDS
        assert str(finding)
