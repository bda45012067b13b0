"""Reading plain data, as JSON gives it, that need not have the shape one expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentops_instrumentors.core.operation import AttributeValue


def dig(value: Any, *path: str) -> Any:
    """What lies at `path` in nested dicts; None where it ends early."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = cast("dict[str, Any]", value).get(name)
    return value


def inside(value: Any, *path: str) -> dict[str, Any]:
    """The dict at `path`; an empty one where there is none."""
    found = dig(value, *path)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def many(value: Any, *path: str) -> list[Any]:
    """The list at `path`; an empty one where there is none."""
    found = dig(value, *path)
    return cast("list[Any]", found) if isinstance(found, list) else []


def attributes(given: Any, names: Mapping[str, str]) -> dict[str, AttributeValue]:
    """Attributes for the members of `given` that `names` knows; a list as a tuple of texts."""
    found: dict[str, AttributeValue] = {}
    for member, value in inside(given).items():
        name = names.get(member)
        if name is None or value is None:
            continue
        if not isinstance(value, list):
            found[name] = value
        elif value:
            found[name] = tuple(map(str, cast("list[Any]", value)))
    return found
