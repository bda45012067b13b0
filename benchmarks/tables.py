"""Results as Markdown tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.series import estimate, middle
from benchmarks.targets import growth, ratios_of_spans, recorded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.series import Result
    from benchmarks.targets import Verdict

_UNITS = {"process": 1e6}


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *rows))


def of_verdicts(verdicts: Sequence[Verdict]) -> str:
    """Each limit and what became of it."""
    return markdown(["what", "limit", "measured", ""], [[each.what, each.limit, each.measured, each.said] for each in verdicts])


def of_results(results: Sequence[Result], titles: Mapping[str, str]) -> str:
    """Added costs: a row for each case and clock, a column for everyone; the last one is what nothing seems to add."""
    names = [name for name in titles if name != "bare" and any(name in result.added for result in results)]
    heads = [titles[name] for name in names]
    if any("bare" in result.added for result in results):
        names, heads = [*names, "bare"], [*heads, "bare again"]
    rows = [row for result in results for row in _rows(result, names)]
    return markdown(["case", "clock", "bare", *heads], rows)


def _rows(result: Result, names: Sequence[str]) -> list[list[str]]:
    scale = _UNITS.get(result.unit, 1e3)
    rows = []
    for clock in ("wall", "cpu") if result.unit == "process" else ("wall", "cpu", "total"):
        case = f"{result.name}, {result.setting}, per {result.unit}" if clock == "wall" else ""
        bare = " / ".join(f"{middle(series.of(clock)) / scale:.1f}" for series in result.bare.values())
        rows.append([case, clock, bare, *(_amount(result, name, clock, scale) for name in names)])
    return rows


def _amount(result: Result, name: str, clock: str, scale: float) -> str:
    if name not in result.added:
        return ""
    values = result.added[name].of(clock)
    whole = result.unit == "process" or name in ("ours", "floor", "records", "bare") or recorded(result, name)
    return estimate(values).said(1, scale) + ("" if whole else " *")


def of_recorded(results: Sequence[Result], titles: Mapping[str, str]) -> str:
    """What one call left behind."""
    head = ["case", "who", "spans", "attributes", "characters of text", "log records", "metric records"]
    keys = ("spans", "attributes", "text", "logs", "metric records")
    rows = [
        [f"{result.name}, {result.setting}", titles[name], *(f"{what[key]:.7g}" for key in keys)]
        for result in results
        for name, what in result.recorded.items()
        if name in result.added and name != "bare"
    ]
    return markdown(head, rows)


def of_spans(spans: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    """Decorators and sessions, over a span made by hand on the same provider."""
    rows = []
    for name, found in spans.items():
        rounds = found["rounds"]
        for action in rounds[0] if rounds else ():
            values = [each[action] for each in rounds]
            cells = [titles[name], action, estimate(values).said(1, 1e3)]
            rows.append([*cells, "" if action.endswith("by hand") else estimate(ratios_of_spans(rounds, action)).said(2)])
    return markdown(["who", "what", "µs", "of the span by hand"], rows)


def of_memory(memory: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> str:
    """Growth after the warm-up."""
    rows = [
        [
            titles[each["adapter"]],
            f"{each['count']:,} {each['what']}",
            f"{each['samples'][0] / 1e6:.1f}",
            f"{growth(each['samples']) / 1e6:+.2f}",
        ]
        for each in memory
    ]
    return markdown(["who", "after", "MB when warm", "MB grown"], rows)


def of_open(levels: Mapping[str, Sequence[float]]) -> str:
    """Costs by how many sessions are open."""
    rows = [[name, *(f"{cost / 1e3:.1f}" for cost in costs)] for name, costs in levels.items()]
    return markdown(["µs of a", "1 open", "10", "100", "1,000", "10,000"], rows)


def of_stall(gaps: Mapping[str, Sequence[float]], titles: Mapping[str, str]) -> str:
    """Longest gaps of the loop."""
    found = {name: estimate(each) for name, each in gaps.items()}
    rows = [
        [titles[name], each.said(1, 1e6), each.less(found["bare"]).said(1, 1e6) if name != "bare" else ""] for name, each in found.items()
    ]
    return markdown(["who", "longest gap, ms", "over bare"], rows)


def of_spool(costs: Mapping[str, float]) -> str:
    """What ending a span costs, by who takes it."""
    idle = costs.get("nothing", 0.0)
    return markdown(["ends at", "µs a span", "over nothing"], [[name, f"{cost:.1f}", f"{cost - idle:.1f}"] for name, cost in costs.items()])


_EXPORTERS = {
    "ours": "ours, to AgentOps: translated, gzip",
    "local": "ours, local store",
    "otlp": "OpenTelemetry's OTLP/HTTP",
    "agentops": "AgentOps SDK's",
}


def of_throughput(kinds: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Exporters: how fast, at what cost, and what arrived."""
    rows = []
    for kind, runs in kinds.items():
        speed = [each["spans"] / each["wall"] * 1e9 for each in runs]
        cpu = [each["cpu"] / each["spans"] / 1e3 for each in runs]
        share = sum(each["arrived"]["spans"] for each in runs) / sum(each["spans"] for each in runs)
        arrived = "written to disk" if kind == "local" else f"{share:.0%}"
        size = sum(each["arrived"]["bytes"] for each in runs) / sum(each["spans"] for each in runs)
        if share == 0 and kind != "local":
            rows.append([_EXPORTERS[kind], "", "", arrived, ""])
            continue
        told = [estimate(speed).said(0), estimate(cpu).said(1)]
        rows.append([_EXPORTERS[kind], *told, arrived, f"{size:.0f}" if size else ""])
    return markdown(["exporter", "spans/s", "CPU µs a span", "arrived", "bytes a span"], rows)
