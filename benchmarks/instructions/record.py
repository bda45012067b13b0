"""The record of what calls cost in instructions, and the gate that holds the tree to it.

Instructions depend on the interpreter, the machine's kind and the installed packages, so a record names them, and only what was counted
with the very same is compared with it.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.environments import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.instructions.count import Counts

PATH = Path(__file__).with_name("record.json")
ALLOWED = 0.10
"""How much more than the record passes."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a count depends on beside the project's code; `packages` and `workload` are digests of files."""

    interpreter: str
    machine: str
    packages: str
    workload: str

    @property
    def name(self) -> str:
        return " | ".join((self.interpreter, self.machine, self.packages, self.workload))


def conditions(requirements: str) -> Conditions:
    """The conditions of this interpreter, whose packages are pinned in the file `requirements`."""
    here = Path(__file__).parent
    return Conditions(
        f"{platform.python_implementation()} {' '.join(sys.version.split())}",
        f"{platform.machine()} {' '.join(platform.libc_ver())}",
        f"requirements {_digest(ROOT / 'requirements' / requirements)}",
        f"workload {_digest(here / 'workload.py', here / 'worker.py')}",
    )


def _digest(*paths: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was counted under some conditions: a bare process, and what this project added to it."""

    bare: Counts
    added: Counts


def load(wanted: Conditions, path: Path = PATH) -> Recorded | None:
    """The record for these conditions, if there is one."""
    found = json.loads(path.read_text()).get(wanted.name) if path.exists() else None
    return None if found is None else Recorded(found["bare"], found["added"])


def save(under: Conditions, counted: Recorded, path: Path = PATH) -> None:
    """Keep what was counted; records of other interpreters and machines stay, those of other packages or calls are out of date."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    current = f" | {under.packages} | {under.workload}"
    records = {name: record for name, record in kept.items() if name.endswith(current)}
    records[under.name] = {"bare": _whole(counted.bare), "added": _whole(counted.added)}
    path.write_text(json.dumps(records, indent=1, sort_keys=True) + "\n")


def _whole(counts: Mapping[str, float]) -> dict[str, int]:
    return {name: round(count) for name, count in counts.items()}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says, line by line, and whether it passes."""

    lines: tuple[str, ...]
    passed: bool


def judge(recorded: Mapping[str, float], counted: Mapping[str, float]) -> Verdict:
    """Hold what was counted against the record, case by case."""
    missing = sorted(set(recorded) - set(counted))
    lines = [f"{name}: not counted any more" for name in missing]
    failed = bool(missing)
    for name, before in recorded.items():
        if name in counted:
            change = counted[name] / before - 1
            over = change > ALLOWED
            failed = failed or over
            lines.append(f"{name}: {before:,.0f} -> {counted[name]:,.0f} ({change:+.1%}){' OVER THE RECORD' if over else ''}")
    return Verdict(tuple(lines), not failed)
