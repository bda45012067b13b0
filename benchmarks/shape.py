"""Sizes that the cases and the in-process service agree on; imports nothing, so that the parent can."""

from __future__ import annotations

CONTENT, NO_CONTENT, SAMPLED_OUT = "content", "no content", "sampled out"
SETTINGS = (CONTENT, NO_CONTENT, SAMPLED_OUT)
"""Of a process. `sampled out` is content on with a sampler that is always off."""

MODEL = "gpt-4o-mini"
CHUNKS = 200
"""Chunks of a stream."""
AT_ONCE = 100
"""Concurrent calls of the asynchronous case."""
TOOLS = 8
"""Tools that the case `tools` offers; the answer asks for three of them."""
IMAGE_BYTES = 1_000_000
LONG_CHARACTERS = 100_000
HUGE_CHARACTERS = 5_000_000
