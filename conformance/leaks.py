"""Whether words of people or models are left anywhere where nobody opted in to content, whatever the attribute is called.

What those words are is known from the same scenario's recording with content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from agentops_conformance.content import OF_PEOPLE, parsed
from agentops_conformance.values import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agentops_conformance.values import Attributes, Telemetry, Value

_WORDY: Final = frozenset({"content", "arguments", "response", "result", "text"})
"""Keys whose text somebody said; the others name kinds, models and tools, or describe a tool, which is no content."""
_SHORTEST: Final = 8
_LONGEST: Final = 200


def scenario_leak(scenario: str, with_content: Telemetry, without: Telemetry) -> Iterator[Finding]:
    """A finding for each place in `without` that quotes what the content of `with_content` says."""
    words = {word for attributes in _attributes(with_content) for word in _said(attributes)}
    for span in without.spans:
        for place, text in (("name", span.name), ("status", span.message)):
            yield from _found(scenario, f"the {place} of span {span.name!r}", text, words)
    for attributes in _attributes(without):
        for key, value in attributes.items():
            yield from _found(scenario, key, value, words)
    for record in without.records:
        yield from _found(scenario, f"the body of log record {record.name!r}", record.body, words)


def _found(scenario: str, place: str, value: Value, words: set[str]) -> Iterator[Finding]:
    quoted = next((word for text in _texts(value) for word in words if word in text), None)
    if quoted is not None:
        message = f"{place} quotes {quoted[:40]!r} without an opt-in to content"
        yield Finding("scenario_leak", Level.VIOLATION, "span", scenario, {}, message)


def _attributes(telemetry: Telemetry) -> Iterator[Attributes]:
    for span in telemetry.spans:
        yield span.attributes
        yield from (event.attributes for event in span.events)
    yield from (record.attributes for record in telemetry.records)
    yield from (point.attributes for metric in telemetry.metrics for point in metric.points)


def _said(attributes: Attributes) -> Iterator[str]:
    """Texts in the content among the attributes, long ones by their beginning."""
    for key in OF_PEOPLE & attributes.keys():
        for text in _wordy(parsed(attributes[key])):
            if len(text) >= _SHORTEST:
                yield text[:_LONGEST]


def _wordy(value: Value) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _wordy(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner) if key in _WORDY else _wordy(inner)


def _texts(value: Value) -> Iterable[str]:
    if isinstance(value, str):
        return [value]
    inner = cast("dict[str, Value]", value).values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in inner for text in _texts(item)]
