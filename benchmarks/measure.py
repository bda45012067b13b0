"""Interleaved measuring: in each block every process does the same work, and only differences within a block count."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

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

BLOCK_NS = 40_000_000

Failures = dict[str, str]
"""What could not be measured, by adapter: why."""


def calls(
    pythons: Mapping[Adapter, Path], setting: str, blocks: int, failures: Failures, say: Callable[[str], None], only: str | None = None
) -> Iterator[Result]:
    """Measure every case of `setting`, in one process for each adapter. One that fails is left out from there on."""
    cases = [case for case in CASES if case.setting == setting and (only is None or only in case.name)]
    workers: dict[Adapter, Worker] = {}
    try:
        for adapter, python in pythons.items() if cases else ():
            if setting in adapter.settings:
                with noted(adapter, failures):
                    workers[adapter] = Worker(python, "benchmarks.worker", [adapter.module, setting], adapter.variables(setting))
        for case in cases:
            say(f"{case.name}, {setting}")
            yield _case(case, workers, blocks, failures)
    finally:
        for worker in workers.values():
            worker.close()


@contextmanager
def noted(adapter: Adapter, failures: Failures) -> Iterator[None]:
    """Note a peer's failure and go on; that of bare code ends the part."""
    try:
        yield
    except FailedError as failed:
        if adapter is BARE:
            raise
        failures[adapter.name] = str(failed)


def _case(case: Case, workers: dict[Adapter, Worker], blocks: int, failures: Failures) -> Result:
    result = Result(case.name, case.setting, case.unit)
    times = _times(case, workers, failures)
    for block in range(blocks):
        order = list(workers)
        turn = block % len(order)
        took: dict[str, dict[str, float]] = {}
        for adapter in order[turn:] + order[:turn]:
            with noted(adapter, failures):
                took[adapter.name] = workers[adapter].ask(case=case.name, times=times)
        for adapter in order:
            if adapter.name not in took or (not adapter.is_bare and adapter.bare not in took):
                _drop(adapter, workers, result)
            elif adapter.is_bare:
                result.bare[adapter.name].add(took[adapter.name], units=times * case.units)
            else:
                result.added[adapter.name].add(took[adapter.name], took[adapter.bare], times * case.units)
    for adapter, worker in list(workers.items()):
        with noted(adapter, failures):
            result.recorded[adapter.name] = worker.ask(recorded=case.name, times=10 if case.units < 100 else 2)
            result.recorded[adapter.name] = _per_call(case, result.recorded[adapter.name])
    return result


def _drop(adapter: Adapter, workers: dict[Adapter, Worker], result: Result) -> None:
    workers.pop(adapter).close()
    result.added.pop(adapter.name, None)
    result.bare.pop(adapter.name, None)


def _per_call(case: Case, recorded: Mapping[str, float]) -> dict[str, float]:
    calls = case.units if case.unit == "call" else 1
    return {name: count / calls for name, count in recorded.items()}


def _times(case: Case, workers: dict[Adapter, Worker], failures: Failures) -> int:
    """How often everyone does the case in one block, after everyone is warm: what takes bare code some 40 ms."""
    warm = max(1, 20 // case.units) if case.unit == "call" else 5
    once = 0.0
    for adapter, worker in list(workers.items()):
        with noted(adapter, failures):
            worker.ask(case=case.name, times=warm)
            if adapter.name == "bare":
                once = worker.ask(case=case.name, times=warm)["cpu"] / warm
        if adapter.name in failures:
            workers.pop(adapter).close()
    return max(1, round(BLOCK_NS / once))


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
    if adapter.is_bare:
        result.bare[adapter.name].add(without)
    else:
        result.added[adapter.name].add(_started(python, program.source(adapter.module), variables), without)


def _started(python: Path, source: str, variables: Mapping[str, str]) -> dict[str, float]:
    wall, cpu = startup.launch(python, source, variables)
    return dict(zip(CLOCKS, (wall, cpu, cpu), strict=True))
