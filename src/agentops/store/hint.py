"""The one quiet line at the end of an instrumented run on a terminal."""

from __future__ import annotations

import sys
from typing import Final, TextIO

from agentops_instrumentors.core import environment

VARIABLE: Final = "AGENTOPS_LOG_SESSION_REPLAY_URL"
_said = False


def say_once(stream: TextIO | None = None) -> bool:
    """Say on `stream` (stderr by default) how to look at what this process recorded; whether it was said.

    Said once, only on a terminal, only if the store wrote something, and not with AGENTOPS_LOG_SESSION_REPLAY_URL=false.
    """
    global _said
    target = sys.stderr if stream is None else stream
    if _said or not _is_terminal(target) or not environment.boolean(VARIABLE, True):
        return False
    count = _recorded()
    if not count:
        return False
    _said = True
    noun = "session" if count == 1 else "sessions"
    dash = "—" if (target.encoding or "").lower().startswith("utf") else "-"
    try:
        target.write(f"agentops: recorded {count:,} {noun} {dash} agentops show latest\n")
        target.flush()
    except (OSError, ValueError):
        return False
    return True


def _recorded() -> int:
    # Asked for by name: a process that never wrote has not loaded the SDK, and its exit is no time to.
    processor = sys.modules.get("agentops.store.processor")
    return processor.recorded_traces() if processor is not None else 0


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False
