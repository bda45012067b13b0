"""Plots as SVG, written directly: panels of bars with their uncertainty and limit, and of lines."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from benchmarks.series import Estimate, Result, estimate, middle
from benchmarks.targets import limit, recorded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WIDTH, _LABEL, _NUMBER, _ROW, _HEAD = 460, 112, 74, 19, 34
_LINE_HEIGHT = 190
_OURS, _OTHERS, _PALE, _LIMIT, _TEXT = "#0b6e4f", "#8a94a6", 0.35, "#c0392b", "#1f2933"
_SHADES = ("#0b6e4f", "#d9822b", "#3f6fb5", "#8a94a6")


@dataclass(frozen=True, slots=True)
class Bar:
    """`cost` with its uncertainty; `more` is where the paler part behind it ends. `sure` is whether it is comparable."""

    label: str
    cost: Estimate
    more: float
    ours: bool = False
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Panel:
    """One set of bars in one unit, and the limit for this project's."""

    title: str
    unit: str
    bars: Sequence[Bar]
    limit: float | None = None

    @property
    def height(self) -> int:
        return _HEAD + _ROW * len(self.bars) + 12

    def draw(self) -> str:
        """At the origin."""
        most = max([*(max(bar.more, bar.cost.value + bar.cost.error) for bar in self.bars), self.limit or 0, 1e-9])
        room = _WIDTH - _LABEL - _NUMBER
        parts = [_text(0, 16, f"{self.title}, {self.unit}", weight="bold")]
        for row, bar in enumerate(self.bars):
            parts.append(_bar(bar, _HEAD + row * _ROW, room / most))
        if self.limit is not None:
            x, bottom = _LABEL + self.limit * room / most, _HEAD + _ROW * len(self.bars)
            parts.append(_line(x, _HEAD - 6, x, bottom, _LIMIT, dashes="4 3"))
            parts.append(_text(x + 4, _HEAD - 4, "limit", color=_LIMIT, size=10))
        return "".join(parts)


def _bar(bar: Bar, y: int, scale: float) -> str:
    color = _OURS if bar.ours else _OTHERS
    value, more = max(bar.cost.value, 0) * scale, max(bar.more, 0) * scale
    parts = [_text(_LABEL - 6, y + 12, bar.label + ("" if bar.sure else " *"), anchor="end", weight="bold" if bar.ours else "normal")]
    if more > value:
        parts.append(f'<rect x="{_LABEL}" y="{y + 2}" width="{more:.1f}" height="12" fill="{color}" opacity="{_PALE}"/>')
    parts.append(f'<rect x="{_LABEL}" y="{y + 2}" width="{value:.1f}" height="12" fill="{color}" opacity="{1 if bar.sure else _PALE}"/>')
    low, high = (_LABEL + max(bar.cost.value + off, 0) * scale for off in (-bar.cost.error, bar.cost.error))
    parts.append(_line(low, y + 8, high, y + 8, _TEXT))
    parts.append(_text(max(_LABEL + more, high) + 5, y + 12, _number(bar.cost.value), size=11))
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines over common places, which are named; evenly spread."""

    title: str
    places: Sequence[str]
    lines: Mapping[str, Sequence[float]]
    limit: float | None = None
    height: int = _LINE_HEIGHT + 30

    def draw(self) -> str:
        """At the origin."""
        values = [*(value for line in self.lines.values() for value in line), self.limit or 0.0, 0.0]
        low, high = min(values), max(values) or 1.0
        left, right, top, bottom = 46, _WIDTH - 120, _HEAD, _LINE_HEIGHT - 22

        def at(place: int, value: float) -> tuple[float, float]:
            x = left + (right - left) * place / max(1, len(self.places) - 1)
            return x, bottom - (bottom - top) * (value - low) / (high - low)

        parts = [_text(0, 16, self.title, weight="bold"), _line(left, bottom, right, bottom, _OTHERS)]
        for value in (low, (low + high) / 2, high):
            parts.append(_text(left - 5, at(0, value)[1] + 4, _number(value), anchor="end", size=10))
        for place, name in enumerate(self.places):
            parts.append(_text(at(place, 0)[0], bottom + 14, name, anchor="middle", size=10))
        for row, (name, line) in enumerate(self.lines.items()):
            color = _SHADES[row % len(_SHADES)]
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(place, value) for place, value in enumerate(line)))
            parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
            parts.append(_text(right + 10, top + 14 + row * 16, name, color=color, size=11))
        if self.limit is not None:
            parts.append(_line(left, at(0, self.limit)[1], right, at(0, self.limit)[1], _LIMIT, dashes="4 3"))
            parts.append(_text(right + 10, at(0, self.limit)[1] + 4, "limit", color=_LIMIT, size=10))
        return "".join(parts)


def draw(results: Sequence[Result], values: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, str]:
    """The pictures of a report by name."""
    calls = [_of_calls(result, titles) for result in results if result.unit != "process"]
    starts = [_of_start(result, titles) for result in results if result.unit == "process"]
    lines = [*_of_memory(values.get("memory") or ()), *_of_open(values.get("open sessions") or {})]
    found = {"calls": calls, "start-up": starts, "growth": lines}
    return {name: _picture(panels) for name, panels in found.items() if panels}


def _of_calls(result: Result, titles: Mapping[str, str]) -> Panel:
    shown = [name for name in titles if name in result.added and name != "bare"]
    peers = [name for name in shown if name not in ("ours", "floor", "records")]
    allowed = limit(result, peers)
    bars = [
        Bar(
            titles[name],
            estimate([value / 1e3 for value in each.cpu]),
            middle(each.total) / 1e3,
            name == "ours",
            name not in peers or recorded(result, name),
        )
        for name, each in ((name, result.added[name]) for name in shown)
    ]
    return Panel(f"{result.name}, {result.setting}", f"µs per {result.unit}", bars, allowed and allowed / 1e3)


def _of_start(result: Result, titles: Mapping[str, str]) -> Panel:
    allowed = limit(result, ())
    bars = [
        Bar(titles[name], estimate([value / 1e6 for value in each.wall]), 0, name == "ours")
        for name, each in ((name, result.added[name]) for name in titles if name in result.added)
    ]
    return Panel(result.name, "ms", bars, allowed and allowed / 1e6)


def _of_memory(memory: Sequence[Mapping[str, Any]]) -> list[Lines]:
    ours = {f"{each['count']:,} {each['what']}": each["samples"] for each in memory if each["adapter"] == "ours"}
    if not ours:
        return []
    grown = {name: [(one - samples[0]) / 1e6 for one in samples] for name, samples in ours.items()}
    return [Lines("Memory since the warm-up, MB", [f"{tenth * 10}%" for tenth in range(11)], grown, 1.0)]


def _of_open(levels: Mapping[str, Sequence[float]]) -> list[Lines]:
    if not levels:
        return []
    over = {name: [cost / costs[0] for cost in costs] for name, costs in levels.items()}
    return [Lines("Cost by open sessions, over that with one open", ["1", "10", "100", "1,000", "10,000"], over, 1.1)]


def _picture(panels: Sequence[Panel | Lines]) -> str:
    parts, y = [], 12
    for first in range(0, len(panels), 2):
        row = panels[first : first + 2]
        parts += [f'<g transform="translate({16 + place * (_WIDTH + 24)},{y})">{panel.draw()}</g>' for place, panel in enumerate(row)]
        y += max(panel.height for panel in row)
    wide = min(2, len(panels)) * (_WIDTH + 24) + 8
    style = 'font-family="system-ui, -apple-system, \'Segoe UI\', Arial, sans-serif" font-size="12"'
    background = f'<rect width="{wide}" height="{y}" fill="#ffffff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {y}" width="{wide}" {style}>{background}{"".join(parts)}</svg>\n'


def _text(x: float, y: float, said: str, *, anchor: str = "start", weight: str = "normal", color: str = _TEXT, size: int = 12) -> str:
    look = f'text-anchor="{anchor}" font-weight="{weight}" fill="{color}" font-size="{size}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{escape(said)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, color: str, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}"{dashed}/>'


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 1 else f"{value:.2f}"
