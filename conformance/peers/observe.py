"""What one peer left of each scenario, held against the conventions and against the ledger of the service that was called."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from benchmarks.environments import ROOT, python_of

from agentops_conformance.checks import check
from agentops_conformance.otlp import read
from agentops_conformance.values import Level, Span, Telemetry
from agentops_conformance.vocabulary import vocabulary
from conformance import scenarios
from conformance.peers.report_values import REPORT, SCOPE, Ran, Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.peers import Peer
    from conformance.scenarios import Scenario

_TIMEOUT_SECONDS: Final = 300
_OPERATION: Final = "gen_ai.operation.name"
_ABSENT: Final = frozenset({"genai_expected_attribute_missing", "condition_met_attribute_missing"})
_NOT_CALLS: Final = frozenset({"execute_tool", "invoke_agent", "invoke_workflow", "create_agent"})
_SETTINGS: Final = re.compile(
    r"^(OTEL_|AGENTOPS_|OPENAI_|ANTHROPIC_|OPENLIT_|LOGFIRE_|TRACELOOP_|OPENINFERENCE_|PYTHONPATH$)|_proxy$", re.I
)
# By whichever name a peer has for them.
_TOKENS: Final = {
    "input": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
    "output": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
}
NO_SPAN: Final = "no span"


class RunError(RuntimeError):
    """A peer's scenarios could not be run; the text is what the process said."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One scenario: its calls' spans (those of tools and agents aside), findings as (rule, attribute) with how often, attributes that the
    conventions expect of these calls and that are not there, and the metrics it was measured by."""

    scenario: Scenario
    ran: Ran
    calls: tuple[Span, ...]
    violations: Mapping[tuple[str, str], int]
    missing: frozenset[str]
    metrics: frozenset[str]

    def tokens(self, kind: str) -> int:
        """Tokens of this type (input, output) as the spans have them, summed."""
        return sum(int(str(next((span.attributes[key] for key in _TOKENS[kind] if key in span.attributes), 0))) for span in self.calls)

    def billed(self, kind: str) -> int:
        """Tokens that the service told the client of."""
        if kind not in self.scenario.told:
            return 0
        return self.ran.bill.input_tokens if kind == "input" else self.ran.bill.output_tokens


@dataclass(frozen=True)
class Result:
    """A peer's scenarios of one client, by name."""

    peer: Peer
    versions: Mapping[str, str]
    observed: Mapping[str, Observed]

    @cached_property
    def spans(self) -> int:
        """How many calls' spans there are."""
        return sum(len(each.calls) for each in self.observed.values())


def run(peer: Peer, client: str) -> Result:
    """Drive the peer through a client's scenarios in its own environment, which is made first. Raises RunError."""
    environment = {name: value for name, value in os.environ.items() if not _SETTINGS.search(name)}
    environment |= {**dict(peer.environment), "PYTHONPATH": os.pathsep.join(str(ROOT / name) for name in ("conformance", "instrumentors"))}
    with tempfile.TemporaryDirectory() as folder:
        command = [str(python_of(peer)), "-m", "conformance.peers.drive", folder, peer.name, client]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
        if done.returncode:
            raise RunError(f"{peer.title}, {client}: {done.stderr}")
        report = msgspec.json.decode(Path(folder, REPORT).read_bytes(), type=Report)
        return observe(peer, client, report, Path(folder))


def observe(peer: Peer, client: str, report: Report, folder: Path) -> Result:
    """What was recorded to `folder`, scenario by scenario."""
    whole = read([folder])
    names = {span.trace_id: span.name for span in whole.spans if span.scope.name == SCOPE}
    spans: dict[str, list[Span]] = defaultdict(list)
    for span in whole.spans:
        if span.scope.name != SCOPE:
            spans[names.get(span.trace_id, "")].append(span)
    observed: dict[str, Observed] = {}
    for scenario in scenarios.provider(client).scenarios:
        ran = report.ran[scenario.name]
        file = folder / ran.file
        exported = read([file] if file.exists() else [])
        telemetry = replace(exported, resources=(), spans=tuple(spans[scenario.name]))
        observed[scenario.name] = _observed(scenario, ran, telemetry, client)
    return Result(peer, report.versions, observed)


def _observed(scenario: Scenario, ran: Ran, telemetry: Telemetry, client: str) -> Observed:
    found = check(telemetry, vocabulary())
    violations = Counter((finding.id, finding.context.get("attribute_key", "")) for finding in found if finding.level is Level.VIOLATION)
    calls = tuple(span for span in telemetry.spans if is_call(span))
    metrics = frozenset(metric.name for metric in telemetry.metrics)
    return Observed(scenario, ran, calls, violations, frozenset(_missing(scenario.operations, calls, client)), metrics)


def is_call(span: Span) -> bool:
    """Whether a span stands for a call of the provider, as far as it says so."""
    return span.attributes.get(_OPERATION) not in _NOT_CALLS and span.attributes.get("openinference.span.kind") not in {"TOOL", "AGENT"}


def _missing(operations: Sequence[str], calls: Sequence[Span], client: str) -> Iterable[str]:
    """What the calls' spans lack, those included that do not say what they are."""
    for number, span in enumerate(calls[: len(operations)]):
        supposed = {_OPERATION: operations[number], "gen_ai.provider.name": client}
        yield from (key for key in supposed if key not in span.attributes)
        named = replace(span, kind="client", attributes={**supposed, **span.attributes})
        for finding in check(Telemetry(spans=(named,)), vocabulary()):
            if finding.id in _ABSENT:
                yield finding.context["attribute_key"]
    if len(calls) < len(operations):
        yield NO_SPAN
