"""Results of the same scenarios side by side, as Markdown tables. The first result is ours."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from agentops_conformance.vocabulary import vocabulary
from conformance.peers.observe import NO_SPAN, Observed, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_UNKNOWN: Final = "missing_attribute"
_OWN_ROOTS: Final = ("gen_ai", "openai", "anthropic")
_MODES: Final = ("sync", "async")
_NATIVE: Final = frozenset({"com.anthropic.sdk.python"})
"""Scopes of what clients emit by themselves."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A Markdown table, its first `left` columns aligned to the left."""
    marks = ["---" if number < left else "---:" for number in range(len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, marks, *rows))


def heads(results: Sequence[Result]) -> list[str]:
    """A column for each."""
    return [result.peer.title for result in results]


def summary(results: Sequence[Result]) -> str:
    """What is counted over all scenarios."""
    everywhere = {name: _missing_everywhere(name, results) for name in results[0].observed}
    reference = results[0]
    lines: dict[str, Callable[[Result], str]] = {
        "calls that reached the service": lambda r: _sum(r, lambda each: each.ran.bill.requests),
        "spans of calls": lambda r: _number(r.spans),
        "… of these by the client itself": lambda r: _sum(r, lambda each: sum(span.scope.name in _NATIVE for span in each.calls)),
        "scenarios with more spans than calls": lambda r: _sum(r, lambda each: len(each.calls) > each.ran.bill.requests),
        "scenarios with fewer": lambda r: _sum(r, lambda each: len(each.calls) < each.ran.bill.requests),
        "input tokens on spans": lambda r: _sum(r, lambda each: each.tokens("input")),
        "input tokens the service told the client": lambda r: _sum(r, lambda each: each.billed("input")),
        "output tokens on spans": lambda r: _sum(r, lambda each: each.tokens("output")),
        "output tokens the service told the client": lambda r: _sum(r, lambda each: each.billed("output")),
        "scenarios whose tokens are not the ledger's": lambda r: _sum(r, _off),
        "violations, each kind once a scenario": lambda r: _sum(r, lambda each: len(each.violations)),
        "kinds of violations": lambda r: _number(len({kind for each in r.observed.values() for kind in each.violations})),
        "scenarios with all spans and no violation": lambda r: _sum(r, lambda each: not each.violations and NO_SPAN not in each.missing),
        "expected attributes missing": lambda r: _sum(r, lambda each: len(each.missing)),
        "… that some other has there": lambda r: _sum(r, lambda each: len(each.missing - everywhere[each.scenario.name])),
        "metrics of the conventions": lambda r: _number(len(_known_metrics(r))),
        "scenarios with an error that is none of the client's": lambda r: _sum(r, lambda each: bool(each.ran.error)),
        "streams that give the program other chunks": lambda r: _sum(
            r, lambda each: each.ran.chunks != reference.observed[each.scenario.name].ran.chunks
        ),
    }
    return table(["", *heads(results)], ([name, *map(cell, results)] for name, cell in lines.items()))


def kinds(results: Sequence[Result]) -> str:
    """Which violations, in how many scenarios; unknown attributes by their first word."""
    counted = [_kinds(result) for result in results]
    total = sum(counted, Counter[str]())
    rows = ([kind, *(_number(each[kind]) if each[kind] else "" for each in counted)] for kind, _ in total.most_common())
    return table(["violation", *heads(results)], rows)


def by_scenario(results: Sequence[Result]) -> str:
    """`violations · missing attributes` of every scenario; where sync and async differ, both."""
    rows: list[list[str]] = []
    for name in results[0].observed:
        client, mode, rest = name.split(" ", 2)
        names = [f"{client} {each} {rest}" for each in _MODES]
        if mode == _MODES[0] or names[0] not in results[0].observed:
            rows.append([rest, *(_both([each for n in names if (each := result.observed.get(n))]) for result in results)])
    return table(["scenario", *heads(results)], rows)


def versions(results: Mapping[str, Sequence[Result]]) -> str:
    """Which distributions were run, with which version of each client."""
    rows: dict[str, list[str]] = {}
    for client, of_client in results.items():
        for result in of_client:
            own = ", ".join(f"{name} {version}" for name, version in result.versions.items() if name != client)
            rows.setdefault(result.peer.title, [own]).append(result.versions[client])
    return table(["", "distributions", *results], ([title, *cells] for title, cells in rows.items()), left=2)


def expected_of(each: Observed) -> frozenset[str]:
    """Attributes that the conventions have for the calls of a scenario, at whatever level."""
    known = vocabulary()
    entries = [entry for entry in known.spans.values() if set(entry.operations) & set(each.scenario.operations)]
    return frozenset(key for entry in entries for keys in entry.attributes.values() for key in keys)


def _missing_everywhere(name: str, results: Sequence[Result]) -> frozenset[str]:
    there = [result.observed[name].missing for result in results if NO_SPAN not in result.observed[name].missing]
    return there[0].intersection(*there[1:]) if there else frozenset()


def _off(each: Observed) -> bool:
    return any(each.tokens(kind) != each.billed(kind) for kind in ("input", "output"))


def _known_metrics(result: Result) -> set[str]:
    return {name for each in result.observed.values() for name in each.metrics if name in vocabulary().metrics}


def _kinds(result: Result) -> Counter[str]:
    return Counter(kind for each in result.observed.values() for kind in {_kind(*key) for key in each.violations})


def _kind(rule: str, attribute: str) -> str:
    root = attribute.partition(".")[0]
    if rule == _UNKNOWN and root not in _OWN_ROOTS:
        attribute = f"{root}.*" if "." in attribute else attribute
    return f"`{rule}` {attribute}".strip()


def _both(modes: Sequence[Observed]) -> str:
    return " / ".join(dict.fromkeys(_cell(each) for each in modes))


def _cell(each: Observed) -> str:
    if NO_SPAN in each.missing and not each.calls:
        return NO_SPAN
    broken = " ✗" if each.ran.error else ""
    return f"{len(each.violations)} · {len(each.missing)}{broken}"


def _sum(result: Result, of: Callable[[Observed], int]) -> str:
    return _number(sum(of(each) for each in result.observed.values()))


def _number(count: int) -> str:
    return f"{count:,}"
