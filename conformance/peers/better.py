"""Where a peer does better than we do, scenario by scenario, with what there is to say about it."""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from agentops_conformance.vocabulary import vocabulary
from conformance.peers.observe import NO_SPAN, Observed, Result
from conformance.peers.tables import expected_of, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_toml: Final = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
REMARKS: Final = Path(__file__).with_name("remarks.toml")
OPEN: Final = "**open**"
_SHOWN: Final = 60


class Remark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to say where these peers, or any, have something that we lack, with one client or any."""

    what: str
    says: str
    peers: tuple[str, ...] = ()
    client: str = ""


@dataclass(frozen=True, slots=True)
class Advantage:
    """Something that a peer has in a scenario and we do not: an attribute with its value, a metric, or fewer of something."""

    what: str
    value: str = ""


def remarks() -> tuple[Remark, ...]:
    """What is known about advantages of peers."""
    return msgspec.convert(_toml.loads(REMARKS.read_text(encoding="utf-8")), type=dict[str, tuple[Remark, ...]])["remark"]


def better(client: str, results: Sequence[Result]) -> str:
    """Each advantage with who has it, in how many scenarios, and a remark; empty where there is none."""
    ours, *peers = results
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for peer in peers:
        for name, each in peer.observed.items():
            for advantage in advantages(each, ours.observed[name]):
                found[advantage.what, peer.peer.title].append(advantage.value)
    known = [each for each in remarks() if each.client in ("", client)]
    rows = [
        [f"`{what}`", title, str(len(values)), _example(values), remark(known, what, title)]
        for (what, title), values in sorted(found.items(), key=lambda item: (item[0][0], -len(item[1])))
    ]
    return table(["what", "who", "scenarios", "such as", "why we do not"], rows, left=5) if rows else ""


def advantages(theirs: Observed, ours: Observed) -> Iterator[Advantage]:
    """What `theirs` has of the same scenario that `ours` lacks. A peer that missed a call has no advantage there."""
    if NO_SPAN in theirs.missing:
        return
    known = vocabulary()
    mine = {key for span in ours.calls for key in span.attributes}
    values = {key: value for span in theirs.calls for key, value in span.attributes.items()}
    for key in sorted((values.keys() - mine) & expected_of(ours)):
        declared = known.attribute(key)
        if declared is not None and not declared.deprecated:
            yield Advantage(key, str(values[key]))
    for name in sorted(theirs.metrics - ours.metrics):
        if name in known.metrics:
            yield Advantage(name)
    if len(theirs.violations) < len(ours.violations):
        yield Advantage("fewer violations", f"{len(theirs.violations)} instead of {len(ours.violations)}")
    if len(theirs.missing) < len(ours.missing):
        yield Advantage("fewer missing attributes", f"{len(theirs.missing)} instead of {len(ours.missing)}")
    for kind in ("input", "output"):
        off, own = (abs(each.tokens(kind) - each.billed(kind)) for each in (theirs, ours))
        if off < own:
            yield Advantage(f"{kind} tokens nearer to the ledger", f"off by {off} instead of {own}")
    if _surplus(theirs) < _surplus(ours):
        yield Advantage("a count of spans nearer to that of calls", f"{len(theirs.calls)} instead of {len(ours.calls)}")


def remark(known: Sequence[Remark], what: str, title: str) -> str:
    """What is to be said, or that nothing has been said yet."""
    return next((each.says for each in known if each.what == what and (not each.peers or title in each.peers)), OPEN)


def _surplus(each: Observed) -> int:
    return abs(len(each.calls) - each.ran.bill.requests)


def _example(values: Sequence[str]) -> str:
    value = next((value for value in values if value), "")
    shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
    return f"`{shown.replace('|', chr(92) + '|').replace('`', '')}`" if shown else ""
