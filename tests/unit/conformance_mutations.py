"""Ways to break telemetry that conforms, and the rule each is for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from agentops_conformance.checks import Options
from agentops_conformance.values import Event, Metric, Resource, Scope, Span, Telemetry
from agentops_conformance.vocabulary import OwnSection, Profile, Registry, sections
from tests.unit.conformance_telemetry import CHAT, DETAILS, EXCEPTION, GOOD, LATEST, MESSAGES, PUBLISHED, RESOURCE, histogram

if TYPE_CHECKING:
    from agentops_conformance.values import Value

DURATION, TOKEN_USAGE, FIRST_CHUNK, _ = PUBLISHED


@dataclass(frozen=True)
class Mutation:
    """What `broken` breaks in the good telemetry; `also` are rules that by their definition find the same thing."""

    rule: str
    broken: Telemetry
    also: frozenset[str] = frozenset()
    good: Telemetry = GOOD
    profile: Profile = Profile.PUBLISHED
    options: Options = field(default_factory=Options)
    sections: tuple[Registry, OwnSection] = field(default_factory=sections)


def changed(telemetry: Telemetry, old: object, new: Any) -> Telemetry:
    """The telemetry with one thing replaced; with None, without it."""
    parts: dict[str, Any] = {}
    for name in ("resources", "spans", "records", "metrics"):
        items = getattr(telemetry, name)
        parts[name] = tuple(new if item is old else item for item in items if item is not old or new is not None)
    return replace(telemetry, **parts)


def set_on(thing: Any, **attributes: Value) -> Telemetry:
    """A signal with attributes set, dots written as two underscores; None takes one out."""
    merged = {**thing.attributes, **{key.replace("__", "."): value for key, value in attributes.items()}}
    return changed(GOOD, thing, replace(thing, attributes={key: value for key, value in merged.items() if value is not None}))


def named(name: str, value: Value) -> Telemetry:
    """The chat span with an attribute of any name."""
    return changed(GOOD, CHAT, replace(CHAT, attributes={**CHAT.attributes, name: value}))


def at(span_name: str) -> Span:
    return next(span for span in GOOD.spans if span.name.startswith(span_name))


def on_point(metric: Metric, good: Telemetry = GOOD, **attributes: Value) -> Telemetry:
    (point,) = metric.points
    merged = {**point.attributes, **{key.replace("__", "."): value for key, value in attributes.items()}}
    kept = {key: value for key, value in merged.items() if value is not None}
    return changed(good, metric, replace(metric, points=(replace(point, attributes=kept),)))


def with_metric(metric: Metric) -> Telemetry:
    return replace(GOOD, metrics=(*GOOD.metrics, metric))


def with_record(record: Event) -> Telemetry:
    return replace(GOOD, records=(*GOOD.records, record))


def part(part: dict[str, Value]) -> Telemetry:
    return set_on(CHAT, gen_ai__input__messages=json.dumps([{"role": "user", "parts": [part]}]))


def on_entity(**attributes: Value) -> Telemetry:
    merged = {**RESOURCE.attributes, **{f"gen_ai.main_agent.{key}": value for key, value in attributes.items()}}
    return changed(GOOD, RESOURCE, Resource({key: value for key, value in merged.items() if value is not None}))


def with_entity_levels(**levels: str) -> tuple[Registry, OwnSection]:
    """A registry whose entity asks otherwise: this revision has no attribute of every level."""
    registry, own = sections()
    entity = registry.entities["gen_ai.main_agent"]
    description = {**entity.description, **{f"gen_ai.main_agent.{key}": level for key, level in levels.items()}}
    return msgspec.structs.replace(registry, entities={"gen_ai.main_agent": msgspec.structs.replace(entity, description=description)}), own


def with_association() -> tuple[Registry, OwnSection]:
    """A registry in which a metric belongs to an entity: this revision associates spans alone."""
    registry, own = sections()
    entry = registry.published_metrics[DURATION.name]
    associated = {**registry.published_metrics, DURATION.name: msgspec.structs.replace(entry, entities=("gen_ai.main_agent",))}
    return msgspec.structs.replace(registry, published_metrics=associated), own


def later(span: Span, span_id: str, parent_id: str) -> Span:
    return replace(span, span_id=span_id * 16, parent_id=parent_id)


UNKNOWN = frozenset({"missing_attribute"})
_POINT = DURATION.points[0]
EMBEDDED = replace(DURATION, points=(replace(_POINT, attributes={**_POINT.attributes, "gen_ai.operation.name": "embeddings"}),))
LATEST_GOOD = replace(GOOD, metrics=(*LATEST, EMBEDDED))
NO_CONTENT = replace(
    changed(GOOD, CHAT, replace(CHAT, attributes={key: value for key, value in CHAT.attributes.items() if key not in MESSAGES})),
    records=(),
)
BARE = next(span for span in NO_CONTENT.spans if span.name == CHAT.name)

OF_ATTRIBUTES = (
    Mutation("missing_attribute", named("acme.thing", 1)),
    Mutation("missing_attribute", on_point(DURATION, acme__tenant="a")),
    Mutation("type_mismatch", named("gen_ai.usage.output_tokens", "5")),
    Mutation("type_mismatch", named("gen_ai.usage.output_tokens", 5.0)),
    Mutation("type_mismatch", named("gen_ai.usage.output_tokens", True)),
    Mutation("type_mismatch", named("gen_ai.response.finish_reasons", "stop")),
    Mutation("type_mismatch", named("gen_ai.request.stop_sequences", ["END", 1])),
    Mutation("type_mismatch", on_entity(name=1)),
    Mutation("deprecated", named("gen_ai.system", "openai")),
    Mutation("deprecated", named("gen_ai.usage.cache_creation.input_tokens", 1)),
    Mutation("invalid_format", named("Acme.Thing", 1), UNKNOWN),
    Mutation("illegal_namespace", named("gen_ai.request.model.family", "4o"), UNKNOWN | {"extends_namespace"}),
    Mutation("missing_namespace", named("thing", 1), UNKNOWN),
    Mutation("template_attribute", named("agentops.tag.Customer", "acme")),
    Mutation("undefined_enum_variant", named("gen_ai.output.type", "song")),
    Mutation("extends_namespace", named("gen_ai.usage.cost", 1.0), UNKNOWN),
    Mutation("not_stable", named("gen_ai.request.top_p", 0.5), options=Options(stability=True)),
    Mutation(
        "content_without_opt_in",
        changed(NO_CONTENT, BARE, replace(BARE, attributes={**BARE.attributes, **MESSAGES})),
        good=NO_CONTENT,
        options=Options(content=False),
    ),
)
OF_SPANS = (
    Mutation("span_status_ok_set_by_instrumentation", changed(GOOD, CHAT, replace(CHAT, status="ok"))),
    Mutation("error_type_missing_on_error", changed(GOOD, CHAT, replace(CHAT, status="error"))),
    Mutation("error_type_without_error_status", named("error.type", "_OTHER")),
    Mutation("genai_operation_name_unknown", named("gen_ai.operation.name", "converse"), frozenset({"undefined_enum_variant"})),
    Mutation("genai_operation_name_missing", set_on(at("execute_tool"), gen_ai__operation__name=None)),
    Mutation("genai_operation_name_missing", set_on(CHAT, gen_ai__operation__name=None)),
    Mutation("genai_span_kind_unexpected", changed(GOOD, CHAT, replace(CHAT, kind="server"))),
    Mutation("genai_span_name_format", changed(GOOD, CHAT, replace(CHAT, name="chat"))),
    Mutation("genai_span_name_format", changed(GOOD, CHAT, replace(CHAT, name="openai.chat gpt-4o-mini"))),
    Mutation("genai_expected_attribute_missing", set_on(CHAT, gen_ai__response__id=None)),
    Mutation("genai_expected_attribute_missing", set_on(CHAT, openai__api__type=None)),
    Mutation("genai_expected_attribute_missing", set_on(CHAT, gen_ai__provider__name=None)),
    Mutation("condition_met_attribute_missing", set_on(CHAT, server__port=None)),
    Mutation("condition_met_attribute_missing", set_on(CHAT, gen_ai__prompt__version="1")),
    Mutation("genai_content_schema", set_on(CHAT, gen_ai__input__messages="Hello")),
    Mutation("genai_content_schema", set_on(CHAT, gen_ai__input__messages=json.dumps({"role": "user", "parts": []}))),
    Mutation("genai_content_schema", set_on(CHAT, gen_ai__input__messages=json.dumps([{"role": "user", "content": "Hello"}]))),
    Mutation("genai_content_schema", part({"type": "text", "text": "Hello"})),
    Mutation("genai_content_schema", part({"type": "tool_call", "id": "1"})),
    Mutation("genai_content_schema", part({"type": "tool_call_response", "id": "1", "result": "rain"})),
    Mutation("genai_content_schema", part({"type": "server_tool_call", "name": "web_search", "server_tool_call": {}})),
    Mutation("genai_content_schema", part({"type": "uri", "uri": "https://example.org/a.png"})),
    Mutation("genai_content_schema", part({"content": "Hello"})),
    Mutation("genai_content_schema", set_on(CHAT, gen_ai__tool__definitions=json.dumps([{"type": "function"}]))),
    Mutation("genai_content_schema", set_on(CHAT, gen_ai__system_instructions=json.dumps([{"type": "text"}]))),
    Mutation("finish_reasons_not_positional", set_on(CHAT, gen_ai__response__finish_reasons=[])),
    Mutation("finish_reasons_not_positional", set_on(CHAT, gen_ai__response__finish_reasons=["stop", "stop"])),
    Mutation("finish_reasons_not_positional", set_on(CHAT, gen_ai__response__finish_reasons=["length"])),
    Mutation("token_part_exceeds_total", named("gen_ai.usage.cache_read.input_tokens", 8)),
    Mutation("token_part_exceeds_total", named("gen_ai.usage.reasoning.output_tokens", 6)),
    Mutation("time_to_first_chunk_without_stream", set_on(CHAT, gen_ai__request__stream=None)),
    Mutation("token_usage_on_fetch_response", set_on(at("fetch_response"), gen_ai__usage__input_tokens=7)),
    Mutation("attribute_not_on_internal_agent", set_on(at("invoke_agent"), gen_ai__provider__name="openai")),
    Mutation("attribute_not_on_internal_agent", set_on(at("invoke_agent"), **{"gen_ai__usage__cache_read.input_tokens": 1})),
    Mutation("conversation_id_differs", set_on(at("execute_tool"), gen_ai__conversation__id="c2")),
    Mutation("conversation_id_not_passed_on", set_on(at("execute_tool"), gen_ai__conversation__id=None)),
    Mutation("provider_call_counted_twice", replace(GOOD, spans=(*GOOD.spans, later(CHAT, "9", CHAT.span_id)))),
    Mutation("scope_name_missing", changed(GOOD, CHAT, replace(CHAT, scope=Scope()))),
    Mutation("scope_version_missing", changed(GOOD, DETAILS, replace(DETAILS, scope=Scope("acme")))),
)
OF_EVENTS = (
    Mutation("missing_event", with_record(Event("acme.happened", {}))),
    Mutation("deprecated", with_record(Event("gen_ai.choice", {}, scope=CHAT.scope))),
    Mutation("required_attribute_not_present", set_on(DETAILS, gen_ai__provider__name=None)),
    Mutation("recommended_attribute_not_present", set_on(DETAILS, gen_ai__response__id=None)),
    Mutation("conditionally_required_attribute_not_present", set_on(DETAILS, gen_ai__request__model=None)),
    Mutation("condition_met_attribute_missing", set_on(EXCEPTION, exception__type=None)),
    Mutation("opt_in_attribute_not_present", set_on(DETAILS, gen_ai__input__messages=None)),
    Mutation("genai_content_schema", set_on(DETAILS, gen_ai__input__messages=[{"role": "user", "content": "Hello"}])),
    Mutation("unexpected_severity", changed(GOOD, DETAILS, replace(DETAILS, severity=9))),
    Mutation("event_with_body", changed(GOOD, DETAILS, replace(DETAILS, body="chat"))),
)
OF_METRICS = (
    Mutation("missing_metric", with_metric(Metric("acme.things", "", "counter"))),
    Mutation("deprecated", with_metric(histogram("gen_ai.workflow.duration"))),
    Mutation("deprecated", replace(LATEST_GOOD, metrics=(*LATEST_GOOD.metrics, TOKEN_USAGE)), good=LATEST_GOOD, profile=Profile.LATEST),
    Mutation("deprecated", on_point(EMBEDDED, LATEST_GOOD, gen_ai__operation__name="chat"), good=LATEST_GOOD, profile=Profile.LATEST),
    Mutation("metric_of_another_profile", with_metric(LATEST[0])),
    Mutation("unexpected_instrument", changed(GOOD, TOKEN_USAGE, replace(TOKEN_USAGE, instrument="counter"))),
    Mutation("unexpected_instrument", with_metric(Metric("http.client.things", "", "summary"))),
    Mutation("unit_mismatch", changed(GOOD, DURATION, replace(DURATION, unit="ms"))),
    Mutation("invalid_format", with_metric(Metric("Acme.Things", "", "counter")), frozenset({"missing_metric"})),
    Mutation(
        "unexpected_buckets",
        changed(GOOD, DURATION, replace(DURATION, points=(replace(DURATION.points[0], buckets=(0.0, 5.0, 10.0)),))),
    ),
    Mutation("undeclared_metric_attribute", on_point(DURATION, gen_ai__conversation__id="c1")),
    Mutation("undeclared_metric_attribute", on_point(FIRST_CHUNK, openai__response__service_tier="default")),
    Mutation("required_attribute_not_present", on_point(TOKEN_USAGE, gen_ai__token__type=None)),
    Mutation("recommended_attribute_not_present", on_point(DURATION, gen_ai__response__model=None)),
    Mutation("conditionally_required_attribute_not_present", on_point(DURATION, gen_ai__request__model=None)),
    Mutation("condition_met_attribute_missing", on_point(FIRST_CHUNK, server__port=None)),
    Mutation(
        "required_attribute_not_present",
        on_point(LATEST[5], LATEST_GOOD, gen_ai__token__modality=None),
        good=LATEST_GOOD,
        profile=Profile.LATEST,
    ),
    Mutation("not_stable", with_metric(replace(DURATION, points=())), options=Options(stability=True)),
    Mutation("scope_version_missing", changed(GOOD, DURATION, replace(DURATION, scope=Scope("acme")))),
)
OF_RESOURCES = (
    Mutation("entity_required_attribute_not_present", on_entity(id=None)),
    Mutation("entity_recommended_attribute_not_present", on_entity(name=None)),
    Mutation(
        "entity_conditionally_required_attribute_not_present",
        on_entity(name=None),
        sections=with_entity_levels(name="conditionally_required"),
    ),
    Mutation("entity_opt_in_attribute_not_present", on_entity(name=None), sections=with_entity_levels(name="opt_in")),
    Mutation(
        "entity_association_not_satisfied",
        changed(GOOD, DURATION, replace(DURATION, resource=Resource())),
        sections=with_association(),
    ),
)
MUTATIONS = (*OF_ATTRIBUTES, *OF_SPANS, *OF_EVENTS, *OF_METRICS, *OF_RESOURCES)
