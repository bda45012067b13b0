"""`python -m conformance [FILE|DIR ...]`: findings in OTLP JSON lines, or, without any, the gate over our own instrumentors.

Exit code 0 without violations (undeclared ones, in the gate), 1 with some, 2 where something could not be read.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from agentops_conformance.checks import check
from agentops_conformance.otlp import read
from agentops_conformance.values import Level
from agentops_conformance.vocabulary import vocabulary
from conformance import gate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agentops_conformance.values import Finding


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, metavar="FILE|DIR", help="OTLP JSON lines, or folders of *.jsonl")
    parser.add_argument("--all", action="store_true", help="also print improvements and information")
    parser.add_argument("--provider", action="append", default=[], metavar="NAME", help="the gate over this instrumentor of ours only")
    chosen = parser.parse_args(arguments)
    try:
        return _check(chosen.paths, chosen.all) if chosen.paths else _gate(chosen.all, chosen.provider)
    except (OSError, ValueError, ImportError, gate.DriveError) as error:
        print(error, file=sys.stderr)
        return 2


def _check(paths: Sequence[Path], everything: bool) -> int:
    telemetry = read(paths)
    findings = check(telemetry, vocabulary())
    _print(findings, everything)
    for line in telemetry.unreadable:
        print(f"not OTLP JSON: {line}", file=sys.stderr)
    count = Counter(finding.level for finding in findings)
    levels = ", ".join(f"{count[level]} {level.value}" for level in reversed(Level))
    print(f"{len(telemetry.spans)} spans, {len(telemetry.records)} log records: {levels}")
    if telemetry.unreadable or not (telemetry.spans or telemetry.records):
        return 2
    return 1 if count[Level.VIOLATION] else 0


def _gate(everything: bool, providers: Sequence[str]) -> int:
    result = gate.run(vocabulary(), providers)
    if everything:
        _print((finding for _, finding in result.findings), everything)
    for failure in result.failures:
        print(failure)
    print(f"{result.summary}; {len(result.failures)} failures")
    return 1 if result.failures else 0


def _print(findings: Iterable[Finding], everything: bool) -> None:
    """Each finding once, with how often it occurs."""
    lines = Counter(str(finding) for finding in findings if everything or finding.level is Level.VIOLATION)
    for line, times in lines.items():
        print(line if times == 1 else f"{line} ({times} times)")


if __name__ == "__main__":
    sys.exit(main())
