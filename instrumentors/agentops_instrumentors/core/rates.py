"""The prices of one model, reduced once to rates per token that give exactly the figures of `genai-prices`.

Reduced are fixed prices, prices that start on a date (until the next UTC midnight, when they are reduced anew) and tiers by input size.
Prices that depend on the time of day, and any model whose reduction does not reproduce the library's own figure, ask the library each
time. Importing this module does not import `genai-prices`; calling it does.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from typing import TYPE_CHECKING, Final

from agentops_instrumentors.core.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices
    from genai_prices.units import UnitDef

_DAY_S: Final = 86_400

# usage key of genai-prices -> field of Usage
_FIELDS: Final = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read",
    "cache_write_tokens": "cache_write",
    "output_reasoning_tokens": "reasoning",
    "input_text_tokens": "text_input",
    "output_text_tokens": "text_output",
    "input_audio_tokens": "audio_input",
    "output_audio_tokens": "audio_output",
    "cache_audio_read_tokens": "audio_cache_read",
    "input_image_tokens": "image_input",
    "output_image_tokens": "image_output",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One priced kind of token: its count, less what finer rows (by position) already price, times `rate` (USD per token).

    `field` is None where Usage has no such count. `doubts` are pairs of fields that, both above zero, mean that a missing
    count is not a zero: then the library decides.
    """

    field: str | None
    rate: float
    finer: tuple[int, ...]
    doubts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Band:
    """The prices of calls with more than `above` input tokens; `per_call` in USD."""

    above: int
    per_call: float
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How one model of one provider is priced until `expires` (Unix seconds). No bands: ask the library each time."""

    provider: Provider
    model: ModelInfo
    context: Mapping[str, str]
    expires: float
    free: bool
    bands: tuple[Band, ...] = ()

    def amount(self, usage: Usage) -> float | None:
        """USD, or None where the tokens used are of a kind that has no price; ValueError where counts contradict each other."""
        asked = usage.input_tokens
        total = None
        if asked is not None or len(self.bands) == 1:
            for band in self.bands:
                if asked is None or asked > band.above:
                    total = _sum(band, usage)
                    break
        if total is None:
            total = self.ask(usage)
        return total if total or self.free or not (asked or usage.output_tokens) else None

    def ask(self, usage: Usage) -> float:
        """The library's own figure, in USD; ValueError where it refuses the counts."""
        from genai_prices.types import Usage as LibraryUsage

        counts = {key: count for key, field in _FIELDS.items() if (count := getattr(usage, field)) is not None}
        now = datetime.now(timezone.utc)
        if self.context:
            found = self.model.calc_price(LibraryUsage(**counts), self.provider, genai_request_timestamp=now, price_context=self.context)
        else:  # releases before price variants do not know the parameter
            found = self.model.calc_price(LibraryUsage(**counts), self.provider, genai_request_timestamp=now)
        return float(found.total_price)


def plan(provider: Provider, model: ModelInfo, service_tier: str | None = None) -> Plan | None:
    """Reduce the prices in force now; None where no kind of token that Usage counts has a price."""
    from genai_prices.types import ModelPrice, StartDateConstraint

    variants = (getattr(model, "price_variants", None) or ()) if any(model is own for own in provider.models) else ()
    context = {"service_tier": service_tier} if service_tier and variants else {}
    conditions = [] if isinstance(model.prices, ModelPrice) else [price.constraint for price in model.prices]
    conditions += [variant.constraint for variant in variants] if context else []
    now = time.time()
    today = datetime.fromtimestamp(now, timezone.utc)
    prices = model.get_prices(today, context) if context else model.get_prices(today)
    dated = any(condition is not None for condition in conditions)
    expires = (now // _DAY_S + 1) * _DAY_S if dated else math.inf
    bands = _bands(prices)
    if not any(band.per_call or any(row.field for row in band.rows) for band in bands):
        return None
    free = not any(band.per_call or any(row.rate for row in band.rows) for band in bands)
    asking = Plan(provider, model, context, expires, free)
    if any(condition is not None and not isinstance(condition, StartDateConstraint) for condition in conditions):
        return asking
    reduced = Plan(provider, model, context, expires, free, bands)
    return reduced if _reproduces(reduced, asking) else asking


def prepare() -> None:
    """Build what the library and this module build on first use, so that no call does."""
    from genai_prices.types import ModelPrice
    from genai_prices.types import Usage as LibraryUsage

    prices = ModelPrice(**{unit.price_key: None for unit in units()})
    prices.calc_price(LibraryUsage(input_tokens=0))
    _bands(prices)


@cache
def units() -> tuple[UnitDef, ...]:
    """What the library can price, finest first: the order in which it takes finer counts out of coarser ones."""
    from genai_prices.data_units import unit_data
    from genai_prices.units import UnitRegistry

    return tuple(sorted(UnitRegistry(unit_data).units.values(), key=lambda unit: (-len(unit.dimensions), unit.usage_key)))


def _sum(band: Band, usage: Usage) -> float | None:
    """USD, or None where only the library knows what a missing count means."""
    total = band.per_call
    leaves: list[int] = []
    for row in band.rows:
        count: int | None = getattr(usage, row.field) if row.field else None
        if count is None:
            for one, other in row.doubts:
                if getattr(usage, one) and getattr(usage, other):
                    return None
            count = 0
        for finer in row.finer:
            count -= leaves[finer]
        if count < 0:
            raise ValueError(f"finer kinds of tokens exceed {row.field}")
        leaves.append(count)
        total += count * row.rate
    return total


def _bands(prices: ModelPrice) -> tuple[Band, ...]:
    priced = [(unit, price) for unit in units() if (price := getattr(prices, unit.price_key)) is not None]
    starts = {tier.start for _, price in priced for tier in getattr(price, "tiers", ())}
    return tuple(_band(priced, above) for above in sorted({-1, *starts}, reverse=True))


def _band(priced: list[tuple[UnitDef, Decimal | TieredPrices]], above: int) -> Band:
    per_call = 0.0
    rows: list[Row] = []
    kinds: list[UnitDef] = []
    for unit, price in priced:
        rate = float(_at(price, above + 1) / unit.per)
        if unit.usage_key == "requests":
            per_call = rate
        elif unit.dimensions.get("family") == "tokens":
            finer = tuple(at for at, kind in enumerate(kinds) if unit.dimensions.items() <= kind.dimensions.items())
            rows.append(Row(_FIELDS.get(unit.usage_key), rate, finer, _doubts(unit)))
            kinds.append(unit)
    return Band(above, per_call, tuple(rows))


def _at(price: Decimal | TieredPrices, input_tokens: int) -> Decimal:
    """The price in force for a call of that size; a tier's price holds for all tokens of the call."""
    from genai_prices.types import TieredPrices

    if not isinstance(price, TieredPrices):
        return price
    return next((tier.price for tier in reversed(price.tiers) if input_tokens > tier.start), price.base)


def _doubts(unit: UnitDef) -> tuple[tuple[str, str], ...]:
    """Kinds finer than `unit`, and pairs of kinds that overlap in exactly `unit`."""
    whole = set(unit.dimensions.items())
    known = [(_FIELDS[kind.usage_key], set(kind.dimensions.items())) for kind in units() if kind.usage_key in _FIELDS]
    finer = [(field, field) for field, kind in known if whole < kind]
    coarser = [(field, kind) for field, kind in known if kind < whole]
    overlaps = [(one, other) for one, mine in coarser for other, its in coarser if one < other and mine | its == whole]
    return (*finer, *overlaps)


def _reproduces(reduced: Plan, asking: Plan) -> bool:
    """Whether the rates give the library's own figure in every band, whichever release of it is installed."""
    for band in reduced.bands:
        sample = Usage(
            input_tokens=band.above + 101,
            output_tokens=70,
            cache_read=20,
            cache_write=10,
            reasoning=30,
            audio_input=9,
            audio_output=20,
            audio_cache_read=4,
        )
        try:
            if not math.isclose(_sum(band, sample) or 0.0, asking.ask(sample), rel_tol=1e-12):
                return False
        except ValueError:
            return False
    return True
