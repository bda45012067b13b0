"""Measures this project beside its peers. Never fails on a number.

python -m benchmarks.run [--peers] [--quick] [--part PART] [--only CASE] [--fresh] [--report]

Parts that are done are kept under `.bench`, so that a run that was interrupted goes on where it was; a change of what is measured, or of
how, begins anew. With `--peers` a whole run writes `benchmarks/RESULTS.md`, its plots and the README's figures, everything else is
printed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from benchmarks import document, readme
from benchmarks.adapters import EVERY
from benchmarks.environments import ROOT, python_of
from benchmarks.parts import PARTS, Run
from benchmarks.process import FailedError
from benchmarks.suites import BENCH, BENCH_PEERS

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.adapters import Adapter
    from benchmarks.suites import Suite

_SOURCES = ("benchmarks", "src", "instrumentors", "requirements")


def main() -> None:
    """Parse the command line, measure, report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Measure what instrumentation costs.")
    parser.add_argument("--peers", action="store_true", help="beside every peer")
    parser.add_argument("--quick", action="store_true", help="few blocks: a look, not a result")
    parser.add_argument("--part", choices=PARTS, action="append", help="this part alone; may be repeated")
    parser.add_argument("--only", help="of calls, only the cases whose name holds this")
    parser.add_argument("--fresh", action="store_true", help="measure what is done already once more")
    parser.add_argument("--report", action="store_true", help="measure nothing: report what is there of the last run")
    options = parser.parse_args()
    suite = BENCH_PEERS if options.peers else BENCH
    suite = suite.quick() if options.quick else suite
    looking = bool(options.part or options.only)
    home = ROOT / ".bench" / (f"{suite.name}-look" if looking else suite.name)
    began = time.monotonic()
    if not options.report:
        measured(suite, home, options.part or list(PARTS), options.only, fresh=options.fresh or looking)
    found = {part: json.loads((home / f"{part}.json").read_text()) for part in PARTS if (home / f"{part}.json").exists()}
    if options.peers and not looking and not options.quick:
        results = document.write(suite, found, ROOT / "benchmarks")
        readme.rewrite(ROOT / "README.md", results)
    print(document.tables(suite, found))
    _say(f"took {time.monotonic() - began:.0f} s")


def measured(suite: Suite, home: Path, parts: list[str], only: str | None, *, fresh: bool) -> None:
    """Measure what is not done yet of `parts`, and keep it in `home`."""
    state = home / "state"
    now = _state(suite)
    if fresh or not state.exists() or state.read_text() != now or all(_done(home / f"{part}.json") for part in parts):
        if home.exists() and not fresh:
            _say("what is kept of the last run is whole, or of another state of the tree: from the beginning")
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        state.write_text(now)
    failures: dict[str, str] = {}
    run = Run(suite, _environments(suite, failures), _say, only)
    for part in parts:
        path = home / f"{part}.json"
        if _done(path):
            _say(f"{part}: done before")
            continue
        run.failures = dict(failures)
        began = time.monotonic()
        try:
            value = PARTS[part](run)
        except FailedError as failed:
            value, run.failures = None, {**run.failures, "ours": str(failed)}
        took = time.monotonic() - began
        path.write_text(json.dumps({"value": value, "failures": run.failures, "load": os.getloadavg()[1], "took": took}))
        _say(f"{part}: {took:.0f} s")


def _done(path: Path) -> bool:
    """Whether there is a result; a part that failed as a whole is tried again."""
    return path.exists() and json.loads(path.read_text())["value"] is not None


def _environments(suite: Suite, failures: dict[str, str]) -> dict[Adapter, Path]:
    found: dict[Adapter, Path] = {}
    for adapter in (*suite.adapters, EVERY):
        _say(f"environment: {adapter.requirements}")
        try:
            found[adapter] = python_of(adapter)
        except Exception as error:
            if adapter.requirements not in {peer.requirements for peer in suite.peers}:
                raise
            failures[adapter.name] = f"its environment cannot be made: {error}"
    return found


def _state(suite: Suite) -> str:
    """Tells what is measured, and how, from anything else."""
    digest = sha256(repr((suite, sys.version)).encode())
    for source in _SOURCES:
        for path in sorted((ROOT / source).rglob("*")):
            if path.suffix in (".py", ".txt"):
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _say(text: Any) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
