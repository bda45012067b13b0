"""Every rule is broken once on a span that conforms, and what is found is that rule."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from agentops_conformance.checks import RULE_IDS, check
from agentops_conformance.span_rules import span_types
from agentops_conformance.values import Event, Level, Resource, Span, Telemetry
from agentops_conformance.vocabulary import vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentops_conformance.values import Finding, Value

GOOD = Span(
    name="chat gpt-4o-mini",
    kind="client",
    status="unset",
    attributes={
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Hello"}]}]),
        "gen_ai.output.messages": json.dumps(
            [{"role": "assistant", "parts": [{"type": "text", "content": "Hi"}], "finish_reason": "stop"}]
        ),
        "openai.api.type": "chat_completions",
        "openai.response.system_fingerprint": "fp_1",
        "server.address": "api.openai.com",
        "server.port": 443,
        "session.id": "0af76519-16cd-43dd-8448-eb211c80319c",
        "thread.id": 1,
    },
)


def with_attribute(key: str, value: Value) -> Span:
    return replace(GOOD, attributes={**GOOD.attributes, key: value})


def without(*keys: str) -> Span:
    return replace(GOOD, attributes={key: value for key, value in GOOD.attributes.items() if key not in keys})


def with_part(part: dict[str, Value]) -> Span:
    return with_attribute("gen_ai.input.messages", json.dumps([{"role": "user", "parts": [part]}]))


def as_operation(operation: str, name: str, kind: str, **attributes: Value) -> Span:
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    return replace(GOOD, name=name, kind=kind, attributes={"gen_ai.operation.name": operation, **named})


def findings(*spans: Span, records: tuple[Event, ...] = (), resources: tuple[Resource, ...] = ()) -> list[Finding]:
    return check(Telemetry(resources, spans, records), vocabulary())


def ids(found: list[Finding]) -> set[str]:
    return {finding.id for finding in found}


@dataclass(frozen=True)
class Mutation:
    """What `broken` breaks; `also` are rules that by their definition find the same thing."""

    rule: str
    broken: Callable[[], Span]
    also: frozenset[str] = frozenset()


UNKNOWN = frozenset({"missing_attribute"})
MUTATIONS = (
    Mutation("missing_attribute", lambda: with_attribute("acme.thing", 1)),
    Mutation("type_mismatch", lambda: with_attribute("gen_ai.usage.input_tokens", "7")),
    Mutation("type_mismatch", lambda: with_attribute("gen_ai.usage.input_tokens", 7.0)),
    Mutation("type_mismatch", lambda: with_attribute("gen_ai.usage.input_tokens", True)),
    Mutation("type_mismatch", lambda: with_attribute("gen_ai.response.finish_reasons", "stop")),
    Mutation("type_mismatch", lambda: with_attribute("gen_ai.response.finish_reasons", ["stop", 1])),
    Mutation("deprecated", lambda: with_attribute("gen_ai.system", "openai")),
    Mutation("deprecated", lambda: with_attribute("gen_ai.usage.cache_creation.input_tokens", 1)),
    Mutation("invalid_format", lambda: with_attribute("Acme.Thing", 1), UNKNOWN),
    Mutation("illegal_namespace", lambda: with_attribute("gen_ai.request.model.family", "4o"), UNKNOWN | {"extends_namespace"}),
    Mutation("missing_namespace", lambda: with_attribute("thing", 1), UNKNOWN),
    Mutation("template_attribute", lambda: with_attribute("agentops.tag.Customer", "acme")),
    Mutation("undefined_enum_variant", lambda: with_attribute("gen_ai.output.type", "song")),
    Mutation("extends_namespace", lambda: with_attribute("gen_ai.usage.cost", 1.0), UNKNOWN),
    Mutation("span_status_ok_set_by_instrumentation", lambda: replace(GOOD, status="ok")),
    Mutation("error_type_missing_on_error", lambda: replace(GOOD, status="error")),
    Mutation("error_type_without_error_status", lambda: with_attribute("error.type", "_OTHER")),
    Mutation(
        "genai_operation_name_unknown", lambda: with_attribute("gen_ai.operation.name", "converse"), frozenset({"undefined_enum_variant"})
    ),
    Mutation("genai_span_kind_unexpected", lambda: replace(GOOD, kind="server")),
    Mutation("genai_span_name_format", lambda: replace(GOOD, name="chat")),
    Mutation("genai_span_name_format", lambda: replace(GOOD, name="openai.chat gpt-4o-mini")),
    Mutation("genai_expected_attribute_missing", lambda: without("gen_ai.provider.name")),
    Mutation("genai_expected_attribute_missing", lambda: without("gen_ai.response.id")),
    Mutation("genai_expected_attribute_missing", lambda: without("openai.api.type")),
    Mutation("genai_content_schema", lambda: with_attribute("gen_ai.input.messages", "Hello")),
    Mutation("genai_content_schema", lambda: with_attribute("gen_ai.input.messages", json.dumps({"role": "user", "parts": []}))),
    Mutation("genai_content_schema", lambda: with_attribute("gen_ai.input.messages", json.dumps([{"role": "user", "content": "Hello"}]))),
    Mutation("genai_content_schema", lambda: with_part({"type": "text", "text": "Hello"})),
    Mutation("genai_content_schema", lambda: with_part({"type": "tool_call", "id": "1"})),
    Mutation("genai_content_schema", lambda: with_part({"type": "tool_call_response", "id": "1", "result": "rain"})),
    Mutation("genai_content_schema", lambda: with_part({"type": "server_tool_call", "name": "web_search", "server_tool_call": {}})),
    Mutation("genai_content_schema", lambda: with_part({"type": "uri", "uri": "https://example.org/a.png"})),
    Mutation("genai_content_schema", lambda: with_part({"content": "Hello"})),
    Mutation("genai_content_schema", lambda: with_attribute("gen_ai.tool.definitions", json.dumps([{"type": "function"}]))),
    Mutation("genai_content_schema", lambda: with_attribute("gen_ai.system_instructions", json.dumps([{"type": "text"}]))),
)


def test_the_good_span_has_no_findings() -> None:
    assert findings(GOOD) == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.rule)
def test_a_broken_span_is_found_by_the_rule_meant_for_it(mutation: Mutation) -> None:
    assert ids(findings(mutation.broken())) == {mutation.rule} | mutation.also


@pytest.mark.parametrize(
    ("event", "rule"), [("acme.happened", "missing_event"), ("gen_ai.choice", "deprecated")], ids=["missing_event", "deprecated"]
)
def test_an_unknown_or_replaced_event_is_found(event: str, rule: str) -> None:
    assert ids(findings(records=(Event(event, {}),))) == {rule}
    assert findings(records=(Event("agentops.session.start", {"agentops.session.name": "a", "process.pid": 1}), Event("", {}))) == []


def test_no_rule_is_without_a_mutation() -> None:
    assert {mutation.rule for mutation in MUTATIONS} | {"missing_event"} == set(RULE_IDS)


def test_findings_say_where_they_are() -> None:
    (finding,) = findings(with_attribute("gen_ai.usage.input_tokens", "7"))
    assert (finding.level, finding.signal_type, finding.signal_name) == (Level.VIOLATION, "span", "chat gpt-4o-mini")
    assert finding.context == {"attribute_key": "gen_ai.usage.input_tokens"}
    assert str(finding) == "violation  type_mismatch  span 'chat gpt-4o-mini': gen_ai.usage.input_tokens is string, not int"


def test_attributes_of_events_and_resources_are_checked() -> None:
    event = Event("exception", {"exception.type": "ValueError", "exception.kind": "x"})
    assert ids(findings(replace(GOOD, events=(event,)))) == {"missing_attribute", "extends_namespace"}
    assert ids(findings(resources=(Resource({"service.name": 1}),))) == {"type_mismatch"}
    assert findings(resources=(Resource({"service.name": "a", "telemetry.auto.version": "1"}),)) == []


def test_a_failed_span_is_not_asked_for_its_answer() -> None:
    answer = [key for key in GOOD.attributes if key.startswith(("gen_ai.response.", "gen_ai.usage.", "openai.response."))]
    failed = replace(without(*answer, "gen_ai.output.messages"), status="error")
    failed = replace(failed, attributes={**failed.attributes, "error.type": "_OTHER"})
    assert findings(failed) == []
    nameless = replace(failed, attributes={key: value for key, value in failed.attributes.items() if key != "server.address"})
    assert ids(findings(nameless)) == {"genai_expected_attribute_missing"}


def test_an_integer_does_for_a_double_and_anything_for_any() -> None:
    assert findings(with_attribute("gen_ai.request.temperature", 1)) == []
    assert findings(with_attribute("gen_ai.response.finish_reasons", [])) == []
    assert findings(with_attribute("gen_ai.tool.call.arguments", {"city": "Paris"})) == []


def test_parts_of_unknown_types_and_null_fields_conform() -> None:
    assert findings(with_part({"type": "agentops.elided", "bytes": 7})) == []
    assert findings(with_part({"type": "tool_call", "name": "weather", "id": None, "arguments": "{}"})) == []


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
    assert findings(span) == []
    assert ids(findings(replace(span, name="run"))) == {"genai_span_name_format"}


def test_what_is_recommended_depends_on_the_kind_and_the_provider() -> None:
    remote = as_operation("invoke_agent", "invoke_agent a", "client", gen_ai__agent__name="a", server__address="example.org")
    missing = {finding.context["attribute_key"] for finding in findings(remote)}
    assert missing >= {"gen_ai.provider.name", "gen_ai.usage.input_tokens"}
    local = {finding.context["attribute_key"] for finding in findings(replace(remote, kind="internal"))}
    assert "gen_ai.provider.name" not in local
    other = with_attribute("gen_ai.provider.name", "mistral_ai")
    assert findings(replace(other, attributes={k: v for k, v in other.attributes.items() if not k.startswith("openai.")})) == []


def test_a_tool_call_over_mcp_is_an_mcp_span() -> None:
    attributes: dict[str, Value] = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather", "mcp.method.name": "tools/call"}
    span = replace(GOOD, name="tools/call weather", attributes=attributes)
    assert list(span_types(span, vocabulary())) == ["mcp.client"]
    assert ids(findings(span)) <= {"genai_expected_attribute_missing"}
    assert "genai_span_name_format" in ids(findings(replace(span, name="execute_tool weather")))
