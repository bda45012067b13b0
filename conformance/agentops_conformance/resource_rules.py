"""Rules on a resource: the entities it describes, and those that signals need it to describe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agentops_conformance.rules import Problem, rule_set
from agentops_conformance.values import Attributes, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops_conformance.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Described:
    """A resource's attributes, and which entities a signal from it needs: one of `wanted`, none for a resource by itself."""

    attributes: Attributes
    wanted: tuple[str, ...] = ()


def entity_required_attribute_not_present(described: Described, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The resource describes an entity without what it must say of it."""
    yield from _missing(described, vocabulary, "required", "must")


def entity_recommended_attribute_not_present(described: Described, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The resource describes an entity without what it should say of it."""
    yield from _missing(described, vocabulary, "recommended", "should")


def entity_conditionally_required_attribute_not_present(described: Described, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The resource describes an entity without what it must say on a condition."""
    yield from _missing(described, vocabulary, "conditionally_required", "must on a condition")


def entity_opt_in_attribute_not_present(described: Described, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The resource describes an entity without what it may say of it."""
    yield from _missing(described, vocabulary, "opt_in", "may")


def entity_association_not_satisfied(described: Described, vocabulary: Vocabulary) -> Iterator[Problem]:
    """A metric or an event belongs to an entity, and its resource describes none of those it may belong to."""
    if described.wanted and not any(_identified(described, name, vocabulary) for name in described.wanted):
        yield Problem(f"the resource describes none of {', '.join(described.wanted)}: set what identifies one")


def _missing(described: Described, vocabulary: Vocabulary, level: str, verb: str) -> Iterator[Problem]:
    for name, entity in vocabulary.entities.items():
        attributes = {**entity.identity, **entity.description}
        if any(key in described.attributes for key in attributes):
            for key, wanted in attributes.items():
                if wanted == level and key not in described.attributes:
                    yield Problem(f"{key} is missing, which a resource that describes {name} {verb} have", key)


def _identified(described: Described, name: str, vocabulary: Vocabulary) -> bool:
    return all(key in described.attributes for key in vocabulary.entities[name].identity)


ASSOCIATIONS: Final = rule_set(Level.VIOLATION, entity_association_not_satisfied)
RULES: Final = (
    *rule_set(Level.VIOLATION, entity_required_attribute_not_present),
    *rule_set(Level.IMPROVEMENT, entity_recommended_attribute_not_present),
    *rule_set(
        Level.INFORMATION,
        entity_conditionally_required_attribute_not_present,
        entity_opt_in_attribute_not_present,
    ),
)
