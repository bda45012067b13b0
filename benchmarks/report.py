"""Results as tables: what each peer adds over bare, how much that scatters, and how it compares."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.environments import ROOT
from benchmarks.measure import middle, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.measure import Result, Series

TARGETS = {"chat content": 0.4, "stream content": 0.3, "start-up": 0.2}
"""Added cost over the official package's, at most."""
EVERY_PROVIDER_MS = 40
"""What all instrumentors together may add to the start of an interpreter."""


def tables(results: Sequence[Result], peers: Sequence[str]) -> str:
    """Calls and start-up as Markdown."""
    calls = [result for result in results if result.unit != "process"]
    starts = [result for result in results if result.unit == "process"]
    parts = []
    if calls:
        parts += ["## Calls: added µs", _table(calls, peers, 1e3), "## What was recorded", _recorded(calls)]
    if starts:
        parts += ["## Start-up: added ms", _table(starts, peers, 1e6)]
    return "\n\n".join(parts) + "\n"


def _table(results: Sequence[Result], peers: Sequence[str], scale: float) -> str:
    floor = any("floor" in result.added for result in results)
    names = ["ours", *peers, *(["floor"] if floor else [])]
    head = ["case", "clock", "bare", *names, *(f"ours / {name}" for name in names[1:]), "target"]
    rows = [row for result in results for row in _rows(result, names, scale)]
    return _markdown(head, rows)


def _rows(result: Result, names: Sequence[str], scale: float) -> list[list[str]]:
    rows = []
    for clock in ("wall", "cpu") if result.unit == "process" else ("wall", "cpu", "total"):
        case = f"{result.name}, {result.setting}, per {result.unit}" if clock == "wall" else ""
        cells = [case, clock, f"{middle(_values(result.bare, clock)) / scale:.1f}"]
        cells += [_amount(_added(result, name, clock), scale) for name in names]
        ours = middle(_added(result, "ours", clock))
        cells += [_ratio(ours, _added(result, name, clock)) for name in names[1:]]
        rows.append([*cells, _target(result, clock)])
    return rows


def _amount(added: Sequence[float], scale: float) -> str:
    return f"{middle(added) / scale:.1f} ± {spread(added) / scale:.1f}" if added else ""


def _ratio(ours: float, theirs: Sequence[float]) -> str:
    # A cost that is lost in its own scatter is nothing to divide by.
    return f"{ours / middle(theirs):.2f}" if theirs and middle(theirs) > spread(theirs) else "-"


def _target(result: Result, clock: str) -> str:
    if result.name.startswith("every provider"):
        return _kept(middle(_added(result, "ours", clock)))
    limit = TARGETS.get("start-up" if result.unit == "process" else f"{result.name} {result.setting}")
    if limit is None or clock == "total" or "official" not in result.added:
        return ""
    official = _added(result, "official", clock)
    if middle(official) <= spread(official):
        return f"≤ {limit} of official: too much scatter to say"
    held = middle(_added(result, "ours", clock)) <= limit * middle(official)
    return f"≤ {limit} of official: {'held' if held else 'missed'}"


def _kept(added: float) -> str:
    return f"≤ {EVERY_PROVIDER_MS} ms: {'held' if added <= EVERY_PROVIDER_MS * 1e6 else 'missed'}"


def _values(series: Series, clock: str) -> list[float]:
    values: list[float] = getattr(series, clock)
    return values


def _added(result: Result, name: str, clock: str) -> list[float]:
    return _values(result.added[name], clock)


def _recorded(results: Sequence[Result]) -> str:
    head = ["case", "who", "spans a call", "attributes of the span", "characters of text", "metric records a call"]
    rows = []
    for result in results:
        for name, what in result.recorded.items():
            if name != "bare":
                case = f"{result.name}, {result.setting}"
                rows.append([case, name, *(_number(what[key]) for key in ("spans", "attributes", "text", "metric records"))])
    return _markdown(head, rows)


def _number(value: Any) -> str:
    return f"{value:g}"


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def document(shown: str, results: Sequence[Result], blocks: int, launches: int) -> str:
    """RESULTS.md: how it was measured, then the tables."""
    return f"""# What instrumentation costs

Measured by `make bench` on {os.cpu_count()} CPUs ({platform.machine()}), {platform.python_implementation()} {platform.python_version()}.
Versions: {_versions()}. Load average when it ended: {os.getloadavg()[1]:.1f} over 5 minutes; near 1 is a calm machine.

- `added` is the median, over {blocks} blocks, of an instrumented process minus the bare process in the same block; ± is half the
  distance between the quartiles. Every process does the same number of calls in a block (about 40 ms of bare), in rotating order.
  `cpu` counts every thread of the process, background exporting included, and is the steadier clock on a busy machine. Both end with
  the calls: they are what a call waits for. `total` is cpu with the collection of the metrics of these calls, which the reader's thread
  does once a minute: this project records there what others record in the call. (With more than 512 measurements waiting, calls begin
  to record some themselves, and `total` is what they then cost.)
- The OpenAI client is the real one, synchronous, over a transport inside the process. Each peer runs in an environment of its own,
  on the same versions.
- Everyone, bare included, has the OpenTelemetry SDK with a `BatchSpanProcessor`, a `PeriodicExportingMetricReader` (60 s) and a
  `BatchLogRecordProcessor` (defaults), whose exporters only count. `content` is `SPAN_ONLY`; `sampled out` is content on with a sampler
  that is always off.
- `floor` is one SDK span around the call with 15 attributes and two JSON encodes: no metrics, nothing per chunk.
- A stream has 200 chunks; its cost is the whole call's, divided by them.
- Start-up is over {launches} launches of fresh interpreters of one environment, with and without the line that instruments. Wall ends
  when the program is ready; cpu is the whole process and its exit.

{shown}"""


def _versions() -> str:
    wanted = ("openai", "opentelemetry-sdk", "opentelemetry-instrumentation-genai-openai")
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", _pins("bench-official.txt"), re.MULTILINE))
    return ", ".join(f"{name} {pinned[name]}" for name in wanted)


def _pins(name: str) -> str:
    return Path(ROOT / "requirements" / name).read_text()
