"""The one quiet line at the end of an instrumented run on a terminal."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from pathlib import Path

_DESTINATIONS: Final = frozenset({"AGENTOPS_API_KEY", "OTEL_TRACES_EXPORTER", "OTEL_CONFIG_FILE"})
_ENDPOINT: Final = re.compile(r"OTEL_EXPORTER_OTLP_(\w+_)?ENDPOINT")
_said = False


def say_once(stream: TextIO | None = None) -> bool:
    """Say on `stream` (stderr by default) how to look at what this process recorded; whether it was said.

    Said once, only on a terminal, only if the store wrote something, and not with AGENTOPS_LOG_SESSION_REPLAY_URL=false or
    `init(log_session_replay_url=False)`.
    """
    from agentops.config import settings

    global _said
    target = sys.stderr if stream is None else stream
    if _said or not _is_terminal(target) or not settings().log_session_replay_url:
        return False
    count, new_folder = _recorded()
    if not count:
        return False
    _said = True
    noun = "session" if count == 1 else "sessions"
    dash = "—" if (target.encoding or "").lower().startswith("utf") else "-"
    where = f" (kept in {new_folder}; OTEL_TRACES_EXPORTER=otlp sends to a collector on localhost)" if new_folder and _only_local() else ""
    try:
        target.write(f"agentops: recorded {count:,} {noun} {dash} agentops show latest{where}\n")
        target.flush()
    except (OSError, ValueError):
        return False
    return True


def _only_local() -> bool:
    """Whether nothing says where to send: OpenTelemetry's own default would have been localhost, which a first run must be told."""
    return not any(value and (name in _DESTINATIONS or _ENDPOINT.fullmatch(name)) for name, value in os.environ.items())


def _recorded() -> tuple[int, Path | None]:
    # Asked for by name: a process that never wrote has not loaded the SDK, and its exit is no time to.
    processor = sys.modules.get("agentops.store.processor")
    return processor.recorded() if processor is not None else (0, None)


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False
