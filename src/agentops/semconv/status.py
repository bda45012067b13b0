"""States of tools."""

from __future__ import annotations

from enum import Enum


class ToolStatus(Enum):
    """How a tool's execution stands."""

    EXECUTING = "executing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
