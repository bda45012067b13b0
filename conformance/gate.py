"""The gate over our own instrumentors: every endpoint has a scenario, and every scenario's telemetry conforms."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from agentops_conformance.checks import Options, check
from agentops_conformance.otlp import read
from agentops_conformance.values import Finding, Level, Span, Telemetry
from agentops_conformance.vocabulary import vocabulary
from conformance import coverage, expected, gaps, leaks, scenarios
from conformance.drive import EXPORTS, Report
from conformance.expected import MODES, Evidence, Mode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_ROOT: Final = Path(__file__).parents[1]
_TIMEOUT_SECONDS: Final = 300
_OURS: Final = ("OTEL_", "AGENTOPS_")
OUTSIDE: Final = "every scenario"
"""The name findings go by that belong to no scenario."""


class DriveError(RuntimeError):
    """The scenarios could not be run; the text is what the process said."""


@dataclass(frozen=True, slots=True)
class Run:
    """All scenarios in one mode: what was called, what each left, and what belongs to none."""

    mode: Mode
    reports: Mapping[str, Report]
    evidence: tuple[Evidence, ...]
    rest: Telemetry


@dataclass(frozen=True, slots=True)
class Result:
    """What the gate found. `findings` pairs every finding with its scenario; `failures` says why the gate fails, empty if it passes."""

    findings: tuple[tuple[str, Finding], ...]
    failures: tuple[str, ...]
    summary: str


def run(providers: Sequence[str] = ()) -> Result:
    """Drive, read back, check: these providers, or all there are, once in each mode.

    Raises DriveError, and ValueError for a provider that has no scenarios.
    """
    known = scenarios.instrumentors()
    unknown = sorted(name for name in providers if not known.get(name))
    if unknown:
        raise ValueError(f"no scenarios of {', '.join(unknown)}: there are those of {', '.join(name for name in known if known[name])}")
    chosen = providers or [name for name, covered in known.items() if covered]
    with ThreadPoolExecutor() as threads:
        runs = list(threads.map(partial(drive, providers=chosen), MODES))
    uncovered = [] if providers else [f"instrumentor without scenarios: {name}" for name, covered in known.items() if not covered]
    for name in chosen:
        uncovered += [f"scenario missing: {name} {what}" for what in coverage.missing(scenarios.provider(name).scenarios)]
    return judge(runs, gaps.declared(chosen), uncovered)


def drive(mode: Mode, providers: Sequence[str]) -> Run:
    """Run these providers' scenarios in a process of its own, whatever the caller's environment. Raises DriveError."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    with tempfile.TemporaryDirectory() as folder:
        # Fakes speak plain HTTP: a client that reads no certificates is made in a third of the time.
        environment |= {**mode.environment, "AGENTOPS_LOCAL_DIR": folder, "SSL_CERT_DIR": folder}
        environment.pop("SSL_CERT_FILE", None)
        command = [sys.executable, "-m", "conformance.drive", folder, *providers]
        done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
        if done.returncode or done.stderr:
            raise DriveError(done.stderr)
        return _gathered(mode, msgspec.json.decode(done.stdout, type=dict[str, Report]), Path(folder))


def _gathered(mode: Mode, reports: Mapping[str, Report], folder: Path) -> Run:
    """What was recorded, by scenario."""
    stored = read([folder])
    traces = by_session(stored.spans)
    evidence: list[Evidence] = []
    for provider, report in reports.items():
        for scenario in scenarios.provider(provider).scenarios:
            ran = report.ran[scenario.name]
            file = folder / EXPORTS / ran.file
            exported = read([file] if file.exists() else [])
            spans = tuple(traces.pop(scenario.name, ()))
            evidence.append(Evidence(scenario, ran, replace(exported, resources=(), spans=spans), mode))
    rest = tuple(span for trace in traces.values() for span in trace)
    unreadable = (*stored.unreadable, *(line for each in evidence for line in each.telemetry.unreadable))
    resources = (*stored.resources, *read([folder / EXPORTS]).resources)
    return Run(mode, reports, tuple(evidence), Telemetry(resources, rest, stored.records, unreadable=unreadable))


def judge(runs: Sequence[Run], declared: Sequence[gaps.Gap], uncovered: Sequence[str] = ()) -> Result:
    """The gate's verdict on what was driven and recorded; `uncovered` says which scenarios there should be."""
    findings = [found for run in runs for found in (*_found(run), *_leaked(run, runs))]
    violations = [(scenario, finding) for scenario, finding in findings if finding.level is Level.VIOLATION]
    left, stale = gaps.undeclared(violations, declared)
    failures = (
        *uncovered,
        *(f"{scenario}: {finding}" for scenario, finding in left),
        *(f"stale gap: {text}" for text in stale),
        *(f"endpoint without a scenario: {target}" for report in runs[0].reports.values() for target in _untried(report)),
        *(f"spans of no scenario: {name!r}" for run in runs for name in by_session(run.rest.spans)),
        *(f"not OTLP JSON: {line}" for run in runs for line in run.rest.unreadable),
    )
    return Result(tuple(findings), tuple(dict.fromkeys(failures)), _summary(runs, len(violations) - len(left)))


def _found(run: Run) -> Iterator[tuple[str, Finding]]:
    known, options = vocabulary(run.mode.profile), Options(content=run.mode.content)
    yield from ((OUTSIDE, finding) for finding in check(replace(run.rest, spans=()), known, options))
    for evidence in run.evidence:
        name = evidence.scenario.name
        yield from ((name, finding) for finding in expected.findings(evidence))
        yield from ((name, finding) for finding in check(evidence.telemetry, known, options))


def _leaked(run: Run, runs: Sequence[Run]) -> Iterator[tuple[str, Finding]]:
    """What a run without content quotes all the same, by those with content."""
    said = {evidence.scenario.name: evidence.telemetry for other in runs if other.mode.content for evidence in other.evidence}
    for evidence in () if run.mode.content else run.evidence:
        name = evidence.scenario.name
        if name in said:
            yield from ((name, finding) for finding in leaks.scenario_leak(name, said[name], evidence.telemetry))


def by_session(spans: Sequence[Span]) -> dict[str, list[Span]]:
    """Spans by the workflow their trace's root is; a trace without one goes by the name of its first span."""
    traces: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        traces[span.trace_id].append(span)
    named: dict[str, list[Span]] = {}
    for trace in traces.values():
        root = next((span for span in trace if not span.parent_id), trace[0])
        named.setdefault(str(root.attributes.get("gen_ai.workflow.name", root.name)), []).extend(trace)
    return named


def _untried(report: Report) -> list[str]:
    return sorted(set(report.targets) - {ran.target for ran in report.ran.values()} - set(report.absent))


def _summary(runs: Sequence[Run], explained: int) -> str:
    reports = runs[0].reports
    targets = {target for report in reports.values() for target in report.targets}
    absent = {target for report in reports.values() for target in report.absent}
    tried = targets & {ran.target for report in reports.values() for ran in report.ran.values()}
    spans = sum(len(evidence.telemetry.spans) for run in runs for evidence in run.evidence)
    return (
        f"{', '.join(reports)}: {len(runs[0].evidence)} scenarios in {len(runs)} modes, {spans} spans, "
        f"{len(tried)} of {len(targets)} endpoints covered{f', {len(absent)} not in the installed SDK' if absent else ''}; "
        f"{explained} violations in declared gaps"
    )
