"""Declared gaps: violations of ours that are known and explained. One that no longer occurs must be taken out."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.values import Finding

FILE: Final = Path(__file__).with_name("gaps.json")


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


def declared() -> tuple[Gap, ...]:
    """The gaps of this checkout. Raises ValueError for an entry that is not one, or that gives no reason."""
    gaps = msgspec.json.decode(FILE.read_bytes(), type=tuple[Gap, ...])
    for gap in gaps:
        if not gap.reason.strip() or not gap.scenarios:
            raise ValueError(f"{FILE.name}: a gap of {gap.finding} {gap.attribute} has no reason or no scenarios")
    return gaps


def undeclared(violations: Iterable[tuple[str, Finding]], gaps: Iterable[Gap]) -> tuple[list[tuple[str, Finding]], list[str]]:
    """The (scenario, violation) pairs that no gap explains, and what is stale among the gaps, one text each."""
    unused = {(gap, pattern) for gap in gaps for pattern in gap.scenarios}
    patterns = sorted(unused, key=str)
    left: list[tuple[str, Finding]] = []
    for scenario, finding in violations:
        matching = [(gap, pattern) for gap, pattern in patterns if gap.covers(finding, pattern, scenario)]
        unused.difference_update(matching)
        if not matching:
            left.append((scenario, finding))
    stale = [f"{gap.finding} {gap.attribute} in {pattern!r} occurs no more" for gap, pattern in patterns if (gap, pattern) in unused]
    return left, stale
