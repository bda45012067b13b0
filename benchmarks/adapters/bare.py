"""No instrumentation: what everything else is compared with."""

from __future__ import annotations

from typing import Any


def instrument(pipeline: Any) -> None:
    """Change nothing."""
