"""Interleaved measuring: in each block every process and its bare twin do the same work, and only their differences count.

The middle one of all differences is the cost. Tried on 160 blocks each of bare code, the floor and this project on a busy machine, taken
four generations at a time, it varied by 6 to 8 µs around a call of 1,200 µs, as did the mean of the generations' middle ones; differences
of low quartiles varied by 6 to 9, of least values by 9 to 11, of medians by 10 to 13. A process and its twin are slowed down together,
which only differences within a block see.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks import startup
from benchmarks.adapters import BARE
from benchmarks.cases import CASES
from benchmarks.process import FailedError, Worker, environment
from benchmarks.series import CLOCKS, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from benchmarks.adapters import Adapter
    from benchmarks.cases import Case
    from benchmarks.suites import Suite

BLOCK_NS = 40_000_000
_KEEPS_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 25), "MALLOC_TRIM_THRESHOLD_": str(1 << 28)}
"""Have the C library keep large blocks. Left to itself it learns from those it has seen whether to return them to the system and get
them anew, page by page: 1 ms a call with an image more or less, whoever's texts it saw."""

Failures = dict[str, str]
"""What could not be measured, by adapter: why."""


def calls(
    pythons: Mapping[Adapter, Path], setting: str, suite: Suite, failures: Failures, say: Callable[[str], None], only: str | None = None
) -> list[Result]:
    """Measure every case of `setting`, in several generations of fresh processes. An adapter that fails is left out from there on."""
    cases = [case for case in CASES if case.setting == setting and (only is None or only in case.name)]
    measured = [Result(case.name, case.setting, case.unit) for case in cases]
    times: dict[str, int] = {}
    for generation in range(suite.generations if cases else 0):
        say(f"{setting}: generation {generation + 1} of {suite.generations}")
        workers: dict[Adapter, Worker] = {}
        try:
            _start_workers(workers, pythons, setting, generation, failures)
            for case, result in zip(cases, measured, strict=True):
                say(f"{case.name}, {setting}")
                for adapter in list(workers):
                    _asked(adapter, workers, failures, case=case.name, times=_few(case))
                times.setdefault(case.name, _times(case, workers[BARE]))
                # Many calls at once make a block that is several times as long.
                blocks = suite.blocks if case.unit != "call" or case.units == 1 else max(1, suite.blocks // 2)
                _blocks(case, result, workers, blocks, times[case.name], failures)
                _recorded(case, result, workers, failures)
        finally:
            for worker in workers.values():
                worker.close()
    return measured


def _start_workers(
    workers: dict[Adapter, Worker], pythons: Mapping[Adapter, Path], setting: str, generation: int, failures: Failures
) -> None:
    """Start those that did not fail before, two at a time: this is not measured."""

    def start(adapter: Adapter) -> None:
        variables = {**adapter.variables(setting), **_KEEPS_MEMORY}
        with noted(adapter, failures):
            workers[adapter] = Worker(pythons[adapter], "benchmarks.worker", [adapter.module, setting], variables, seed=generation)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(start, [each for each in pythons if setting in each.settings and each.name not in failures]))


@contextmanager
def noted(adapter: Adapter, failures: Failures) -> Iterator[None]:
    """Note a peer's failure and go on; that of bare code ends the part."""
    try:
        yield
    except FailedError as failed:
        if adapter is BARE:
            raise
        failures[adapter.name] = str(failed)


def _asked(adapter: Adapter, workers: dict[Adapter, Worker], failures: Failures, **what: Any) -> dict[str, Any] | None:
    """An adapter's answer; None from one that fails, which is left out from here on."""
    with noted(adapter, failures):
        return workers[adapter].ask(**what)
    workers.pop(adapter).close()
    return None


def _few(case: Case) -> int:
    return max(1, 20 // case.units) if case.unit == "call" else 5


def _times(case: Case, bare: Worker) -> int:
    """How often everyone does the case in one block: what takes bare code some 40 ms."""
    once = bare.ask(case=case.name, times=_few(case))["without"]["cpu"] / _few(case)
    return max(1, round(BLOCK_NS / once))


def _blocks(case: Case, result: Result, workers: dict[Adapter, Worker], blocks: int, times: int, failures: Failures) -> None:
    for block in range(blocks):
        order = list(workers)
        turn = block % len(order)
        for adapter in order[turn:] + order[:turn]:
            took = _asked(adapter, workers, failures, case=case.name, times=times)
            if took is None:
                result.added.pop(adapter.name, None)
                result.bare.pop(adapter.name, None)
                continue
            result.added[adapter.name].add(took["with"], took["without"], times * case.units)
            if adapter is BARE or adapter.other_client:
                result.bare[adapter.name].add(took["without"], units=times * case.units)


def _recorded(case: Case, result: Result, workers: dict[Adapter, Worker], failures: Failures) -> None:
    calls = case.units if case.unit == "call" else 1
    for adapter in list(workers):
        if adapter.name not in result.recorded:
            counts = _asked(adapter, workers, failures, recorded=case.name, times=10 if case.units < 100 else 2)
            if counts is not None:
                result.recorded[adapter.name] = {name: count / calls for name, count in counts.items()}


def starts(pythons: Mapping[Adapter, Path], launches: int, failures: Failures, say: Callable[[str], None]) -> Iterator[Result]:
    """Measure start-up: each adapter against the same program in its own environment without it."""
    for program in startup.PROGRAMS:
        say(f"start-up: {program.name}")
        result = Result(program.name, "start-up", "process")
        working = dict(pythons)
        for launch in range(launches + 1):
            for adapter, python in list(working.items()):
                with noted(adapter, failures):
                    # The first one of each finds cold files.
                    _start(program, adapter, python, result if launch else Result("", "", ""))
                if adapter.name in failures:
                    working.pop(adapter)
                    result.added.pop(adapter.name, None)
        yield result


def starts_of_every(python: Path, launches: int, say: Callable[[str], None]) -> Iterator[Result]:
    """Measure start-up with all of this project's instrumentors against the same program without them."""
    for adapter, program in startup.EVERY_PROVIDER:
        say(f"start-up: {program.name}")
        result = Result(program.name, "start-up", "process")
        for launch in range(launches + 1):
            without, with_it = (_started(python, program.source(module), environment({})) for module in (None, adapter.module))
            if launch:
                result.bare["bare"].add(without)
                result.added["ours"].add(with_it, without)
        yield result


def _start(program: startup.Program, adapter: Adapter, python: Path, result: Result) -> None:
    variables = environment(adapter.variables("start-up"))
    without = _started(python, program.source(None), variables)
    if adapter is BARE or adapter.other_client:
        result.bare[adapter.name].add(without)
    if adapter is not BARE:
        result.added[adapter.name].add(_started(python, program.source(adapter.module), variables), without)


def _started(python: Path, source: str, variables: Mapping[str, str]) -> dict[str, float]:
    wall, cpu = startup.launch(python, source, variables)
    return dict(zip(CLOCKS, (wall, cpu, cpu), strict=True))
