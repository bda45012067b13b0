"""The registry extract and the project's own section of it, loaded and joined."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec

_FOLDER: Final = Path(__file__).with_name("registry")

Levels = dict[str, dict[str, str]]
"""`{requirement level: {attribute: condition, empty for none}}`."""


class AttributeEntry(msgspec.Struct, frozen=True):
    """A declared attribute. `deprecated` says what replaces it, or why it went."""

    type: str
    members: tuple[str | int, ...] = ()
    deprecated: str = ""
    brief: str = ""
    on: tuple[str, ...] = ()


class SpanEntry(msgspec.Struct, frozen=True):
    """A span type: recognised on the wire by `operations` and `kinds`; `names` are templates, the first that fits applies."""

    operations: tuple[str, ...]
    kinds: tuple[str, ...]
    names: tuple[str, ...]
    attributes: Levels


class Refinement(msgspec.Struct, frozen=True):
    """What one provider says differently of a span type's attributes."""

    refines: str
    provider: str
    attributes: Levels


class EventEntry(msgspec.Struct, frozen=True):
    """A declared event."""

    attributes: Levels = {}
    severity: int | None = None
    brief: str = ""


class MetricEntry(msgspec.Struct, frozen=True):
    """A declared metric; no `buckets` where the conventions advise none."""

    instrument: str
    unit: str
    attributes: Levels
    buckets: tuple[float, ...] = ()
    brief: str = ""


class _Registry(msgspec.Struct, frozen=True):
    meta: dict[str, str]
    attributes: dict[str, AttributeEntry]
    spans: dict[str, SpanEntry]
    refinements: dict[str, Refinement]
    metrics: dict[str, MetricEntry]
    events: dict[str, EventEntry]
    replaced_metrics: dict[str, list[str]]
    replaced_events: dict[str, list[str]]
    schemas: dict[str, dict[str, Any]]


class OwnSection(msgspec.Struct, frozen=True):
    """`agentops.json`: attributes, events and metrics the conventions have no name for, and those of theirs that we emit beside gen_ai."""

    attributes: dict[str, AttributeEntry]
    core: dict[str, AttributeEntry]
    events: dict[str, EventEntry]
    metrics: dict[str, MetricEntry]


class Vocabulary:
    """Lookups over both sections. Nothing here changes after it is made."""

    def __init__(self, registry: _Registry, own: OwnSection) -> None:
        self.meta: Final = registry.meta
        self.own: Final = own
        self.attributes: Final = {**own.core, **registry.attributes, **own.attributes}
        self.events: Final = {**registry.events, **own.events}
        self.metrics: Final = {**registry.metrics, **own.metrics}
        self.spans: Final = registry.spans
        self.replaced_events: Final = registry.replaced_events
        self.replaced_metrics: Final = registry.replaced_metrics
        self.schemas: Final = registry.schemas
        self.operations: Final = frozenset(registry.attributes["gen_ai.operation.name"].members)
        self._refinements: Final = tuple(registry.refinements.values())
        self._templates: Final = {name: entry for name, entry in self.attributes.items() if entry.type.startswith("template[")}
        self._namespaces: Final = frozenset(prefix for name in self.attributes for prefix in prefixes(name))

    def attribute(self, key: str) -> AttributeEntry | None:
        """The attribute named `key`; a template is not one."""
        return None if key in self._templates else self.attributes.get(key)

    def template(self, key: str) -> tuple[str, AttributeEntry] | None:
        """The name and entry of the template that `key` extends across a dot."""
        return next(((name, self._templates[name]) for name in reversed(prefixes(key)) if name in self._templates), None)

    def namespace(self, key: str) -> str | None:
        """The longest dotted prefix of `key` that declared attributes share."""
        return next((prefix for prefix in reversed(prefixes(key)) if prefix in self._namespaces), None)

    def levels(self, span_type: str, provider: object) -> Levels:
        """Requirement levels of a span type as `provider` refines them."""
        levels = self.spans[span_type].attributes
        for refinement in self._refinements:
            if refinement.refines == span_type and refinement.provider == provider:
                levels = _merged(levels, refinement.attributes)
        return levels


def _merged(levels: Levels, changes: Levels) -> Levels:
    changed = {name for names in changes.values() for name in names}
    kept = {level: {name: condition for name, condition in names.items() if name not in changed} for level, names in levels.items()}
    return {level: {**kept.get(level, {}), **changes.get(level, {})} for level in {*levels, *changes}}


def prefixes(key: str) -> list[str]:
    """The dotted prefixes of `key`, shortest first: `a.b.c` gives `a`, `a.b`."""
    parts = key.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The extract this checkout carries."""
    registry = msgspec.json.decode((_FOLDER / "registry.json").read_bytes(), type=_Registry)
    return Vocabulary(registry, msgspec.json.decode((_FOLDER / "agentops.json").read_bytes(), type=OwnSection))
