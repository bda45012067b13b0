"""Interleaved measuring: in each block every process does the same work, and only differences within a block count."""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from benchmarks import startup
from benchmarks.adapters import BARE, EVERY
from benchmarks.cases import CASES, ENVIRONMENT
from benchmarks.environments import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks.adapters import Adapter
    from benchmarks.cases import Case

BLOCK_NS = 40_000_000
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The variables of a measured process: nothing of the caller's that could configure telemetry."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", **settings}


@dataclass(slots=True)
class Series:
    """What one peer adds to one case, block by block; nanoseconds per unit."""

    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])
    total: list[float] = field(default_factory=list[float])
    """CPU with what is left to the collection of metrics."""

    def add(self, with_it: Mapping[str, float], without: Mapping[str, float], units: float) -> None:
        self.wall.append((with_it["wall"] - without["wall"]) / units)
        self.cpu.append((with_it["cpu"] - without["cpu"]) / units)
        self.total.append((with_it["total"] - without["total"]) / units)


def middle(values: Sequence[float]) -> float:
    """The median."""
    return median(values)


def spread(values: Sequence[float]) -> float:
    """Half the distance between the quartiles."""
    low, _, high = quantiles(values, n=4)
    return (high - low) / 2


@dataclass(slots=True)
class Result:
    """One case: bare's own cost per unit, and each peer's addition to it; nanoseconds."""

    name: str
    setting: str
    unit: str
    bare: Series = field(default_factory=Series)
    added: dict[str, Series] = field(default_factory=lambda: defaultdict(Series))
    recorded: dict[str, dict[str, Any]] = field(default_factory=dict[str, Any])


class Worker:
    """A measured process, answering one line for each line."""

    def __init__(self, python: Path, adapter: Adapter, setting: str) -> None:
        command = [str(python), "-m", "benchmarks.worker", adapter.module, setting]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment(ENVIRONMENT[setting]), text=True, bufsize=1
        )
        self.versions = self._read()

    def ask(self, **what: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        return self._read()

    def close(self) -> None:
        self._process.communicate()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a measured process ended: {self._process.args}")
        return json.loads(line)


def calls(
    pythons: Mapping[Adapter, Path], setting: str, blocks: int, say: Callable[[str], None], only: str | None = None
) -> Iterator[Result]:
    """Measure every case of `setting`, in one process for each adapter."""
    workers = {adapter: Worker(python, adapter, setting) for adapter, python in pythons.items()}
    try:
        for case in CASES:
            if case.setting == setting and (only is None or only in case.name):
                say(f"{case.name}, {setting}")
                yield _case(case, workers, blocks)
    finally:
        for worker in workers.values():
            worker.close()


def _case(case: Case, workers: Mapping[Adapter, Worker], blocks: int) -> Result:
    result = Result(case.name, case.setting, case.unit)
    times = _times(case, workers)
    order = list(workers)
    for block in range(blocks):
        turn = block % len(order)
        took = {adapter: workers[adapter].ask(case=case.name, times=times) for adapter in order[turn:] + order[:turn]}
        units = times * case.units
        result.bare.add(took[BARE], {"wall": 0, "cpu": 0, "total": 0}, units)
        for adapter in order:
            if adapter is not BARE:
                result.added[adapter.name].add(took[adapter], took[BARE], units)
    for adapter, worker in workers.items():
        before = worker.ask(recorded=True)
        worker.ask(case=case.name, times=10)
        after = worker.ask(recorded=True)
        result.recorded[adapter.name] = _difference(before, after, 10)
    return result


def _times(case: Case, workers: Mapping[Adapter, Worker]) -> int:
    """How often bare does the case in one block, after everyone is warm."""
    for worker in workers.values():
        worker.ask(case=case.name, times=20)
    once = workers[BARE].ask(case=case.name, times=20)["wall"] / 20
    return max(2, round(BLOCK_NS / once))


def _difference(before: dict[str, Any], after: dict[str, Any], times: int) -> dict[str, Any]:
    records = sum(after["metrics"].values()) - sum(before["metrics"].values())
    spans = (after["spans"] - before["spans"]) / times
    shape = {"attributes": after["attributes"], "text": after["text"]} if spans else {"attributes": 0, "text": 0}
    return {"spans": spans, **shape, "metric records": records / times}


def starts(pythons: Mapping[Adapter, Path], launches: int, say: Callable[[str], None]) -> Iterator[Result]:
    """Measure start-up: each adapter against the same program in its own environment without it."""
    for program in startup.PROGRAMS:
        say(f"start-up: {program.name}")
        result = Result(program.name, "start-up", "process")
        variables = environment({})
        for launch in range(launches + 1):
            for adapter, python in pythons.items():
                without = _started(python, program.source(None), variables)
                with_it = _started(python, program.source(adapter.name), variables) if adapter is not BARE else without
                if launch == 0:
                    continue  # the first one of each finds cold files
                if adapter is BARE:
                    result.bare.add(without, {"wall": 0, "cpu": 0, "total": 0}, 1)
                else:
                    result.added[adapter.name].add(with_it, without, 1)
        yield result


def starts_of_every(python: Path, launches: int, say: Callable[[str], None]) -> Iterator[Result]:
    """Measure start-up with all of this project's instrumentors against the same program without them."""
    for program in startup.EVERY_PROVIDER:
        say(f"start-up: {program.name}")
        result = Result(program.name, "start-up", "process")
        variables = environment({})
        for launch in range(launches + 1):
            without = _started(python, program.source(None), variables)
            with_it = _started(python, program.source(EVERY.name), variables)
            if launch:
                result.bare.add(without, {"wall": 0, "cpu": 0, "total": 0}, 1)
                result.added["ours"].add(with_it, without, 1)
        yield result


def _started(python: Path, source: str, variables: Mapping[str, str]) -> dict[str, float]:
    wall, cpu = startup.launch(python, source, variables)
    return {"wall": wall, "cpu": cpu, "total": cpu}
