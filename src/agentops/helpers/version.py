"""The version of this distribution."""

from __future__ import annotations

from agentops.parameters import deprecated
from agentops_instrumentors.version import __version__


def get_agentops_version() -> str:
    """The installed version."""
    return __version__


def check_agentops_update() -> None:
    """Nothing is asked of any package index."""
    deprecated("check_agentops_update", "check_agentops_update() does nothing any more: package managers tell of updates")
