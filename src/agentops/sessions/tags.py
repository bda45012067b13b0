"""Tags of a session as span attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue

Tags = str | Iterable[str] | Mapping[str, object]


def split(tags: Tags | None) -> tuple[list[str], dict[str, AttributeValue]]:
    """The plain tags and the keyed ones: text is one tag, an iterable is many, a mapping is keyed.

    A keyed value that is no str, bool, int or float is kept as its text; None is left out. What is none of these is no tag.
    """
    if tags is None:
        return [], {}
    if isinstance(tags, str):
        return [tags], {}
    if isinstance(tags, Mapping):
        items = cast("Mapping[str, object]", tags).items()
        return [], {str(key): _scalar(value) for key, value in items if value is not None}
    try:
        return [str(tag) for tag in tags], {}
    except TypeError as error:
        swallowed("tags", error)
        return [], {}


def attributes(plain: list[str], keyed: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    """`agentops.tags` for plain tags, `agentops.tag.<key>` for keyed ones."""
    found: dict[str, AttributeValue] = {semconv.TAG_PREFIX + key: value for key, value in keyed.items()}
    if plain:
        found[semconv.TAGS] = list(plain)
    return found


def _scalar(value: object) -> AttributeValue:
    return value if isinstance(value, (str, bool, int, float)) else str(value)
