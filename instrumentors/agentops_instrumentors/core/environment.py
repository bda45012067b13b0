"""Environment variables, read with one clear warning for a value that is not accepted.

Every reader returns the default for a missing, empty or invalid value and never raises.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from agentops_instrumentors.core.guard import warn_once

if TYPE_CHECKING:
    from collections.abc import Sequence

_TRUE: Final = frozenset({"true", "1", "t", "yes", "on"})
_FALSE: Final = frozenset({"false", "0", "f", "no", "off"})


def text(name: str, default: str = "") -> str:
    """The variable's value without surrounding blanks."""
    return os.environ.get(name, "").strip() or default


def choice(name: str, accepted: Sequence[str], default: str) -> str:
    """One of `accepted`, compared without regard to case."""
    value = text(name)
    if not value:
        return default
    for candidate in accepted:
        if candidate.lower() == value.lower():
            return candidate
    invalid(name, value, "one of " + ", ".join(accepted), default)
    return default


def boolean(name: str, default: bool) -> bool:
    """true/1/t/yes/on or false/0/f/no/off, in any case."""
    value = text(name).lower()
    if not value:
        return default
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    invalid(name, value, "true or false", str(default).lower())
    return default


def integer(name: str, default: int, minimum: int = 0) -> int:
    """A whole number not below `minimum`."""
    value = text(name)
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        number = minimum - 1
    if number >= minimum:
        return number
    invalid(name, value, f"a whole number from {minimum} up", str(default))
    return default


def invalid(name: str, value: str, accepted: str, default: str) -> None:
    """Say once that `value` is not accepted for `name`, what is, and what is used instead."""
    warn_once(f"env:{name}", "%s=%r is not accepted: expected %s; using the default (%s)", name, value, accepted, default or "empty")
