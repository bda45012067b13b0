"""Which versions of a vendor's SDK are installed, and whether they can be instrumented."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def conflict(requires: Sequence[str]) -> object | None:
    """What OpenTelemetry says where an installed distribution does not meet a requirement such as `openai >= 1.66.0`; None where all do.

    Versions and least versions in plain numbers are compared here: what OpenTelemetry compares with, `packaging`, takes 10 ms to import.
    """
    return None if all(map(_met, requires)) else _asked(requires)


def _met(requirement: str) -> bool:
    """Whether a requirement is met for sure."""
    from importlib.metadata import PackageNotFoundError, version

    name, _, least = requirement.partition(" >= ")
    try:
        return _numbers(version(name)) >= _numbers(least)
    except (ValueError, PackageNotFoundError):
        return False


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _asked(requires: Sequence[str]) -> object | None:
    from opentelemetry.instrumentation.dependencies import get_dependency_conflicts

    return get_dependency_conflicts(requires)
