"""What a scenario must have left beyond the conventions: exactly so many spans and measurements, and the tokens that were billed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agentops_conformance.values import Finding, Level, Telemetry
from agentops_conformance.vocabulary import Profile
from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops_conformance.values import Metric, Scope, Span
    from conformance.drive import Ran
    from conformance.scenarios import Scenario

_OPERATION: Final = "gen_ai.operation.name"
_INFERENCE: Final = frozenset({"chat", "generate_content", "text_completion"})
_SCOPES: Final = ("agentops", "agentops_instrumentors")
_CLIENT_DURATION: Final = "gen_ai.client.operation.duration"
_TOKENS: Final = "gen_ai.client.token.usage"


@dataclass(frozen=True, slots=True)
class Mode:
    """How the scenarios are run: the metrics' profile, and whether content is captured. Events are emitted in every mode."""

    profile: Profile
    content: bool

    @property
    def environment(self) -> dict[str, str]:
        """The variables that ask for this mode."""
        return {
            "AGENTOPS_GENAI_METRICS": self.profile.value,
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT" if self.content else "NO_CONTENT",
            "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT": "true",
            # Reading the machine's own metrics with each scenario would take most of the time.
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "system_metrics",
        }


MODES: Final = (Mode(Profile.PUBLISHED, content=True), Mode(Profile.LATEST, content=False))


@dataclass(frozen=True, slots=True)
class Evidence:
    """One scenario with what became of it and what it left."""

    scenario: Scenario
    ran: Ran
    telemetry: Telemetry
    mode: Mode

    @property
    def internal(self) -> list[Span]:
        """Internal spans but the session's root: agents, tools and operations of the program."""
        return [span for span in self.telemetry.spans if span.kind == "internal" and span.parent_id]

    @property
    def calls(self) -> list[Span]:
        """Client spans: the operations of the provider."""
        return [span for span in self.telemetry.spans if span.kind == "client"]


def findings(evidence: Evidence) -> Iterator[Finding]:
    """Where the evidence is not as the scenario declares it; every finding is a violation."""
    for rule in RULES:
        for message in rule(evidence):
            yield Finding(rule.__name__, Level.VIOLATION, "span", evidence.scenario.name, {}, message)


def scenario_operations(evidence: Evidence) -> Iterator[str]:
    """One client span for each operation declared."""
    yield from _counted("client spans", Counter(_operations(evidence.calls)), Counter(evidence.scenario.operations))


def scenario_internal(evidence: Evidence) -> Iterator[str]:
    """One internal span for each declared, beside the session's root."""
    yield from _counted("internal spans", Counter(_operations(evidence.internal)), Counter(evidence.scenario.internal))


def scenario_outcome(evidence: Evidence) -> Iterator[str]:
    """One call of a service failed, or none did; without calls, what failed inside or nothing."""
    failed = [span.name for span in evidence.calls or evidence.internal if span.status == "error"]
    if (len(failed) if evidence.calls else bool(failed)) != evidence.scenario.fails:
        yield f"failed spans are {failed}, where {'one' if evidence.scenario.fails else 'none'} should be"


def scenario_calls(evidence: Evidence) -> Iterator[str]:
    """One counted span for each request that the service saw."""
    if len(evidence.calls) != evidence.ran.bill.requests:
        yield f"{len(evidence.calls)} client spans for {evidence.ran.bill.requests} requests that the service saw"


def scenario_tokens(evidence: Evidence) -> Iterator[str]:
    """The spans' tokens are those billed, where they become known, and otherwise none."""
    for kind in ("input", "output"):
        values = [span.attributes.get(f"gen_ai.usage.{kind}_tokens") for span in evidence.calls]
        said = sum(value for value in values if isinstance(value, int))
        if said != _billed(evidence, kind):
            yield f"spans say {said} {kind} tokens, the service billed {_billed(evidence, kind)}"


def scenario_metrics(evidence: Evidence) -> Iterator[str]:
    """Exactly so many measurements of each GenAI metric, and so many of failures as failed."""
    counted = Counter[str]()
    for metric in _genai_metrics(evidence):
        if metric.instrument == "histogram":
            counted[metric.name] += sum(point.count for point in metric.points)
    yield from _counted("measurements", +counted, +_measurements(evidence))
    durations = [metric for metric in _genai_metrics(evidence) if metric.name.endswith(".duration")]
    told = sum(point.count for metric in durations for point in metric.points if "error.type" in point.attributes)
    failed = [span for span in (*evidence.calls, *evidence.internal) if span.status == "error" and _OPERATION in span.attributes]
    if told != len(failed):
        yield f"{told} durations have an error.type, where {len(failed)} operations failed"


def scenario_metric_tokens(evidence: Evidence) -> Iterator[str]:
    """The metrics' tokens are those billed, in every instrument that has them."""
    sums = Counter[str]()
    for metric in _genai_metrics(evidence):
        for point in metric.points:
            sums[_tokens_of(metric.name, str(point.attributes.get("gen_ai.token.type")))] += int(point.value)
    # The newer names are those of inference alone.
    named = evidence.mode.profile is Profile.PUBLISHED or not _INFERENCE.isdisjoint(evidence.scenario.operations)
    for kind in ("input", "output"):
        billed = _billed(evidence, kind) if named else 0
        for name in sorted(name for name in _TOKEN_METRICS[evidence.mode.profile] if name.startswith(kind)):
            if sums[name] != billed:
                yield f"metrics of {name} tokens say {sums[name]}, the service billed {billed}"


def scenario_scope(evidence: Evidence) -> Iterator[str]:
    """Operations come from an instrumentor of ours, in this version, without a schema: the registry has no release to name."""
    scopes = {span.scope for span in evidence.telemetry.spans} | {metric.scope for metric in _genai_metrics(evidence)}
    for scope in sorted(scopes, key=str):
        if not _ours(scope):
            yield f"the scope is {scope}, not one of ours in version {__version__} without a schema"


def scenario_events(evidence: Evidence) -> Iterator[str]:
    """One event of details for each inference, on its span, and one of the exception for each call that an exception ended."""
    inference = [span for span in evidence.calls if span.attributes.get(_OPERATION) in _INFERENCE]
    told = Counter(record.span_id for record in evidence.telemetry.records if record.name == "gen_ai.client.inference.operation.details")
    if told != Counter(span.span_id for span in inference):
        yield f"{sum(told.values())} events of details for {len(inference)} inferences"
    raised = sum(event.name == "exception" for span in evidence.calls for event in span.events)
    exceptions = sum(record.name == "gen_ai.client.operation.exception" for record in evidence.telemetry.records)
    if exceptions != raised:
        yield f"{exceptions} events of exceptions for {raised} calls that one ended"


def scenario_content(evidence: Evidence) -> Iterator[str]:
    """Without content, no words of people in the text of exceptions either."""
    if evidence.mode.content:
        return
    for span in evidence.telemetry.spans:
        if span.message:
            yield f"the status of {span.name!r} says {span.message!r}"
    carriers = (*evidence.telemetry.records, *(event for span in evidence.telemetry.spans for event in span.events))
    for key in ("exception.message", "exception.stacktrace"):
        if any(key in carrier.attributes for carrier in carriers):
            yield f"{key} is there, which quotes requests and answers"


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


def _billed(evidence: Evidence, kind: str) -> int:
    bill = evidence.ran.bill
    amount = bill.input_tokens if kind == "input" else bill.output_tokens
    return amount if kind in evidence.scenario.told else 0


def _genai_metrics(evidence: Evidence) -> list[Metric]:
    return [metric for metric in evidence.telemetry.metrics if metric.name.startswith("gen_ai.")]


def _operations(spans: list[Span]) -> list[str]:
    return [str(span.attributes.get(_OPERATION, span.attributes.get("agentops.span.kind"))) for span in spans]


def _ours(scope: Scope) -> bool:
    return scope.name.partition(".")[0] in _SCOPES and scope.version == __version__ and not scope.schema_url


def _counted(what: str, found: Counter[str], wanted: Counter[str]) -> Iterator[str]:
    if found != wanted:
        yield f"{what} are {dict(sorted(found.items()))}, not {dict(sorted(wanted.items()))}"


RULES: Final = (
    scenario_operations,
    scenario_internal,
    scenario_outcome,
    scenario_calls,
    scenario_tokens,
    scenario_metrics,
    scenario_metric_tokens,
    scenario_scope,
    scenario_events,
    scenario_content,
)
