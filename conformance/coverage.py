"""Which scenarios there must be: each operation in each way that its provider offers it, with each end that a call can have."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from conformance.scenarios import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.scenarios import Scenario

_ENDS: Final = {
    "plain, successful": (Reading.NO_STREAM, False),
    "plain, failing": (Reading.NO_STREAM, True),
    "streamed to its end": (Reading.ALL, False),
    "streamed, failing": (Reading.ALL, True),
    "streamed, closed early": (Reading.ONE, False),
}


def missing(scenarios: Sequence[Scenario]) -> list[str]:
    """What one provider's scenarios lack, a text each.

    An operation that is driven in one way needs both its sync and async form, where the provider has both at all; one that is
    called plainly needs success and failure, one that is streamed its end, failure and an early close.
    """
    seen: dict[str, set[tuple[bool, Reading, bool]]] = defaultdict(set)
    for scenario in scenarios:
        seen[(scenario.operations or scenario.internal)[-1]].add((scenario.asynchronous, scenario.reading, scenario.fails))
    forms = sorted({scenario.asynchronous for scenario in scenarios})
    lacking: list[str] = []
    for operation, done in sorted(seen.items()):
        plain = any(reading is Reading.NO_STREAM for _, reading, _ in done)
        streamed = any(reading is not Reading.NO_STREAM for _, reading, _ in done)
        for asynchronous in forms:
            for end, (reading, fails) in _ENDS.items():
                needed = plain if reading is Reading.NO_STREAM else streamed
                if needed and (asynchronous, reading, fails) not in done:
                    lacking.append(f"{operation} {'async' if asynchronous else 'sync'} {end}")
    return lacking
