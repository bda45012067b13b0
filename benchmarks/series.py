"""What was measured, as plain values that survive as JSON."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from math import hypot, sqrt
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CLOCKS = ("wall", "cpu", "total")
_NOTHING = dict.fromkeys(CLOCKS, 0.0)


def middle(values: Sequence[float]) -> float:
    """The median."""
    return median(values)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its uncertainty, in the same unit."""

    value: float
    error: float

    @property
    def lost(self) -> bool:
        """Whether the value is within its uncertainty of nothing, and nothing to divide by."""
        return self.value <= self.error

    def over(self, other: Estimate) -> Estimate:
        """The ratio of two that are independent of each other."""
        ratio = self.value / other.value
        return Estimate(ratio, hypot(self.error, ratio * other.error) / abs(other.value))

    def less(self, other: Estimate) -> Estimate:
        """The difference of two that are independent of each other."""
        return Estimate(self.value - other.value, hypot(self.error, other.error))

    def said(self, digits: int, scale: float = 1) -> str:
        """As the report has it, divided by `scale`."""
        return f"{self.value / scale:,.{digits}f} ± {self.error / scale:,.{digits}f}"


def estimate(values: Sequence[float]) -> Estimate:
    """The median, with 1.57 times the distance between the quartiles over the root of their number as its uncertainty; 0 of one value.

    That is the notch of a box plot: two medians whose notches do not overlap differ, with some 95 % certainty (McGill, Tukey and Larsen,
    Variations of Box Plots, 1978).
    """
    if len(values) < 2:
        return Estimate(median(values), 0.0)
    low, _, high = quantiles(values, n=4)
    return Estimate(median(values), 1.57 * (high - low) / sqrt(len(values)))


@dataclass(slots=True)
class Series:
    """What one adapter costs or adds, block by block; nanoseconds per unit."""

    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])
    total: list[float] = field(default_factory=list[float])
    """CPU with what is left to the collection of metrics."""

    def add(self, with_it: Mapping[str, float], without: Mapping[str, float] = _NOTHING, units: float = 1) -> None:
        """Append one block: the difference, per unit."""
        for clock in CLOCKS:
            self.of(clock).append((with_it[clock] - without[clock]) / units)

    def of(self, clock: str) -> list[float]:
        """The values of one clock."""
        values: list[float] = getattr(self, clock)
        return values


@dataclass(slots=True)
class Result:
    """One case: the cost per unit of each bare adapter, and each other one's addition to its own; nanoseconds."""

    name: str
    setting: str
    unit: str
    bare: dict[str, Series] = field(default_factory=lambda: defaultdict(Series))
    added: dict[str, Series] = field(default_factory=lambda: defaultdict(Series))
    recorded: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "name": self.name,
            "setting": self.setting,
            "unit": self.unit,
            "bare": _plain(self.bare),
            "added": _plain(self.added),
            "recorded": self.recorded,
        }


def _plain(series: Mapping[str, Series]) -> dict[str, Any]:
    return {name: asdict(each) for name, each in series.items()}


def results(plain: Iterable[Mapping[str, Any]]) -> list[Result]:
    """Results from what `plain` made of them."""
    return [
        Result(
            each["name"],
            each["setting"],
            each["unit"],
            {name: Series(**values) for name, values in each["bare"].items()},
            {name: Series(**values) for name, values in each["added"].items()},
            each["recorded"],
        )
        for each in plain
    ]
