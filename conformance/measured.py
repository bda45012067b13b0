"""How often and what a scenario must have measured, in the metrics' profile that it ran in."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from agentops_conformance.vocabulary import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.expected import Evidence

_OPERATION: Final = "gen_ai.operation.name"
_INFERENCE: Final = frozenset({"chat", "generate_content", "text_completion"})
_CLIENT_DURATION: Final = "gen_ai.client.operation.duration"
_TOKENS: Final = "gen_ai.client.token.usage"


def scenario_metrics(evidence: Evidence) -> Iterator[str]:
    """Exactly so many measurements of each GenAI metric, and so many of failures as failed."""
    counted = Counter[str]()
    for metric in evidence.metrics:
        if metric.instrument == "histogram":
            counted[metric.name] += sum(point.count for point in metric.points)
    yield from unlike("measurements", +counted, +_measurements(evidence))
    durations = [metric for metric in evidence.metrics if metric.name.endswith(".duration")]
    told = sum(point.count for metric in durations for point in metric.points if "error.type" in point.attributes)
    failed = [span for span in (*evidence.calls, *evidence.internal) if span.status == "error" and _OPERATION in span.attributes]
    if told != len(failed):
        yield f"{told} durations have an error.type, where {len(failed)} operations failed"


def scenario_metric_tokens(evidence: Evidence) -> Iterator[str]:
    """The metrics' tokens are those billed, in every instrument that has them."""
    sums = Counter[str]()
    for metric in evidence.metrics:
        for point in metric.points:
            sums[_tokens_of(metric.name, str(point.attributes.get("gen_ai.token.type")))] += int(point.value)
    # The newer names are those of inference alone.
    named = evidence.mode.profile is Profile.PUBLISHED or not _INFERENCE.isdisjoint(evidence.scenario.operations)
    for kind in ("input", "output"):
        billed = evidence.billed(kind) if named else 0
        for name in sorted(name for name in _TOKEN_METRICS[evidence.mode.profile] if name.startswith(kind)):
            if sums[name] != billed:
                yield f"metrics of {name} tokens say {sums[name]}, the service billed {billed}"


def _measurements(evidence: Evidence) -> Counter[str]:
    """The count of each histogram."""
    scenario, chunks = evidence.scenario, evidence.ran.chunks
    latest = evidence.mode.profile is Profile.LATEST
    group = "gen_ai.client.inference." if latest else "gen_ai.client.operation."
    inference = sum(operation in _INFERENCE for operation in scenario.operations) if latest else 0
    counts = Counter({_CLIENT_DURATION: len(scenario.operations) - inference, "gen_ai.client.inference.duration": inference})
    counts[f"{group}time_to_first_chunk"] = int(chunks > 0)
    counts[f"{group}time_per_output_chunk"] = max(chunks - 1, 0)
    counts["gen_ai.execute_tool.duration"] = scenario.internal.count("execute_tool")
    counts["gen_ai.invoke_agent.duration"] = scenario.internal.count("invoke_agent")
    counts["gen_ai.invoke_agent.tool_calls"] = scenario.internal.count("invoke_agent") if latest else 0
    if not latest:
        counts[_TOKENS] = len(scenario.told)
    elif inference:
        for kind in scenario.told:
            counts[f"gen_ai.client.inference.operation.{kind}_tokens"] += 1
    return counts


_TOKEN_METRICS: Final = {
    Profile.PUBLISHED: ("input", "output"),
    Profile.LATEST: ("input operation", "output operation", "input usage", "output usage"),
}


def _tokens_of(metric: str, token_type: str) -> str:
    """What a metric's sum is of: `input`, `output usage`, or else the metric itself."""
    if metric == _TOKENS:
        return token_type
    for group in ("operation", "usage"):
        for kind in ("input", "output"):
            if metric == f"gen_ai.client.inference.{group}.{kind}_tokens":
                return f"{kind} {group}"
    return metric


def unlike(what: str, found: Counter[str], wanted: Counter[str]) -> Iterator[str]:
    """What is to be said where two counts differ."""
    if found != wanted:
        yield f"{what} are {dict(sorted(found.items()))}, not {dict(sorted(wanted.items()))}"
