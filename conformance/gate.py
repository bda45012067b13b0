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

from agentops_conformance.checks import check, check_span
from agentops_conformance.otlp import read
from agentops_conformance.values import Finding, Level, Span, Telemetry
from conformance import gaps, scenarios
from conformance.drive import Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agentops_conformance.vocabulary import Vocabulary
    from conformance.scenarios import Scenario

_ROOT: Final = Path(__file__).parents[1]
_TIMEOUT_SECONDS: Final = 120
_OURS: Final = ("OTEL_", "AGENTOPS_")
OUTSIDE: Final = "every scenario"
"""The name findings go by that belong to no scenario: the resource, log records."""


class DriveError(RuntimeError):
    """The scenarios could not be run; the text is what the process said."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the gate found. `findings` pairs every finding with its scenario; `failures` says why the gate fails, empty if it passes."""

    findings: tuple[tuple[str, Finding], ...]
    failures: tuple[str, ...]
    summary: str


def drive(folder: Path, providers: Sequence[str]) -> dict[str, Report]:
    """Run these providers' scenarios with telemetry recorded to `folder`, whatever the caller's environment. Raises DriveError."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    environment["AGENTOPS_LOCAL_DIR"] = str(folder)
    command = [sys.executable, "-m", "conformance.drive", str(folder), *providers]
    done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
    if done.returncode:
        raise DriveError(done.stderr)
    return msgspec.json.decode(done.stdout, type=dict[str, Report])


def run(vocabulary: Vocabulary, providers: Sequence[str] = ()) -> Result:
    """Drive, read back, check: these providers, or all there are. Raises DriveError."""
    known = scenarios.instrumentors()
    chosen = providers or [name for name, covered in known.items() if covered]
    with tempfile.TemporaryDirectory() as folder:
        reports = drive(Path(folder), chosen)
        telemetry = read([Path(folder)])
    driven = {scenario.name: scenario for name in chosen for scenario in scenarios.provider(name).scenarios}
    result = judge(reports, telemetry, driven, gaps.declared(chosen), vocabulary)
    without = () if providers else tuple(f"instrumentor without scenarios: {name}" for name, covered in known.items() if not covered)
    return replace(result, failures=(*without, *result.failures))


def judge(
    reports: Mapping[str, Report],
    telemetry: Telemetry,
    driven: Mapping[str, Scenario],
    declared: Sequence[gaps.Gap],
    vocabulary: Vocabulary,
) -> Result:
    """The gate's verdict on what was driven and recorded."""
    findings = [(OUTSIDE, finding) for finding in check(replace(telemetry, spans=()), vocabulary)]
    traces = _by_session(telemetry.spans)
    for scenario in driven.values():
        spans = traces.pop(scenario.name, [])
        findings.extend((scenario.name, finding) for finding in _as_declared(scenario, spans))
        findings.extend((scenario.name, finding) for span in spans for finding in check_span(span, vocabulary))
    violations = [(scenario, finding) for scenario, finding in findings if finding.level is Level.VIOLATION]
    left, stale = gaps.undeclared(violations, declared)
    failures = (
        *(f"{scenario}: {finding}" for scenario, finding in left),
        *(f"stale gap: {text}" for text in stale),
        *(f"endpoint without a scenario: {target}" for report in reports.values() for target in _untried(report)),
        *(f"spans of no scenario: {name!r}" for name in traces),
        *(f"not OTLP JSON: {line}" for line in telemetry.unreadable),
    )
    return Result(tuple(findings), failures, _summary(reports, telemetry, len(violations) - len(left)))


def _untried(report: Report) -> list[str]:
    return sorted(set(report.targets) - {ran.target for ran in report.ran.values()} - set(report.absent))


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


def _summary(reports: Mapping[str, Report], telemetry: Telemetry, explained: int) -> str:
    targets = {target for report in reports.values() for target in report.targets}
    absent = {target for report in reports.values() for target in report.absent}
    tried = targets & {ran.target for report in reports.values() for ran in report.ran.values()}
    return (
        f"{', '.join(reports)}: {sum(len(report.ran) for report in reports.values())} scenarios, {len(telemetry.spans)} spans, "
        f"{len(tried)} of {len(targets)} endpoints covered{f', {len(absent)} not in the installed SDK' if absent else ''}; "
        f"{explained} violations in declared gaps"
    )
