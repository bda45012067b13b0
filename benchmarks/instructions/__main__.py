"""`python -m benchmarks.instructions gate|record|compare`: hold the tree to the record, make a new one, or see what others cost.

The gate passes where nothing can be said: without valgrind, and where there is no record for this interpreter and these packages.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.adapters import BARE, FLOOR, OFFICIAL, OURS
from benchmarks.instructions import count, record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_OURS = replace(OURS, project=False)
"""In its environment, but as it stands in the tree."""


def gate(path: Path = record.PATH) -> bool:
    """Whether the tree costs what the record at `path` says, give or take."""
    under = record.conditions(OURS.requirements)
    known = record.load(under, path)
    if known is None or not count.available():
        why = "no record fits these conditions; make bench-record makes one" if known is None else "valgrind is not installed"
        print(f"instructions: nothing compared: {why}\n  {under.name}")
        return True
    counted = count.added(count.count(_OURS), known.bare)
    verdict = record.judge(known.added, counted)
    print("instructions a call or chunk, added to a bare process:", *verdict.lines, sep="\n  ")
    print("instructions: " + ("within the record" if verdict.passed else f"more than {record.ALLOWED:.0%} over the record"))
    return verdict.passed


def keep() -> bool:
    """Make the record for these conditions anew."""
    if not count.available():
        print("instructions: valgrind is not installed")
        return False
    bare = count.count(BARE)
    record.save(record.conditions(OURS.requirements), record.Recorded(bare, count.added(count.count(_OURS), bare)))
    return True


def compare() -> bool:
    """Print what this project, the official package and the floor add."""
    if not count.available():
        print("instructions: valgrind is not installed")
        return False
    bare = count.count(BARE)
    print(comparison(bare, {adapter.name: count.added(count.count(adapter), bare) for adapter in (_OURS, OFFICIAL, FLOOR)}))
    return True


def comparison(bare: count.Counts, added: Mapping[str, count.Counts]) -> str:
    """A table in thousands of instructions: what a bare process does in each case, and what everyone adds to it."""
    columns = {"bare": bare, **added}
    head = f"{'thousands of instructions, added':42}" + "".join(f"{name:>10}" for name in columns)
    return "\n".join([head, *(f"{name:42}" + "".join(f"{each[name] / 1000:10.1f}" for each in columns.values()) for name in bare)])


if __name__ == "__main__":
    sys.exit(not {"gate": gate, "record": keep, "compare": compare}[sys.argv[1]]())
