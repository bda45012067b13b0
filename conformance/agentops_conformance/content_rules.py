"""The rule for telemetry of a program that did not opt in to content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentops_conformance.content import OF_PEOPLE, OF_PEOPLE_PREFIXES
from agentops_conformance.rules import Problem, rule_set
from agentops_conformance.values import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops_conformance.attribute_rules import Attribute
    from agentops_conformance.vocabulary import Vocabulary


def content_without_opt_in(attribute: Attribute, vocabulary: Vocabulary) -> Iterator[Problem]:
    """What people and models say is not there unless the program opted in; checked where it is said that it did not."""
    if attribute.key in OF_PEOPLE or attribute.key.startswith(OF_PEOPLE_PREFIXES):
        yield Problem(f"{attribute.key} is content, which nobody opted in to: leave it out by default", attribute.key)


ON_REQUEST: Final = rule_set(Level.VIOLATION, content_without_opt_in)
