"""Another distribution that installs the same `agentops` package: their files overwrite ours."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from agentops_instrumentors.core.guard import swallowed, warn_once

OTHER: Final = "agentops"
_LEFTOVERS: Final = ("client/client.py", "instrumentation/providers", "instrumentation/agentic")
"""Paths in the package `agentops` that only the other distribution has."""


def warn_if_mixed() -> None:
    """Say once that the distribution `agentops` is installed in the same environment, and what to do. Never raises."""
    try:
        found = _installed()
    except Exception as error:
        swallowed("looking for the other distribution", error)
        return
    if found:
        warn_once(
            "mixed",
            "The distribution agentops %s is installed beside agentops-opentelemetry, and both own the package 'agentops': whichever "
            "was installed last has overwritten files of the other. Repair with: pip uninstall -y agentops agentops-opentelemetry && "
            "pip install agentops-opentelemetry",
            found,
        )


def _installed() -> str | None:
    """The other distribution's version, or what of its files is left; None where there is none of it."""
    try:
        return version(OTHER)
    except PackageNotFoundError:
        pass
    folder = Path(__file__).parent
    left = next((path for path in _LEFTOVERS if (folder / path).exists()), None)
    return f"(its file {left})" if left else None
