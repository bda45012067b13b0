"""Environment variables; one that is not accepted gives the default and one warning."""

from __future__ import annotations

from agentops_instrumentors.core import environment


def get_env_bool(key: str, default: bool) -> bool:
    """true/1/t/yes/on or false/0/f/no/off, in any case."""
    return environment.boolean(key, default)


def get_env_int(key: str, default: int) -> int:
    """A whole number from 0 up."""
    return environment.integer(key, default)


def get_env_list(key: str, default: list[str] | None = None) -> set[str]:
    """The parts between commas, without blanks around them."""
    parts = {part for part in (each.strip() for each in environment.text(key).split(",")) if part}
    return parts or set(default or ())
