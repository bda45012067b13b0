"""Every rule over telemetry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agentops_conformance import (
    attribute_rules,
    consistency_rules,
    content_rules,
    event_rules,
    metric_rules,
    presence_rules,
    resource_rules,
    scope_rules,
    span_rules,
    trace_rules,
)
from agentops_conformance.attribute_rules import Attribute
from agentops_conformance.core_conventions import metric_elsewhere
from agentops_conformance.presence_rules import Carrier
from agentops_conformance.resource_rules import Described
from agentops_conformance.scope_rules import Emitted
from agentops_conformance.trace_rules import placed
from agentops_conformance.values import Attributes, Event, Finding, Metric, Resource, Span, Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentops_conformance.rules import Rule, Subject
    from agentops_conformance.vocabulary import Vocabulary

_SETS: Final = (
    attribute_rules.RULES,
    attribute_rules.ON_REQUEST,
    content_rules.ON_REQUEST,
    presence_rules.RULES,
    span_rules.RULES,
    consistency_rules.RULES,
    trace_rules.RULES,
    event_rules.RULES,
    event_rules.ON_REQUEST,
    metric_rules.RULES,
    metric_rules.ON_REQUEST,
    resource_rules.RULES,
    resource_rules.ASSOCIATIONS,
    scope_rules.RULES,
)
RULES: Final = tuple(rule for rules in _SETS for rule in rules)
"""Every rule there is; one id may stand for the same rule on several signals."""
RULE_IDS: Final = tuple(dict.fromkeys(rule.id for rule in RULES))

_OF_THE_LAUNCHER: Final = frozenset({"telemetry.auto.version"})
"""Resource attributes that `opentelemetry-instrument` adds without a convention; the Weaver check leaves them out too."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is known beyond the telemetry. Without `content`, nobody opted in to content; with `stability`, unstable names are found."""

    content: bool = True
    stability: bool = False


def check(telemetry: Telemetry, vocabulary: Vocabulary, options: Options | None = None) -> list[Finding]:
    """What the rules find, in the order of the telemetry: resources, spans, log records, metrics."""
    return list(_Check(vocabulary, options or Options()).telemetry(telemetry))


class _Check:
    def __init__(self, vocabulary: Vocabulary, options: Options) -> None:
        self._vocabulary = vocabulary
        self._on_attributes = (
            *attribute_rules.RULES,
            *(attribute_rules.ON_REQUEST if options.stability else ()),
            *(() if options.content else content_rules.ON_REQUEST),
        )
        self._on_events = (*event_rules.RULES, *(event_rules.ON_REQUEST if options.stability else ()))
        self._on_metrics = (*metric_rules.RULES, *(metric_rules.ON_REQUEST if options.stability else ()))

    def telemetry(self, telemetry: Telemetry) -> Iterator[Finding]:
        for resource in telemetry.resources:
            yield from self._resource(resource)
        for span in placed(telemetry.spans):
            yield from self._apply(trace_rules.RULES, span, "span", span.span.name)
            yield from self._span(span.span)
        for record in telemetry.records:
            yield from self._event(record)
        for metric in telemetry.metrics:
            yield from self._metric(metric)

    def _resource(self, resource: Resource) -> Iterator[Finding]:
        described = {key: value for key, value in resource.attributes.items() if key not in _OF_THE_LAUNCHER}
        yield from self._apply(resource_rules.RULES, Described(described), "resource", "")
        yield from self._attributes(described, "resource", "")

    def _span(self, span: Span) -> Iterator[Finding]:
        yield from self._apply((*span_rules.RULES, *consistency_rules.RULES), span, "span", span.name)
        for carrier in span_rules.carriers(span, self._vocabulary):
            yield from self._apply(presence_rules.MET_CONDITIONS, carrier, "span", span.name)
        yield from self._apply(scope_rules.RULES, Emitted(span.scope, span.attributes), "span", span.name)
        yield from self._attributes(span.attributes, "span", span.name)
        for event in span.events:
            yield from self._attributes(event.attributes, "span", f"{span.name}/{event.name}")

    def _event(self, event: Event) -> Iterator[Finding]:
        yield from self._apply(self._on_events, event, "log", event.name)
        entry = self._vocabulary.events.get(event.name)
        if entry is not None:
            carrier = Carrier(event.name, event.attributes, entry.attributes)
            yield from self._apply(presence_rules.RULES, carrier, "log", event.name)
            yield from self._apply(resource_rules.ASSOCIATIONS, Described(event.resource.attributes, entry.entities), "log", event.name)
        yield from self._apply(scope_rules.RULES, Emitted(event.scope, (event.name, *event.attributes)), "log", event.name)
        yield from self._attributes(event.attributes, "log", event.name)

    def _metric(self, metric: Metric) -> Iterator[Finding]:
        yield from self._apply(self._on_metrics, metric, "metric", metric.name)
        yield from self._apply(scope_rules.RULES, Emitted(metric.scope, (metric.name,)), "metric", metric.name)
        entry = self._vocabulary.metrics.get(metric.name)
        if entry is not None:
            described = Described(metric.resource.attributes, entry.entities)
            yield from self._apply(resource_rules.ASSOCIATIONS, described, "metric", metric.name)
        for point in () if entry is None and metric_elsewhere(metric.name) else metric.points:
            levels = metric_rules.point_levels(metric.name, self._vocabulary, point.attributes.get("gen_ai.provider.name"))
            yield from self._apply(presence_rules.RULES, Carrier(metric.name, point.attributes, levels), "metric", metric.name)
            yield from self._attributes(point.attributes, "metric", metric.name)

    def _attributes(self, attributes: Attributes, signal_type: str, signal_name: str) -> Iterator[Finding]:
        for key, value in attributes.items():
            yield from self._apply(self._on_attributes, Attribute(key, value), signal_type, signal_name)

    def _apply(self, rules: Sequence[Rule[Subject]], subject: Subject, signal_type: str, signal_name: str) -> Iterator[Finding]:
        for rule in rules:
            for problem in rule.find(subject, self._vocabulary):
                context = {"attribute_key": problem.attribute} if problem.attribute else {}
                yield Finding(rule.id, rule.level, signal_type, signal_name, context, problem.message)
