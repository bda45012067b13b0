"""The report: what was measured, and how, against the limits."""

from __future__ import annotations

import os
import platform
import re
from typing import TYPE_CHECKING, Any

from benchmarks import plots
from benchmarks import tables as as_tables
from benchmarks.environments import ROOT
from benchmarks.series import Result, results
from benchmarks.targets import verdicts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.suites import Suite

_NOT_CALLS = ("start-up", "start-up, every provider")


def write(suite: Suite, found: Mapping[str, Any], folder: Path) -> str:
    """Write RESULTS.md and its plots; the text of the former."""
    drawn = plots.draw(_results(found), {name: each["value"] for name, each in found.items()}, _titles(suite))
    for name, picture in drawn.items():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")
    text = _document(suite, found, list(drawn))
    (folder / "RESULTS.md").write_text(text, encoding="utf-8")
    return text


def tables(suite: Suite, found: Mapping[str, Any]) -> str:
    """All tables as Markdown, limits first."""
    return "\n\n".join([*_limits(suite, found), *_sections(suite, found)]) + "\n"


def _limits(suite: Suite, found: Mapping[str, Any]) -> list[str]:
    values = {name: each["value"] for name, each in found.items()}
    judged = verdicts(_results(found), values, [peer.name for peer in suite.peers])
    counts = ", ".join(f"{sum(each.said == said for each in judged)} {said}" for said in ("held", "missed", "not measured"))
    return [f"## Limits: {counts}", as_tables.of_verdicts(judged), *_failures(found, _titles(suite))]


def _titles(suite: Suite) -> dict[str, str]:
    order = sorted(suite.adapters, key=lambda adapter: adapter.name != "ours")
    return {adapter.name: adapter.title for adapter in order}


def _results(found: Mapping[str, Any]) -> list[Result]:
    return [result for each in found.values() if _is_results(each["value"]) for result in results(each["value"])]


def _is_results(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and "added" in value[0]


def _sections(suite: Suite, found: Mapping[str, Any]) -> list[str]:
    titles, measured = _titles(suite), _results(found)
    values = {name: each["value"] for name, each in found.items()}
    calls = [each for each in measured if each.unit != "process"]
    starts = [each for each in measured if each.unit == "process"]
    parts: list[str] = []
    if calls:
        parts += ["## Calls: added µs", as_tables.of_results(calls, titles)]
        parts += ["## What was recorded of one call", as_tables.of_recorded(calls, titles)]
    if starts:
        parts += ["## Start-up: added ms", as_tables.of_results(starts, titles)]
    sections = {
        "spans": ("## Decorators and sessions", lambda value: as_tables.of_spans(value, titles)),
        "memory": ("## Memory", lambda value: as_tables.of_memory(value, titles)),
        "open sessions": ("## Open sessions", as_tables.of_open),
        "event loop": ("## Event loop", lambda value: as_tables.of_stall(value, titles)),
        "throughput": ("## Exporters", as_tables.of_throughput),
        "spool": ("## Spool", as_tables.of_spool),
    }
    for name, (heading, table) in sections.items():
        if values.get(name):
            parts += [heading, table(values[name])]
    return parts


def _failures(found: Mapping[str, Any], titles: Mapping[str, str]) -> list[str]:
    said = [
        f"- {titles.get(who, who)} could not be measured in “{part}”: {why}"
        for part, each in found.items()
        for who, why in each["failures"].items()
    ]
    return ["## Failures", "\n".join(said)] if said else []


def _document(suite: Suite, found: Mapping[str, Any], pictures: list[str]) -> str:
    loads = [each["load"] for each in found.values()]
    shown = "\n\n".join(f"![{name}]({name}.svg)" for name in pictures)
    limits, rest = "\n\n".join(_limits(suite, found)), "\n\n".join(_sections(suite, found))
    return f"""# What instrumentation costs

Measured by `make bench-peers` on {os.cpu_count()} CPUs ({platform.machine()}), {_python()}.
Load average over 5 minutes between {min(loads):.1f} and {max(loads):.1f}; near 1 is a calm machine.
Every limit is this project's own; what was measured, and how, is said below.

{limits}

## Plots

What is added by the cpu clock, paler with the collection of metrics; the thin line is the uncertainty, * marks who did not record the case.

{shown}

{_sections_of_how(suite)}

{rest}
"""


def _python() -> str:
    return f"{platform.python_implementation()} {platform.python_version()}"


def _sections_of_how(suite: Suite) -> str:
    return f"""## How

- `added` is what an instrumented process costs more than its bare twin: both are forked from one process that has the client and the
  SDK loaded, so that they share its addresses, its allocations and the seed of its hashes, and do the same number of calls (about 40 ms
  of bare code) one after the other, {suite.blocks} times (`async`: {suite.blocks // 2}) in each of {suite.generations} generations of
  such processes, everyone in turn.
  The C library keeps large blocks (`MALLOC_MMAP_THRESHOLD_`, `MALLOC_TRIM_THRESHOLD_`): left to itself it returns them or not by what it
  has seen, and a call with an image costs a millisecond more or less, whoever instruments it.
  The figure is the median of all these differences; `bare again` is a bare process in the instrumented one's place, which adds nothing.
- ± is the uncertainty of the figure, not the spread of single measurements: 1.57 times the distance between the quartiles over the root
  of their number, the notch of a box plot (McGill, Tukey and Larsen 1978). A limit is held or missed by the figure itself; where what is
  compared with is within its uncertainty of 0, nothing was measured.
- `cpu` counts every thread of the process, background exporting included, and is the steadier clock on a busy machine. `wall` and it end
  with the calls: they are what a call waits for. `total` is cpu with the collection of the metrics of these calls, which the reader's
  thread does once a minute: this project records there what others record in the call. Where both are named, a limit holds if both
  keep it.
- The OpenAI client is the real one over a transport inside the process. A stream has 200 chunks, and its cost is the whole call's,
  divided by them; `async` is 100 calls at once; `tools` offers eight and is asked for three.
- Each peer runs in an environment of its own, with the versions of the client, of OpenTelemetry and of pydantic that this project is
  measured on ({_version("bench-bare.txt", "openai")}, {_version("bench-bare.txt", "opentelemetry-sdk")}), as far as it accepts them,
  and is set up as its documentation says, content on by its own switch:
{_peers(suite)}
- Everyone, bare included, has the OpenTelemetry SDK with a `BatchSpanProcessor`, a `PeriodicExportingMetricReader` (60 s) and a
  `BatchLogRecordProcessor` (defaults), whose exporters only count. `sampled out` is content on with a sampler that is always off.
- The best peer of a case is the one that adds least among those that recorded it: a span a call and, with content on, at least half as
  much text as this project. The others are marked *.
- `floor` is one SDK span around the call with 15 attributes and two JSON encodes: no metrics, nothing per chunk. `metric records alone`
  are the three records of a chat on the SDK's instruments, made in the call.
- Start-up is over {suite.launches} launches of fresh interpreters of one environment, with and without the lines that instrument;
  bare has the whole pipeline. Wall ends when the program is ready; cpu is the whole process and its exit. `every provider` is all of
  this project's instrumentors in an environment with all their SDKs: made by hand, found by their entry points, and after
  OpenTelemetry's loader.
- Decorators and sessions: median of {suite.rounds} rounds, CPU, content off, over `start_as_current_span` (a root span for sessions) on
  the very same provider, in turn with it, in an open session where there are sessions; without the collection of metrics.
- Memory is what is resident after a collection with nothing left to export, from the end of the warm-up on, in which the SDK's queue
  of spans was full once; peers do {suite.share:.0%} as many. The abandoned streams are dropped after three chunks.
- Event loop: the longest time for which a task that only yields was not run around an asynchronous call with a prompt of 5 MB, in CPU time
  of the loop's thread. Bare's own is the client's JSON.
- Exporters are handed {suite.exported:,} spans of chats in batches of 512 and must have sent them all to a sink in another process, over
  loopback, when the clock stops.
- Spool: CPU of the thread that starts and ends spans with two texts of 1 KB, the least of several runs, by the processor that takes
  them."""


def _peers(suite: Suite) -> str:
    lines = []
    for peer in suite.peers:
        remark = f"; {peer.remark}" if peer.remark else ""
        client = _version(peer.requirements, "openai")
        other = "" if client == _version("bench-bare.txt", "openai") else f" with {client}"
        lines.append(f"  - {peer.title}: {_version(peer.requirements, peer.pinned)}{other}{remark}")
    return "\n".join(lines)


def _version(requirements: str, name: str) -> str:
    pinned = re.findall(rf"^{re.escape(name)}==(\S+)", (ROOT / "requirements" / requirements).read_text(), re.MULTILINE)
    return f"{name} {pinned[-1]}"
