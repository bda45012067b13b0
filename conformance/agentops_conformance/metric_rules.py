"""Rules on a metric: those built into the Weaver live check, and what it leaves unsaid (profile, buckets, foreign attributes)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentops_conformance.attribute_rules import well_formed
from agentops_conformance.core_conventions import metric_elsewhere
from agentops_conformance.rules import Problem, rule_set
from agentops_conformance.values import Level, Metric

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops_conformance.vocabulary import Levels, Vocabulary

_SUPPORTED: Final = frozenset({"counter", "updowncounter", "gauge", "histogram"})
_OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
_GENAI: Final = ("gen_ai.", "openai.", "mcp.")


def missing_metric(metric: Metric, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The registry does not have the metric, and never had; the core conventions' own are not judged."""
    name = metric.name
    known = name in vocabulary.metrics or name in vocabulary.replaced_metrics or name in vocabulary.metrics_of_the_other_profile
    if not known and not metric_elsewhere(name):
        yield Problem(f"{name} is not in the registry: use the conventions' metric for it, or a namespace of your own that you declare")


def deprecated(metric: Metric, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Another metric has taken its place, for all operations or for inference alone."""
    by = vocabulary.replaced_metrics.get(metric.name, ())
    if by and metric.name not in vocabulary.metrics:
        yield Problem(f"{metric.name} is deprecated: use {' and '.join(by)}")
    elif metric.name == _OPERATION_DURATION and metric.name not in vocabulary.published_metrics:
        operations = {str(point.attributes.get("gen_ai.operation.name")) for point in metric.points}
        moved = operations & vocabulary.inference
        for operation in sorted(moved):
            yield Problem(f"{metric.name} is no longer for {operation}: use gen_ai.client.inference.duration", "gen_ai.operation.name")


def metric_of_another_profile(metric: Metric, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The metric is of the other generation than the one checked; who emits both is counted twice."""
    if metric.name in vocabulary.metrics_of_the_other_profile:
        yield Problem(f"{metric.name} is not of the profile {vocabulary.profile.value}: emit one generation, and check that one")


def unexpected_instrument(metric: Metric, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The metric comes from another instrument than the one declared, or from none that OpenTelemetry has."""
    entry = vocabulary.metrics.get(metric.name)
    if metric.instrument not in _SUPPORTED or (entry is not None and metric.instrument != entry.instrument):
        wanted = f", not {entry.instrument}" if entry is not None else ""
        yield Problem(f"{metric.name} is a {metric.instrument}{wanted}: create it as one")


def unit_mismatch(metric: Metric, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The metric's unit is another than the one declared."""
    entry = vocabulary.metrics.get(metric.name)
    if entry is not None and metric.unit != entry.unit:
        yield Problem(f"the unit of {metric.name} is {metric.unit!r}, not {entry.unit!r}")


def invalid_format(metric: Metric, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The metric's name is not written as one."""
    if not well_formed(metric.name):
        yield Problem(f"{metric.name} is not written as a name: lower case, words joined by . and _")


def unexpected_buckets(metric: Metric, vocabulary: Vocabulary) -> Iterator[Problem]:
    """A histogram has other bucket boundaries than the conventions advise; exponential ones have none."""
    entry = vocabulary.metrics.get(metric.name)
    if entry is None or not entry.buckets:
        return
    for buckets in {point.buckets for point in metric.points if point.buckets is not None and point.buckets != entry.buckets}:
        wanted = ", ".join(f"{bound:g}" for bound in entry.buckets)
        yield Problem(f"the buckets of {metric.name} are {', '.join(f'{bound:g}' for bound in buckets)}: advise {wanted}")


def undeclared_metric_attribute(metric: Metric, vocabulary: Vocabulary) -> Iterator[Problem]:
    """A point has a GenAI attribute that its metric is not declared with, which multiplies its time series."""
    entry = vocabulary.metrics.get(metric.name)
    if entry is None:
        return
    found: set[str] = set()
    for point in metric.points:
        levels = point_levels(metric.name, vocabulary, point.attributes.get("gen_ai.provider.name"))
        declared = {key for keys in levels.values() for key in keys}
        found.update(key for key in point.attributes if key.startswith(_GENAI) and key not in declared)
    for key in sorted(found):
        yield Problem(f"{metric.name} is not declared with {key}: leave it to the span", key)


def not_stable(metric: Metric, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The metric is not stable, as nothing of gen_ai.* is; checked where it is asked for."""
    entry = vocabulary.metrics.get(metric.name)
    if entry is not None and not entry.stable:
        yield Problem(f"{metric.name} is not stable: expect it to change")


def point_levels(name: str, vocabulary: Vocabulary, provider: object) -> Levels:
    """Requirement levels of a metric's attributes; none for a metric that is not declared."""
    entry = vocabulary.metrics.get(name)
    return vocabulary.levels(name, entry.attributes, provider) if entry is not None else {}


RULES: Final = rule_set(
    Level.VIOLATION,
    missing_metric,
    deprecated,
    metric_of_another_profile,
    unexpected_instrument,
    unit_mismatch,
    invalid_format,
    unexpected_buckets,
    undeclared_metric_attribute,
)
ON_REQUEST: Final = rule_set(Level.IMPROVEMENT, not_stable)
