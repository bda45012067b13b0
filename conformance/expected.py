"""What a scenario must have left beyond the conventions: exactly so many spans and measurements, and the tokens that were billed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agentops_conformance.content import parsed
from agentops_conformance.values import Finding, Level, Telemetry
from agentops_conformance.vocabulary import Profile
from agentops_instrumentors.version import __version__
from conformance import measured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops_conformance.values import Metric, Scope, Span, Value
    from conformance.drive import Ran
    from conformance.scenarios import Scenario

_OPERATION: Final = "gen_ai.operation.name"
_INFERENCE: Final = frozenset({"chat", "generate_content", "text_completion"})
_DETAILS: Final = "gen_ai.client.inference.operation.details"
_SCOPES: Final = ("agentops", "agentops_instrumentors")


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
    def metrics(self) -> list[Metric]:
        """Those of the GenAI conventions."""
        return [metric for metric in self.telemetry.metrics if metric.name.startswith("gen_ai.")]

    def billed(self, kind: str) -> int:
        """Tokens of a type that became known to the client."""
        bill = self.ran.bill
        return (bill.input_tokens if kind == "input" else bill.output_tokens) if kind in self.scenario.told else 0

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
    yield from measured.unlike("client spans", Counter(_operations(evidence.calls)), Counter(evidence.scenario.operations))


def scenario_internal(evidence: Evidence) -> Iterator[str]:
    """One internal span for each declared, beside the session's root."""
    yield from measured.unlike("internal spans", Counter(_operations(evidence.internal)), Counter(evidence.scenario.internal))


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
        if said != evidence.billed(kind):
            yield f"spans say {said} {kind} tokens, the service billed {evidence.billed(kind)}"


def scenario_scope(evidence: Evidence) -> Iterator[str]:
    """Operations come from an instrumentor of ours, in this version, without a schema: the registry has no release to name."""
    scopes = {span.scope for span in evidence.telemetry.spans} | {metric.scope for metric in evidence.metrics}
    for scope in sorted(scopes, key=str):
        if not _ours(scope):
            yield f"the scope is {scope}, not one of ours in version {__version__} without a schema"


def scenario_events(evidence: Evidence) -> Iterator[str]:
    """One event of details for each inference, on its span, and one of the exception for each call that an exception ended."""
    inference = [span for span in evidence.calls if span.attributes.get(_OPERATION) in _INFERENCE]
    told = Counter(record.span_id for record in evidence.telemetry.records if record.name == _DETAILS)
    if told != Counter(span.span_id for span in inference):
        yield f"{sum(told.values())} events of details for {len(inference)} inferences"
    raised = sum(event.name == "exception" for span in evidence.calls for event in span.events)
    exceptions = sum(record.name == "gen_ai.client.operation.exception" for record in evidence.telemetry.records)
    if exceptions != raised:
        yield f"{exceptions} events of exceptions for {raised} calls that one ended"


def scenario_details(evidence: Evidence) -> Iterator[str]:
    """An event of details says what its span says, with content as a structure."""
    spans = {span.span_id: span for span in evidence.calls}
    for record in evidence.telemetry.records:
        span = spans.get(record.span_id)
        if record.name == _DETAILS and span is not None:
            said = {key: _structured(value, record.attributes.get(key)) for key, value in span.attributes.items() if _shared(key)}
            told = {key: value for key, value in record.attributes.items() if _shared(key)}
            differing = sorted(key for key in said.keys() | told.keys() if said.get(key) != told.get(key))
            if differing:
                yield f"the event of {span.name!r} differs from it in {', '.join(differing)}"


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


def _shared(key: str) -> bool:
    """Whether a span's attribute belongs on its event too: not what it has of thread, session and program."""
    return not key.startswith(("agentops.", "session.", "thread.", "http.", "code."))


def _structured(value: Value, told: Value) -> Value:
    return value if type(value) is type(told) or told is None else parsed(value)


def _operations(spans: list[Span]) -> list[str]:
    return [str(span.attributes.get(_OPERATION, span.attributes.get("agentops.span.kind"))) for span in spans]


def _ours(scope: Scope) -> bool:
    return scope.name.partition(".")[0] in _SCOPES and scope.version == __version__ and not scope.schema_url


RULES: Final = (
    scenario_operations,
    scenario_internal,
    scenario_outcome,
    scenario_calls,
    scenario_tokens,
    measured.scenario_metrics,
    measured.scenario_metric_tokens,
    scenario_scope,
    scenario_events,
    scenario_details,
    scenario_content,
)
