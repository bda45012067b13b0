"""Reads what callers give: a vendor's model, a dict with names in either spelling, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, cast

from agentops_instrumentors.core import values

Read = Callable[[str], Any]

_NOTHING: Final[dict[str, Any]] = {}


def reader(value: Any) -> Read:
    """Reads `value`'s fields by their names in Python; None for those it lacks."""
    if value is None:
        return _NOTHING.get
    if isinstance(value, dict):
        return {snake(name): item for name, item in cast("dict[str, Any]", value).items()}.get
    return values.reader(value)


def snake(name: str) -> str:
    """`maxOutputTokens` as `max_output_tokens`."""
    return name if name.islower() else "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def word(value: Any) -> str:
    """An enumeration's member, or a caller's text for it, in upper case; empty for nothing."""
    return str(getattr(value, "value", value) or "").upper()


def listed(value: Any) -> Iterable[Any]:
    """The items of a list, one thing as a list of one; nothing of a one-shot iterator, which is the SDK's to read."""
    if value is None or hasattr(value, "__next__"):
        return ()
    return cast("list[Any]", value) if isinstance(value, (list, tuple)) else (value,)
