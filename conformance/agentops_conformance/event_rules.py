"""Rules on a log record that is an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentops_conformance.rules import Problem, rule_set
from agentops_conformance.values import Event, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops_conformance.vocabulary import Vocabulary


def missing_event(event: Event, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The registry does not have the event, and never had."""
    if event.name and event.name not in vocabulary.events and event.name not in vocabulary.replaced_events:
        yield Problem(f"event {event.name} is not in the registry")


def deprecated(event: Event, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Another event has taken its place."""
    if event.name in vocabulary.replaced_events:
        yield Problem(f"event {event.name} is deprecated: {', '.join(vocabulary.replaced_events[event.name])}")


RULES: Final = rule_set(Level.VIOLATION, missing_event, deprecated)
