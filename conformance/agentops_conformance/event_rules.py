"""Rules on a log record that is an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agentops_conformance.content import problems_of
from agentops_conformance.rules import Problem, rule_set
from agentops_conformance.values import Event, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops_conformance.vocabulary import Vocabulary


def missing_event(event: Event, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The registry does not have the event, and never had."""
    if event.name and event.name not in vocabulary.events and event.name not in vocabulary.replaced_events:
        yield Problem(f"event {event.name} is not in the registry: use the conventions' event for it, or declare your own")


def deprecated(event: Event, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Another event has taken its place."""
    if event.name in vocabulary.replaced_events:
        yield Problem(f"event {event.name} is deprecated: use {' and '.join(vocabulary.replaced_events[event.name])}")


def genai_content_schema(event: Event, vocabulary: Vocabulary) -> Iterator[Problem]:
    """An event's content is as its JSON schema says, each part by its own type."""
    yield from problems_of(event.attributes, vocabulary)


def unexpected_severity(event: Event, vocabulary: Vocabulary) -> Iterator[Problem]:
    """An event has another severity than the one declared."""
    entry = vocabulary.events.get(event.name)
    if entry is not None and entry.severity is not None and event.severity != entry.severity:
        yield Problem(f"severity is {event.severity}, not {entry.severity}: set the number, by which back ends filter")


def event_with_body(event: Event, vocabulary: Vocabulary) -> Iterator[Problem]:
    """An event of the conventions says what it says in attributes and has no body."""
    if event.name in vocabulary.events and event.body not in (None, ""):
        yield Problem("the event has a body: say it in attributes")


def not_stable(event: Event, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The event is not stable, as nothing of gen_ai.* is; checked where it is asked for."""
    entry = vocabulary.events.get(event.name)
    if entry is not None and not entry.stable:
        yield Problem(f"event {event.name} is not stable: expect it to change")


RULES: Final = (
    *rule_set(Level.VIOLATION, missing_event, deprecated, genai_content_schema),
    *rule_set(Level.IMPROVEMENT, unexpected_severity, event_with_body),
)
ON_REQUEST: Final = rule_set(Level.IMPROVEMENT, not_stable)
