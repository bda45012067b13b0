"""The registry extract and this project's own section of it, loaded and joined for one profile of metrics."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec

_FOLDER: Final = Path(__file__).with_name("registry")
_CLIENT_METRICS: Final = "gen_ai.client."

Levels = dict[str, dict[str, str]]
"""`{requirement level: {attribute: name of the condition, empty for none}}`."""


class Profile(Enum):
    """Which generation of client metrics is held to: that of the published official packages, or the registry's own."""

    PUBLISHED = "published"
    LATEST = "latest"


class AttributeEntry(msgspec.Struct, frozen=True):
    """A declared attribute. `deprecated` says what replaces it, or why it went."""

    type: str
    members: tuple[str | int, ...] = ()
    deprecated: str = ""
    stable: bool = False
    brief: str = ""
    on: tuple[str, ...] = ()


class SpanEntry(msgspec.Struct, frozen=True):
    """A span type: recognised on the wire by `operations` and `kinds`; `names` are templates, the first that fits applies.

    Any of `identified_by` tells a span of this type that lacks its operation.
    """

    operations: tuple[str, ...]
    kinds: tuple[str, ...]
    names: tuple[str, ...]
    attributes: Levels
    identified_by: tuple[str, ...] = ()


class Refinement(msgspec.Struct, frozen=True):
    """What one provider says differently of the attributes of a span type or a metric; or, without one, how else spans may be named."""

    refines: str
    attributes: Levels
    provider: str = ""
    names: tuple[str, ...] = ()


class EventEntry(msgspec.Struct, frozen=True):
    """A declared event. Its resource must describe one of `entities`, where there are any."""

    attributes: Levels = {}
    severity: int | None = None
    entities: tuple[str, ...] = ()
    stable: bool = False
    brief: str = ""


class MetricEntry(msgspec.Struct, frozen=True):
    """A declared metric; no `buckets` where the conventions advise none. Its resource must describe one of `entities`."""

    instrument: str
    unit: str
    attributes: Levels
    buckets: tuple[float, ...] = ()
    entities: tuple[str, ...] = ()
    stable: bool = False
    brief: str = ""


class EntityEntry(msgspec.Struct, frozen=True):
    """What a resource says of a thing: its attributes with their requirement level."""

    identity: dict[str, str]
    description: dict[str, str] = {}


class Registry(msgspec.Struct, frozen=True):
    """`registry.json`."""

    meta: dict[str, str]
    attributes: dict[str, AttributeEntry]
    spans: dict[str, SpanEntry]
    refinements: dict[str, Refinement]
    metrics: dict[str, MetricEntry]
    metric_refinements: dict[str, Refinement]
    published_metrics: dict[str, MetricEntry]
    events: dict[str, EventEntry]
    entities: dict[str, EntityEntry]
    replaced_metrics: dict[str, list[str]]
    replaced_events: dict[str, list[str]]
    schemas: dict[str, dict[str, Any]]


class OwnSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an instrumentation declares of its own: names the conventions do not have, and those of theirs that it emits beside gen_ai.

    `agentops.json` is this project's.
    """

    attributes: dict[str, AttributeEntry] = {}
    core: dict[str, AttributeEntry] = {}
    events: dict[str, EventEntry] = {}
    metrics: dict[str, MetricEntry] = {}
    operations: dict[str, str] = {}
    """Operations, each with what it does."""

    def joined(self, other: OwnSection) -> OwnSection:
        """Both; of two declarations of a name, the other's."""
        return OwnSection(
            {**self.attributes, **other.attributes},
            {**self.core, **other.core},
            {**self.events, **other.events},
            {**self.metrics, **other.metrics},
            {**self.operations, **other.operations},
        )


class Vocabulary:
    """Lookups over both sections. Nothing here changes after it is made."""

    def __init__(self, registry: Registry, own: OwnSection, profile: Profile = Profile.PUBLISHED) -> None:
        self.meta: Final = registry.meta
        self.own: Final = own
        self.profile: Final = profile
        self.events: Final = {**registry.events, **own.events}
        self.entities: Final = registry.entities
        self.spans: Final = registry.spans
        self.replaced_events: Final = registry.replaced_events
        self.schemas: Final = registry.schemas
        self.operations: Final = (*registry.attributes["gen_ai.operation.name"].members, *own.operations)
        self.inference: Final = frozenset(registry.spans["gen_ai.client.inference"].operations)
        published = profile is Profile.PUBLISHED
        self.published_metrics: Final = registry.published_metrics if published else {}
        # Names that the published metrics still need are current in their profile.
        needed = {
            key: registry.attributes[key] for entry in self.published_metrics.values() for key in entry.attributes.get("required", {})
        }
        current = {key: msgspec.structs.replace(entry, deprecated="") for key, entry in needed.items()}
        self.attributes: Final = {**own.core, **registry.attributes, **current, **own.attributes}
        newer = {name for name in registry.metrics.keys() - registry.published_metrics.keys() if name.startswith(_CLIENT_METRICS)}
        chosen = {name: entry for name, entry in registry.metrics.items() if not published or name not in newer}
        self.metrics: Final = {**chosen, **self.published_metrics, **own.metrics}
        self.metrics_of_the_other_profile: Final = newer if published else frozenset[str]()
        self.replaced_metrics: Final = {name: by for name, by in registry.replaced_metrics.items() if name not in self.metrics}
        self._refinements: Final = (*registry.refinements.values(), *registry.metric_refinements.values())
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

    def levels(self, name: str, attributes: Levels, provider: object) -> Levels:
        """Requirement levels `attributes` of the span type or metric `name` as `provider` refines them."""
        for refinement in self._refinements:
            if refinement.refines == name and refinement.provider and refinement.provider == provider:
                attributes = _merged(attributes, refinement.attributes)
        return attributes

    def names(self, name: str) -> list[tuple[str, ...]]:
        """The templates of the span type `name`: its own, and those of what it may be in particular."""
        particular = [refinement.names for refinement in self._refinements if refinement.refines == name and refinement.names]
        return [self.spans[name].names, *particular]


def _merged(levels: Levels, changes: Levels) -> Levels:
    changed = {name for names in changes.values() for name in names}
    kept = {level: {name: condition for name, condition in names.items() if name not in changed} for level, names in levels.items()}
    return {level: {**kept.get(level, {}), **changes.get(level, {})} for level in {*levels, *changes}}


@lru_cache(maxsize=4096)
def prefixes(key: str) -> tuple[str, ...]:
    """The dotted prefixes of `key`, shortest first: `a.b.c` gives `a`, `a.b`."""
    parts = key.split(".")
    return tuple(".".join(parts[:count]) for count in range(1, len(parts)))


@lru_cache(maxsize=1)
def sections() -> tuple[Registry, OwnSection]:
    """The extract and the own section as they are stored."""
    registry = msgspec.json.decode((_FOLDER / "registry.json").read_bytes(), type=Registry)
    return registry, msgspec.json.decode((_FOLDER / "agentops.json").read_bytes(), type=OwnSection)


def vocabulary(profile: Profile = Profile.PUBLISHED, declarations: tuple[Path, ...] = ()) -> Vocabulary:
    """What this version of the checker knows, and what the files of `declarations` declare, each an `OwnSection` in JSON.

    Raises OSError for a file that cannot be read and ValueError for one that declares nothing of that shape.
    """
    return _known(profile) if not declarations else _extended(profile, declarations)


@lru_cache(maxsize=2)
def _known(profile: Profile) -> Vocabulary:
    return Vocabulary(*sections(), profile)


def _extended(profile: Profile, declarations: tuple[Path, ...]) -> Vocabulary:
    registry, own = sections()
    for path in declarations:
        try:
            own = own.joined(msgspec.json.decode(path.read_bytes(), type=OwnSection))
        except msgspec.MsgspecError as error:
            raise ValueError(f"{path}: {error}") from error
    return Vocabulary(registry, own, profile)
