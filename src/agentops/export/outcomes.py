"""What stands in a line for AgentOps, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Parcel(Protocol):
    """What is sent in one request: `items` of telemetry, `size` bytes in memory."""

    @property
    def items(self) -> int: ...
    @property
    def size(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt.

    Neither `lost`, `later` nor `parts`: it arrived, except for `rejected` items. `later`: why it has to be tried again, in
    `wait` seconds (None: after a pause that grows), `behind` the others. `parts`: to be sent in its place, because it was too large.
    """

    lost: str = ""
    later: str = ""
    wait: float | None = None
    behind: bool = False
    parts: Sequence[Parcel] = ()
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """Items of one line so far: `dropped` by cause."""

    delivered: int
    dropped: dict[str, int]
    waiting: int
