"""Rules on which attributes are there, by requirement level: of metric points, events, resources' entities, and spans' conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agentops_conformance.conditions import Facts, holds
from agentops_conformance.rules import Problem, rule_set
from agentops_conformance.values import Attributes, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops_conformance.vocabulary import Levels, Vocabulary


@dataclass(frozen=True, slots=True)
class Carrier:
    """What has attributes and should have others: `levels` are those of its declaration. `failed` is None without a status."""

    name: str
    attributes: Attributes
    levels: Levels
    failed: bool | None = None


def required_attribute_not_present(carrier: Carrier, vocabulary: Vocabulary) -> Iterator[Problem]:
    """A point or an event lacks an attribute that it must have."""
    for key in _absent(carrier, "required"):
        yield Problem(f"{key} is missing, which {carrier.name} must have: set it", key)


def recommended_attribute_not_present(carrier: Carrier, vocabulary: Vocabulary) -> Iterator[Problem]:
    """A point or an event lacks an attribute that it should have."""
    for key in _absent(carrier, "recommended"):
        condition = carrier.levels["recommended"][key]
        if not condition or _holds(condition, carrier):
            yield Problem(f"{key} is missing, which {carrier.name} should have", key)


def conditionally_required_attribute_not_present(carrier: Carrier, vocabulary: Vocabulary) -> Iterator[Problem]:
    """A point or an event lacks an attribute that is required on a condition which only the program can decide."""
    for key in _absent(carrier, "conditionally_required"):
        condition = carrier.levels["conditionally_required"][key]
        if _holds(condition, carrier) is None:
            yield Problem(f"{key} is missing, which {carrier.name} must have if: {_prose(condition)}", key)


def condition_met_attribute_missing(carrier: Carrier, vocabulary: Vocabulary) -> Iterator[Problem]:
    """A span, point or event lacks an attribute whose condition it meets. On spans, `error.type` has rules of its own."""
    for key in _absent(carrier, "conditionally_required"):
        condition = carrier.levels["conditionally_required"][key]
        if _holds(condition, carrier):
            yield Problem(f"{key} is missing, which {carrier.name} must have here: {_prose(condition)}", key)


def opt_in_attribute_not_present(carrier: Carrier, vocabulary: Vocabulary) -> Iterator[Problem]:
    """A point or an event lacks an attribute that it may have."""
    for key in _absent(carrier, "opt_in"):
        yield Problem(f"{key} is missing, which {carrier.name} may have", key)


def _absent(carrier: Carrier, level: str) -> list[str]:
    return [key for key in carrier.levels.get(level, {}) if key not in carrier.attributes]


def _holds(condition: str, carrier: Carrier) -> bool | None:
    return holds(condition, Facts(carrier.attributes, carrier.failed))


def _prose(condition: str) -> str:
    return condition.replace("_", " ")


MET_CONDITIONS: Final = rule_set(Level.VIOLATION, condition_met_attribute_missing)
RULES: Final = (
    *rule_set(Level.VIOLATION, required_attribute_not_present),
    *MET_CONDITIONS,
    *rule_set(Level.IMPROVEMENT, recommended_attribute_not_present),
    *rule_set(Level.INFORMATION, conditionally_required_attribute_not_present, opt_in_attribute_not_present),
)
