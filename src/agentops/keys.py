"""API keys of AgentOps: their form, and how they may be shown."""

from __future__ import annotations

import uuid


def is_api_key(value: str) -> bool:
    """Whether `value` has the form of an AgentOps API key, a UUID."""
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return True


def masked(key: str) -> str:
    """`key` as it may appear in a log line: never whole."""
    return f"{key[:4]}…({len(key)} characters)" if len(key) > 8 else "…"
