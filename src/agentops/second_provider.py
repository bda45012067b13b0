"""What to do where a tracer provider is set after ours: OpenTelemetry keeps the first global one, and says no more than that."""

from __future__ import annotations

import logging
from typing import Final

from agentops_instrumentors.core.guard import warn_once

_REFUSED: Final = "Overriding of current TracerProvider"


def explain() -> None:
    """From now on, say once what to do when OpenTelemetry refuses another global provider; idempotent."""
    logging.getLogger("opentelemetry.trace").addFilter(_explained)


def _explained(record: logging.LogRecord) -> bool:
    if str(record.msg).startswith(_REFUSED):
        warn_once(
            "second provider",
            "A tracer provider was set after AgentOps' and is not in use: set it before agentops.init(), which joins it; "
            "a program under opentelemetry-instrument has one from the start",
        )
    return True
