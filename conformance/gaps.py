"""Declared gaps: violations of ours that are known and explained. One that no longer occurs must be taken out."""

from __future__ import annotations

import sys
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agentops_conformance.values import Finding

# In the standard library from Python 3.11 on.
_toml: Final = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
FILE: Final = Path(__file__).with_name("gaps.toml")


class Gap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Findings `finding` about `attribute` in scenarios that match one of the `scenarios` patterns; each pattern must be of use."""

    scenarios: tuple[str, ...]
    finding: str
    reason: str
    attribute: str = ""

    def covers(self, finding: Finding, pattern: str, scenario: str) -> bool:
        """Whether this gap, by this pattern of its, explains a finding."""
        same = finding.id == self.finding and finding.context.get("attribute_key", "") == self.attribute
        return same and fnmatchcase(scenario, pattern)


def declared(providers: Iterable[str]) -> tuple[Gap, ...]:
    """The gaps of these providers, a section each, whose patterns leave out the provider's name.

    Raises ValueError for an entry that is not one, or that gives no reason.
    """
    sections = msgspec.convert(_toml.loads(FILE.read_text(encoding="utf-8")), type=dict[str, tuple[Gap, ...]])
    gaps: list[Gap] = []
    for provider in providers:
        for gap in sections.get(provider, ()):
            if not gap.reason.strip() or not gap.scenarios:
                raise ValueError(f"{FILE.name}: a gap of {gap.finding} {gap.attribute} has no reason or no scenarios")
            gaps.append(msgspec.structs.replace(gap, scenarios=tuple(f"{provider} {pattern}" for pattern in gap.scenarios)))
    return tuple(gaps)


def undeclared(violations: Iterable[tuple[str, Finding]], gaps: Iterable[Gap]) -> tuple[list[tuple[str, Finding]], list[str]]:
    """The (scenario, violation) pairs that no gap explains, and what is stale among the gaps, one text each."""
    patterns: Sequence[tuple[Gap, str]] = [(gap, pattern) for gap in gaps for pattern in gap.scenarios]
    unused = set(patterns)
    left: list[tuple[str, Finding]] = []
    for scenario, finding in violations:
        matching = [(gap, pattern) for gap, pattern in patterns if gap.covers(finding, pattern, scenario)]
        unused.difference_update(matching)
        if not matching:
            left.append((scenario, finding))
    stale = [f"{gap.finding} {gap.attribute} in {pattern!r} occurs no more" for gap, pattern in patterns if (gap, pattern) in unused]
    return left, stale
