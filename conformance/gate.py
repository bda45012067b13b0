"""The gate over our own instrumentors: every endpoint has a scenario, and every scenario's telemetry conforms."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from conformance import gaps
from conformance.checks import check, check_span
from conformance.otlp import read
from conformance.scenarios import OPENAI
from conformance.values import Finding, Level, Span, Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.scenarios import Scenario
    from conformance.vocabulary import Vocabulary

_ROOT: Final = Path(__file__).parents[1]
_TIMEOUT_SECONDS: Final = 120
_OURS: Final = ("OTEL_", "AGENTOPS_")
OUTSIDE: Final = "every scenario"
"""The name findings go by that belong to no scenario: the resource, log records."""


class DriveError(RuntimeError):
    """The scenarios could not be run; the text is what the process said."""


class Driven(msgspec.Struct, frozen=True):
    """What the driving process reports: targets (`module:Class.method`) called, missing in the SDK, and declared."""

    called: tuple[str, ...]
    absent: tuple[str, ...]
    endpoints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What the gate found. `findings` pairs every finding with its scenario; `failures` says why the gate fails, empty if it passes."""

    findings: tuple[tuple[str, Finding], ...]
    failures: tuple[str, ...]
    summary: str


def drive(folder: Path) -> Driven:
    """Run every scenario with its telemetry recorded to `folder`, whatever the caller's environment. Raises DriveError."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    environment["AGENTOPS_LOCAL_DIR"] = str(folder)
    command = [sys.executable, "-m", "conformance.drive"]
    done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
    if done.returncode:
        raise DriveError(done.stderr)
    return msgspec.json.decode(done.stdout, type=Driven)


def run(vocabulary: Vocabulary) -> Result:
    """Drive, read back, check. Raises DriveError."""
    with tempfile.TemporaryDirectory() as folder:
        driven = drive(Path(folder))
        telemetry = read([Path(folder)])
    return judge(driven, telemetry, OPENAI, gaps.declared(), vocabulary)


def judge(
    driven: Driven, telemetry: Telemetry, scenarios: Sequence[Scenario], declared: Sequence[gaps.Gap], vocabulary: Vocabulary
) -> Result:
    """The gate's verdict on what was driven and recorded."""
    findings = [(OUTSIDE, finding) for finding in check(replace(telemetry, spans=()), vocabulary)]
    traces = _by_session(telemetry.spans)
    for scenario in scenarios:
        spans = traces.pop(scenario.name, [])
        findings.extend((scenario.name, finding) for finding in _as_declared(scenario, spans))
        findings.extend((scenario.name, finding) for span in spans for finding in check_span(span, vocabulary))
    violations = [(scenario, finding) for scenario, finding in findings if finding.level is Level.VIOLATION]
    left, stale = gaps.undeclared(violations, declared)
    untried = sorted(set(driven.endpoints) - set(driven.called) - set(driven.absent))
    failures = (
        *(f"{scenario}: {finding}" for scenario, finding in left),
        *(f"stale gap: {text}" for text in stale),
        *(f"endpoint without a scenario: {target}" for target in untried),
        *(f"spans of no scenario: {name!r}" for name in traces),
        *(f"not OTLP JSON: {line}" for line in telemetry.unreadable),
    )
    return Result(tuple(findings), failures, _summary(driven, telemetry, scenarios, len(violations) - len(left)))


def _by_session(spans: Sequence[Span]) -> dict[str, list[Span]]:
    """Spans by the workflow their trace's root is; a trace without one goes by the name of its first span."""
    traces: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        traces[span.trace_id].append(span)
    named: dict[str, list[Span]] = {}
    for trace in traces.values():
        root = next((span for span in trace if not span.parent_id), trace[0])
        named.setdefault(str(root.attributes.get("gen_ai.workflow.name", root.name)), []).extend(trace)
    return named


def _as_declared(scenario: Scenario, spans: Sequence[Span]) -> Iterator[Finding]:
    calls = [span for span in spans if span.kind == "client"]
    operations = [str(span.attributes.get("gen_ai.operation.name")) for span in calls]
    if Counter(operations) != Counter(scenario.operations):
        message = f"client spans are {operations}, not {list(scenario.operations)}"
        yield Finding("scenario_operations", Level.VIOLATION, "span", scenario.name, {}, message)
    failed = [span.name for span in calls if span.status == "error"]
    if len(failed) != scenario.fails:
        message = f"failed spans are {failed}, where {'one' if scenario.fails else 'none'} should be"
        yield Finding("scenario_outcome", Level.VIOLATION, "span", scenario.name, {}, message)


def _summary(driven: Driven, telemetry: Telemetry, scenarios: Sequence[Scenario], explained: int) -> str:
    covered = len(set(driven.endpoints) & set(driven.called))
    absent = f", {len(driven.absent)} not in the installed SDK" if driven.absent else ""
    return (
        f"{len(scenarios)} scenarios, {len(telemetry.spans)} spans, {covered} of {len(driven.endpoints)} endpoints covered{absent}; "
        f"{explained} violations in declared gaps"
    )
