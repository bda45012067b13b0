"""Every rule over telemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentops_conformance import attribute_rules, event_rules, span_rules
from agentops_conformance.attribute_rules import Attribute
from agentops_conformance.values import Attributes, Event, Finding, Span, Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentops_conformance.rules import Rule, Subject
    from agentops_conformance.vocabulary import Vocabulary

RULE_IDS: Final = tuple(dict.fromkeys(rule.id for rules in (attribute_rules.RULES, span_rules.RULES, event_rules.RULES) for rule in rules))

_OF_THE_LAUNCHER: Final = frozenset({"telemetry.auto.version"})
"""Resource attributes that `opentelemetry-instrument` adds without a convention; the Weaver check leaves them out too."""


def check(telemetry: Telemetry, vocabulary: Vocabulary) -> list[Finding]:
    """What the rules find, in the order of the telemetry: resources, spans, log records."""
    found: list[Finding] = []
    for resource in telemetry.resources:
        described = {key: value for key, value in resource.attributes.items() if key not in _OF_THE_LAUNCHER}
        found.extend(_attributes(described, vocabulary, "resource", ""))
    for span in telemetry.spans:
        found.extend(check_span(span, vocabulary))
    for record in telemetry.records:
        found.extend(_event(record, vocabulary))
    return found


def check_span(span: Span, vocabulary: Vocabulary) -> Iterator[Finding]:
    """What the rules find in one span and its events."""
    yield from _apply(span_rules.RULES, span, vocabulary, "span", span.name)
    yield from _attributes(span.attributes, vocabulary, "span", span.name)
    for event in span.events:
        yield from _attributes(event.attributes, vocabulary, "span", f"{span.name}/{event.name}")


def _event(event: Event, vocabulary: Vocabulary) -> Iterator[Finding]:
    yield from _apply(event_rules.RULES, event, vocabulary, "log", event.name)
    yield from _attributes(event.attributes, vocabulary, "log", event.name)


def _attributes(attributes: Attributes, vocabulary: Vocabulary, signal_type: str, signal_name: str) -> Iterator[Finding]:
    for key, value in attributes.items():
        yield from _apply(attribute_rules.RULES, Attribute(key, value), vocabulary, signal_type, signal_name)


def _apply(
    rules: Sequence[Rule[Subject]], subject: Subject, vocabulary: Vocabulary, signal_type: str, signal_name: str
) -> Iterator[Finding]:
    for rule in rules:
        for problem in rule.find(subject, vocabulary):
            context = {"attribute_key": problem.attribute} if problem.attribute else {}
            yield Finding(rule.id, rule.level, signal_type, signal_name, context, problem.message)
