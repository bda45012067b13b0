"""Measures this project beside its peers, prints a table and writes `benchmarks/RESULTS.md`. Never fails on a number.

python -m benchmarks.run [--quick] [--only CASE] [--skip-startup] [--skip-calls]
"""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks import measure, report
from benchmarks.adapters import BARE, EVERY, FLOOR, OURS, PEERS
from benchmarks.cases import ENVIRONMENT
from benchmarks.environments import ROOT, python_of


def main() -> None:
    """Parse the command line, measure, report."""
    parser = argparse.ArgumentParser(description="Measure what instrumentation costs.")
    parser.add_argument("--quick", action="store_true", help="few blocks: a look, not a result; RESULTS.md stays as it is")
    parser.add_argument("--only", help="only the cases whose name holds this; RESULTS.md stays as it is")
    parser.add_argument("--skip-startup", action="store_true")
    parser.add_argument("--skip-calls", action="store_true")
    options = parser.parse_args()
    blocks, launches = (12, 4) if options.quick else (32, 8)
    began = time.monotonic()
    pythons = {adapter: python_of(adapter) for adapter in (BARE, OURS, *PEERS, FLOOR)}
    results: list[measure.Result] = []
    if not options.skip_calls:
        for setting in ENVIRONMENT:
            results.extend(measure.calls(pythons, setting, blocks, _say, options.only))
    if not options.skip_startup:
        started = {adapter: python for adapter, python in pythons.items() if adapter is not FLOOR}
        results.extend(measure.starts(started, launches, _say))
        results.extend(measure.starts_of_every(python_of(EVERY), launches, _say))
    tables = report.tables(results, [peer.name for peer in PEERS])
    print(tables)
    if not (options.quick or options.only or options.skip_startup or options.skip_calls):
        (ROOT / "benchmarks" / "RESULTS.md").write_text(report.document(tables, results, blocks, launches))
    _say(f"took {time.monotonic() - began:.0f} s")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
