"""What a run consists of. Each part measures one thing and answers plain values; a part that is done is not measured again."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from benchmarks import measure
from benchmarks.adapters import BARE, EVERY, FLOOR, OURS, RECORDS
from benchmarks.process import ANSWER_S, FailedError, Worker, environment, finished
from benchmarks.shape import CONTENT, NO_CONTENT, SAMPLED_OUT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from benchmarks.adapters import Adapter
    from benchmarks.suites import Suite

_MEMORY_S = 900
"""How long 100,000 calls may take."""
_TIMES, _ROUND_S = 300, 3
"""How often decorators and sessions are done in a round, unless that takes more seconds."""


class Run:
    """A suite in its environments. `failures` are those of the part that is measured now, by adapter."""

    def __init__(self, suite: Suite, pythons: Mapping[Adapter, Path], say: Callable[[str], None], only: str | None) -> None:
        self.suite = suite
        self.pythons = pythons
        self.say = say
        self.only = only
        self.failures: dict[str, str] = {}

    @property
    def peers(self) -> list[Adapter]:
        """Those of other projects that have an environment."""
        return [peer for peer in self.suite.peers if peer in self.pythons]

    def worker(self, module: str, adapter: Adapter, setting: str, *arguments: str) -> Worker:
        """A measured process of an adapter that answers questions."""
        return Worker(self.pythons[adapter], module, [adapter.module, *arguments], adapter.variables(setting))

    def once(self, adapter: Adapter, module: str, *arguments: object, within: float = ANSWER_S) -> Any:
        """What a measured process of an adapter prints, within so many seconds. Raises `FailedError`."""
        with tempfile.TemporaryDirectory() as folder:
            variables = environment({**adapter.variables(CONTENT), "AGENTOPS_LOCAL_DIR": folder})
            return json.loads(finished([str(self.pythons[adapter]), "-m", module, *map(str, arguments)], variables, within))


def calls(setting: str) -> Callable[[Run], Any]:
    """Every case of a setting."""

    def part(run: Run) -> Any:
        return [each.plain() for each in measure.calls(run.pythons, setting, run.suite, run.failures, run.say, run.only)]

    return part


def starts(run: Run) -> Any:
    """Start-up of everyone."""
    started = {adapter: python for adapter, python in run.pythons.items() if adapter not in (FLOOR, RECORDS, EVERY)}
    return [each.plain() for each in measure.starts(started, run.suite.launches, run.failures, run.say)]


def starts_of_every(run: Run) -> Any:
    """Start-up with all of this project's instrumentors."""
    return [each.plain() for each in measure.starts_of_every(run.pythons[EVERY], run.suite.launches, run.say)]


def spans(run: Run) -> Any:
    """Decorators and sessions, adapters in turn."""
    found: dict[str, Any] = {}
    workers: dict[Adapter, Worker] = {}
    try:
        for adapter in (OURS, *run.peers):
            run.say(f"decorators and sessions: {adapter.name}")
            with measure.noted(adapter, run.failures):
                workers[adapter] = run.worker("benchmarks.spans", adapter, NO_CONTENT)
                found[adapter.name] = {"off": workers[adapter].versions.get("off"), "rounds": []}
        times: dict[Adapter, int] = {}
        for _ in range(run.suite.rounds + 1):
            for adapter, worker in list(workers.items()):
                with measure.noted(adapter, run.failures):
                    if adapter in times:
                        found[adapter.name]["rounds"].append(worker.ask(times=times[adapter]))
                    else:
                        times[adapter] = _fitting(worker)
                if adapter.name in run.failures:
                    workers.pop(adapter).close()
    finally:
        for worker in workers.values():
            worker.close()
    return found


def _fitting(worker: Worker) -> int:
    """How often everything is done in a round; less often where it takes more than some seconds, as a session that waits does."""
    began = time.monotonic()
    worker.ask(times=_TIMES // 10)
    return max(10, min(_TIMES, round(_TIMES // 10 * _ROUND_S / (time.monotonic() - began))))


def memory(run: Run) -> Any:
    """Memory after calls, abandoned streams and sessions; two processes at a time, because no clock is read."""
    wanted: list[tuple[Adapter, str, int]] = []
    for adapter in (OURS, BARE, *run.peers):
        share = 1 if adapter is OURS else run.suite.share
        wanted += [(adapter, "calls", int(run.suite.calls * share)), (adapter, "streams", int(run.suite.streams * share))]
    wanted.insert(2, (OURS, "sessions", run.suite.sessions))

    def one(adapter: Adapter, what: str, count: int) -> Any:
        run.say(f"memory: {count} {what}, {adapter.name}")
        with measure.noted(adapter, run.failures):
            return {
                "adapter": adapter.name,
                "what": what,
                "count": count,
                "samples": run.once(adapter, "benchmarks.growth", adapter.module, what, count, within=_MEMORY_S),
            }
        return None

    with ThreadPoolExecutor(2) as pool:
        return [each for each in pool.map(lambda each: one(*each), wanted) if each]


def open_sessions(run: Run) -> Any:
    """What calls, decorated calls and sessions cost with ever more sessions open."""
    run.say("open sessions")
    return run.once(OURS, "benchmarks.growth", OURS.module, "open", run.suite.levels)


def stall(run: Run) -> Any:
    """The longest gap in an event loop around a call with a huge prompt."""
    found: dict[str, list[float]] = {}
    for _ in range(2):
        for adapter in (BARE, OURS, *(peer for peer in run.peers if not peer.other_client)):
            run.say(f"event loop: {adapter.name}")
            if adapter.name in run.failures:
                continue
            with measure.noted(adapter, run.failures):
                gaps = run.once(adapter, "benchmarks.growth", adapter.module, "stall", run.suite.stalls // 2)
                found.setdefault(adapter.name, []).extend(gaps)
    return found


def throughput(run: Run) -> Any:
    """Spans a second of each exporter, to a sink in another process over loopback."""
    kinds = [(OURS, "ours"), (OURS, "local"), (OURS, "otlp"), *((peer, "agentops") for peer in run.peers if peer.name == "agentops")]
    found: dict[str, list[Any]] = {}
    sink = Worker(run.pythons[OURS], "benchmarks.sink", [], {})
    try:
        for _ in range(run.suite.exports):
            for adapter, kind in kinds:
                run.say(f"exporter: {kind}")
                if adapter.name in run.failures:
                    continue
                with measure.noted(adapter, run.failures):
                    took = run.once(adapter, "benchmarks.throughput", kind, sink.versions["port"], run.suite.exported)
                    found.setdefault(kind, []).append({**took, "arrived": _arrived(sink.versions["port"])})
    finally:
        sink.close()
    return found


def spool(run: Run) -> Any:
    """What a span costs the thread that ends it, µs, by the processor it ends at."""
    run.say("spool")
    said = finished([sys.executable, "-m", "benchmarks.spool"], environment({}))
    return {name: float(cost) for name, cost in re.findall(r"^(.+?) +([\d.]+) µs a span", said, re.MULTILINE)}


def _arrived(port: int) -> Any:
    from urllib.request import urlopen

    try:
        with urlopen(f"http://127.0.0.1:{port}/spans", timeout=ANSWER_S) as answer:
            return json.loads(answer.read())
    except OSError as error:
        raise FailedError(f"the sink does not answer: {error}") from error


PARTS: dict[str, Callable[[Run], Any]] = {
    "calls, content": calls(CONTENT),
    "calls, no content": calls(NO_CONTENT),
    "calls, sampled out": calls(SAMPLED_OUT),
    "start-up": starts,
    "start-up, every provider": starts_of_every,
    "spans": spans,
    "open sessions": open_sessions,
    "event loop": stall,
    "throughput": throughput,
    "spool": spool,
    "memory": memory,
}
