"""Starts the worker under valgrind and reads what it counted."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.environments import ROOT, python_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.adapters import Adapter

Counts = dict[str, float]
"""Instructions for each call, or chunk of a stream, by `case, setting, clock`; `clock` is the call, or the collection of its metrics."""
_SUMMARY = re.compile(r"^summary: (\d+)$", re.MULTILINE)


def available() -> bool:
    """Whether there is a valgrind."""
    return shutil.which("valgrind") is not None


def count(adapter: Adapter) -> Counts:
    """Count the calls of a process that `adapter` instruments, this project's code as it stands in the tree. Takes most of a minute."""
    with TemporaryDirectory() as directory:
        tool = ("valgrind", "--quiet", "--tool=callgrind", "--dump-before=getpgrp", f"--callgrind-out-file={directory}/counted.%p")
        worker = (str(python_of(adapter)), "-m", "benchmarks.instructions.worker", adapter.module)
        variables = {"PYTHONPATH": f"{ROOT}:{ROOT / 'instrumentors'}", "PYTHONHASHSEED": "0", "PATH": os.environ.get("PATH", "")}
        done = subprocess.run((*tool, *worker), cwd=ROOT, env=variables, check=True, stdout=subprocess.PIPE, text=True)
        return _read(done.stdout, Path(directory))


def added(with_it: Mapping[str, float], without: Mapping[str, float]) -> Counts:
    """What an instrumented process does more than a bare one."""
    return {name: with_it[name] - without[name] for name in without}


def _read(said: str, directory: Path) -> Counts:
    found: dict[str, list[float]] = {}
    for line in said.splitlines():
        case, setting, clock, process, part, units = json.loads(line)
        summary = _SUMMARY.search((directory / f"counted.{process}.{part}").read_text(errors="replace"))
        assert summary is not None
        found.setdefault(f"{case}, {setting}, {clock}", []).append(int(summary[1]) / units)
    # The middle one: now and then a thread wakes up in between.
    return {name: median(counted) for name, counted in found.items()}
