"""Sizes that the cases and the in-process service agree on; imports nothing, so that the parent can."""

from __future__ import annotations

MODEL = "gpt-4o-mini"
CHUNKS = 200
