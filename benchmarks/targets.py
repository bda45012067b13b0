"""The limits this project sets itself, held against what was measured. A verdict comes from the numbers alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.series import Estimate, Result, estimate, middle
from benchmarks.shape import CONTENT, NO_CONTENT, SAMPLED_OUT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

MEGABYTE = 1_000_000
"""Memory may grow by this much."""
OF_BEST = {
    ("chat", CONTENT): 0.35,
    ("stream", CONTENT): 0.3,
    ("async", CONTENT): 0.35,
    ("tools", CONTENT): 0.35,
    ("100 KB prompt", CONTENT): 0.5,
}
"""Of what the best peer adds."""
OF_OFFICIAL = {("chat", NO_CONTENT): 0.35, ("tools", NO_CONTENT): 0.35}
"""Of what the official package adds."""
CHUNK_NS, IMAGE_NS, UNSAMPLED_NS, OFF_NS = 3_000, 200_000, 15_000, 300
IMAGE_CHARACTERS, START_UP_MS, STALL_MS, DECORATOR = 1024, 60, 2, 1.3
FLAT = 1.1
"""What a call may cost with 10,000 sessions open, over what it costs with one."""
_SAID = {True: "held", False: "missed", None: "not measured"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One limit: on what, how much, what was measured, and whether it held; None where nothing can be said."""

    what: str
    limit: str
    measured: str
    held: bool | None

    @property
    def said(self) -> str:
        """In one word."""
        return _SAID[self.held]


def verdicts(results: Sequence[Result], parts: Mapping[str, Any], peers: Sequence[str]) -> list[Verdict]:
    """Every limit, in the order of the report; those of parts and peers that were not measured say so."""
    by_name = {(result.name, result.setting): result for result in results if "ours" in result.added}
    found = [
        _of_best(by_name, peers, "chat"),
        _of(by_name, "official", "chat", NO_CONTENT, OF_OFFICIAL["chat", NO_CONTENT]),
        _of(by_name, "floor", "chat", CONTENT, 3),
        _stream(by_name, peers),
        _of_best(by_name, peers, "async"),
        _of_best(by_name, peers, "tools"),
        _of(by_name, "official", "tools", NO_CONTENT, OF_OFFICIAL["tools", NO_CONTENT]),
        _of_best(by_name, peers, "100 KB prompt"),
        *_image(by_name),
        _sampled_out(by_name),
        *_decorators(parts.get("spans")),
        *_start_up(results),
        *_memory(parts.get("memory")),
        *_open(parts.get("open sessions")),
        _stall(parts.get("event loop")),
    ]
    return found


def recorded(result: Result, name: str) -> bool:
    """Whether a peer recorded the case at all, and where content is on, at least half as much text as this project."""
    said, ours = result.recorded.get(name), result.recorded.get("ours")
    if said is None or ours is None or name not in result.added:
        return False
    if result.setting == SAMPLED_OUT:
        return True
    return said["spans"] >= 0.99 and (result.setting != CONTENT or said["text"] >= ours["text"] / 2)


def best(result: Result, peers: Iterable[str], clock: str) -> str | None:
    """The peer that adds least, of those that recorded the case."""
    able = [name for name in peers if recorded(result, name)]
    return min(able, key=lambda name: middle(result.added[name].of(clock)), default=None)


def _of_best(cases: Mapping[tuple[str, str], Result], peers: Sequence[str], name: str) -> Verdict:
    share, result = OF_BEST[name, CONTENT], cases.get((name, CONTENT))
    bound = f"≤ {share} of the best peer"
    return _ratios(f"{name}, {CONTENT}", bound, result, lambda clock: best(result, peers, clock) if result else None, share)


def _of(cases: Mapping[tuple[str, str], Result], other: str, name: str, setting: str, limit: float) -> Verdict:
    result = cases.get((name, setting))
    there = other if result is not None and other in result.added else None
    return _ratios(f"{name}, {setting}", f"≤ {limit} of {other}", result, lambda _: there, limit)


def _ratios(what: str, bound: str, result: Result | None, other: Callable[[str], str | None], limit: float) -> Verdict:
    if result is None or other("cpu") is None:
        return Verdict(what, bound, "", None)
    said: list[str] = []
    held = True
    for clock in ("cpu", "total"):
        name = other(clock)
        assert name is not None
        theirs = estimate(result.added[name].of(clock))
        if theirs.lost:
            return Verdict(what, bound, _lost(name, theirs), None)
        ratio = estimate(result.added["ours"].of(clock)).over(theirs)
        held = held and ratio.value <= limit
        said.append(f"{ratio.said(2)} of {name} ({clock})")
    return Verdict(what, bound, "; ".join(said), held)


def _added(what: str, bound: str, result: Result, clocks: Sequence[str], digits: int, limit: float) -> Verdict:
    """On what this project adds, in ms, which every one of the clocks holds to `limit` ns."""
    added = {clock: estimate(result.added["ours"].of(clock)) for clock in clocks}
    said = "; ".join(f"{each.said(digits, 1e6)} ms ({clock})" for clock, each in added.items())
    return Verdict(what, bound, said, all(each.value <= limit for each in added.values()))


def _lost(name: str, theirs: Estimate) -> str:
    return f"nothing to compare with: {name} adds {theirs.said(1, 1e3)} µs"


def _stream(cases: Mapping[tuple[str, str], Result], peers: Sequence[str]) -> Verdict:
    bound = "≤ 3 µs a chunk, or ≤ 0.3 of the best peer"
    result = cases.get(("stream", CONTENT))
    if result is None:
        return Verdict("stream, content", bound, "", None)
    held = True
    said: list[str] = []
    for clock in ("cpu", "total"):
        ours, name = estimate(result.added["ours"].of(clock)), best(result, peers, clock)
        theirs = estimate(result.added[name].of(clock)) if name else None
        ratio = ours.over(theirs) if theirs and not theirs.lost else None
        held = held and (ours.value <= CHUNK_NS or (ratio is not None and ratio.value <= OF_BEST["stream", CONTENT]))
        said.append(f"{ours.said(1, 1e3)} µs" + (f", {ratio.said(2)} of {name}" if ratio else "") + f" ({clock})")
    return Verdict("stream, content", bound, "; ".join(said), held)


def _image(cases: Mapping[tuple[str, str], Result]) -> list[Verdict]:
    result = cases.get(("1 MB image", CONTENT))
    if result is None:
        return [Verdict("1 MB image", "≤ 0.2 ms", "", None)]
    kept = result.recorded["ours"]["text"]
    return [
        _added("1 MB image", "≤ 0.2 ms", result, ("cpu", "total"), 2, IMAGE_NS),
        Verdict("1 MB image, text kept of the whole call", "≤ 1 KB", f"{kept:.0f} characters", kept <= IMAGE_CHARACTERS),
    ]


def _sampled_out(cases: Mapping[tuple[str, str], Result]) -> Verdict:
    what, bound = "chat, sampled out", "≤ 15 µs over the metric records alone"
    result = cases.get(("chat", SAMPLED_OUT))
    if result is None or "records" not in result.added:
        return Verdict(what, bound, "", None)
    ours, records = (estimate(result.added[name].total) for name in ("ours", "records"))
    if records.lost:
        return Verdict(what, bound, _lost("records", records), None)
    said = f"{ours.said(1, 1e3)} µs, the records {records.said(1, 1e3)} µs (total)"
    return Verdict(what, bound, said, ours.value <= records.value + UNSAMPLED_NS)


def ratios_of_spans(rounds: Sequence[Mapping[str, float]], name: str) -> list[float]:
    """What `name` costs over a span by hand, in each round."""
    by_hand = "root span by hand" if name == "session" else "span by hand"
    return [each[name] / each[by_hand] for each in rounds]


def _decorators(spans: Mapping[str, Any] | None) -> list[Verdict]:
    bound = "≤ 1.3 of `start_as_current_span`"
    if not spans or not spans["ours"]["rounds"]:
        return [Verdict("a decorator around nothing", bound, "", None)]
    rounds, off = spans["ours"]["rounds"], spans["ours"]["off"]
    ratios = {name: estimate(ratios_of_spans(rounds, name)) for name in rounds[0] if name.startswith("@")}
    found = [
        Verdict(f"`{name}` around nothing", bound, ratio.said(2), ratio.value <= DECORATOR)
        for name, ratio in ratios.items()
        if not name.endswith("with metrics")
    ]
    return [*found, Verdict("a decorator, not initialised", "≤ 0.3 µs", f"{off / 1e3:.2f} µs", off <= OFF_NS)]


def _start_up(results: Sequence[Result]) -> list[Verdict]:
    found = []
    for result in results:
        if result.setting == "start-up" and result.name.startswith("every provider"):
            found.append(_added(f"start-up, {result.name}", "≤ 60 ms", result, ("wall", "cpu"), 1, START_UP_MS * 1e6))
    return found or [Verdict("start-up, every provider", "≤ 60 ms", "", None)]


def limit(result: Result, peers: Sequence[str]) -> float | None:
    """What this project may add in this case, cpu (wall for start-up), in ns; None where there is no limit or nobody to compare with."""
    key = (result.name, result.setting)
    if result.setting == "start-up":
        return START_UP_MS * 1e6 if result.name.startswith("every provider") else None
    if key == ("1 MB image", CONTENT):
        return IMAGE_NS
    if key == ("chat", SAMPLED_OUT) and "records" in result.added:
        return UNSAMPLED_NS + middle(result.added["records"].cpu)
    other, share = (best(result, peers, "cpu"), OF_BEST[key]) if key in OF_BEST else ("official", OF_OFFICIAL.get(key, 0.0))
    if not share or other not in result.added:
        return None
    allowed = share * middle(result.added[other].cpu)
    return max(allowed, CHUNK_NS) if result.name == "stream" else allowed


def growth(samples: Sequence[int]) -> int:
    """By how much memory has grown since the warm-up, bytes; less than 0 where it shrank."""
    return samples[-1] - samples[0]


def _memory(memory: Sequence[Mapping[str, Any]] | None) -> list[Verdict]:
    found = []
    for each in memory or ():
        if each["adapter"] == "ours":
            grown = growth(each["samples"])
            found.append(Verdict(f"memory over {each['count']:,} {each['what']}", "≤ 1 MB", f"{grown / 1e6:.2f} MB", grown <= MEGABYTE))
    return found or [Verdict("memory", "≤ 1 MB", "", None)]


def _open(levels: Mapping[str, Sequence[float]] | None) -> list[Verdict]:
    if not levels:
        return [Verdict("open sessions", f"≤ {FLAT} from 1 to 10,000", "", None)]
    found = []
    for name, costs in levels.items():
        ratio = costs[-1] / costs[0]
        found.append(Verdict(f"a {name} with 10,000 open sessions", f"≤ {FLAT} of one with 1", f"{ratio:.2f}", ratio <= FLAT))
    return found


def _stall(gaps: Mapping[str, Sequence[float]] | None) -> Verdict:
    what, bound = "event loop, 5 MB prompt: longest gap over bare", "≤ 2 ms"
    if not gaps:
        return Verdict(what, bound, "", None)
    added = estimate(gaps["ours"]).less(estimate(gaps["bare"]))
    return Verdict(what, bound, f"{added.said(1, 1e6)} ms", added.value <= STALL_MS * 1e6)
