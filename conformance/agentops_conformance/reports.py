"""What a check found, counted, and written as text, JSON or Markdown."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import msgspec

from agentops_conformance.values import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agentops_conformance.values import Telemetry
    from agentops_conformance.vocabulary import Vocabulary

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_MARKDOWN: Final = re.compile(r"([\\`*_|<>\[\]])")
_NAMED: Final = 5
_LEVELS: Final = tuple(reversed(Level))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding was made: a signal (span, log, metric, resource), the name of what was sent, how often."""

    signal: str
    name: str
    count: int

    def __str__(self) -> str:
        named = f"{self.signal} {self.name!r}" if self.name else self.signal
        return named if self.count == 1 else f"{named} ({self.count} times)"


@dataclass(frozen=True, slots=True)
class Entry:
    """Findings that say the same, with what to do about it, and where. `attribute` is empty where they are not about one."""

    level: Level
    rule: str
    attribute: str
    message: str
    count: int
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A check's result, worst first. `checked` is how much of each signal there was; `ignored` how many findings were left out."""

    conventions: str
    checked: dict[str, int]
    entries: tuple[Entry, ...]
    ignored: int
    unreadable: tuple[str, ...]

    def count(self, level: Level) -> int:
        """How often something of this level was found."""
        return sum(entry.count for entry in self.entries if entry.level is level)

    @property
    def empty(self) -> bool:
        """Whether there was nothing to check."""
        return not any(self.checked.values())

    @property
    def exit_code(self) -> int:
        """2 where something could not be read, or nothing was there; 1 with violations; else 0."""
        if self.unreadable or self.empty:
            return 2
        return 1 if self.count(Level.VIOLATION) else 0


def report(telemetry: Telemetry, findings: Iterable[Finding], vocabulary: Vocabulary, ignoring: Sequence[str] = ()) -> Report:
    """Count findings in `telemetry`. `ignoring` are patterns of `rule` or `rule:attribute`."""
    kept: list[Finding] = []
    ignored = 0
    for finding in findings:
        if _ignored(finding, ignoring):
            ignored += 1
        else:
            kept.append(finding)
    checked = {"spans": len(telemetry.spans), "metrics": len(telemetry.metrics), "log_records": len(telemetry.records)}
    meta = vocabulary.meta
    conventions = f"{meta['repository']} of {meta['date']} ({meta['commit'][:12]})"
    return Report(conventions, checked, tuple(_entries(kept)), ignored, telemetry.unreadable)


def _ignored(finding: Finding, ignoring: Sequence[str]) -> bool:
    names = (finding.id, f"{finding.id}:{finding.context.get('attribute_key', '')}")
    return any(fnmatchcase(name, pattern) for name in names for pattern in ignoring)


def _entries(findings: Sequence[Finding]) -> list[Entry]:
    places: dict[tuple[Level, str, str, str], Counter[tuple[str, str]]] = defaultdict(Counter)
    for finding in findings:
        key = (finding.level, finding.id, finding.context.get("attribute_key", ""), finding.message)
        places[key][finding.signal_type, finding.signal_name] += 1
    entries = [
        Entry(*key, sum(where.values()), tuple(Place(*place, count) for place, count in where.most_common()))
        for key, where in places.items()
    ]
    return sorted(entries, key=lambda entry: (_LEVELS.index(entry.level), -entry.count))


def summary(found: Report) -> str:
    """One line: how much was found in how much."""
    counts = ", ".join(_plural(found.count(level), level.value) for level in _LEVELS)
    checked = ", ".join(_plural(count, name.removesuffix("s").replace("_", " ")) for name, count in found.checked.items())
    return f"{counts}{f', {found.ignored} ignored' if found.ignored else ''} in {checked}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 or noun == Level.INFORMATION.value else f"{count} {noun}s"


def as_text(found: Report, least: Level) -> str:
    """For people at a terminal: entries of `least` level and worse. Control characters in telemetry are shown, not sent."""
    lines = [f"conventions: {found.conventions}", summary(found)]
    for entry in _shown(found, least):
        lines += ["", f"{entry.level.value}  {entry.rule}: {entry.message}", f"    in {_where(entry)}"]
    lines += [f"not OTLP JSON: {place}" for place in found.unreadable]
    return _CONTROL.sub(lambda match: ascii(match.group())[1:-1], "\n".join(lines)) + "\n"


def as_markdown(found: Report, least: Level) -> str:
    """A heading, a summary and a table; what telemetry says is escaped."""
    lines = ["# GenAI conformance", "", f"{summary(found)}, by {_escaped(found.conventions)}."]
    entries = list(_shown(found, least))
    if entries:
        lines += ["", "| level | rule | finding and what to do | times | where |", "|---|---|---|---:|---|"]
    for entry in entries:
        cells = (entry.level.value, f"`{entry.rule}`", _escaped(entry.message), str(entry.count), _escaped(_where(entry)))
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *(f"- not OTLP JSON: {_escaped(place)}" for place in found.unreadable)] if found.unreadable else []
    return "\n".join(lines) + "\n"


def as_json(found: Report, least: Level) -> str:
    """One document: `conventions`, `checked`, `counts` by level, `ignored`, `unreadable`, and `findings`, each with its `places`."""
    document = {
        "conventions": found.conventions,
        "checked": found.checked,
        "counts": {level.value: found.count(level) for level in _LEVELS},
        "ignored": found.ignored,
        "unreadable": found.unreadable,
        "findings": list(_shown(found, least)),
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


FORMATS: Final = {"text": as_text, "json": as_json, "markdown": as_markdown}
"""Each takes a report and the least level to show."""


def _shown(found: Report, least: Level) -> Iterator[Entry]:
    return (entry for entry in found.entries if _LEVELS.index(entry.level) <= _LEVELS.index(least))


def _where(entry: Entry) -> str:
    more = len(entry.places) - _NAMED
    return ", ".join(map(str, entry.places[:_NAMED])) + (f" and {more} more" if more > 0 else "")


def _escaped(text: str) -> str:
    visible = _CONTROL.sub(lambda match: ascii(match.group())[1:-1], text)
    return _MARKDOWN.sub(r"\\\1", visible).replace("\n", " ")
