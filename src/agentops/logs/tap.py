"""Records of the standard library's `logging`, taken where a logger hands them to its handlers.

There and not in a handler of the root logger: a handler there would turn `basicConfig()` into a no-op, silence the handler
of last resort, and vanish with the program's next `dictConfig()`. What levels and filters of loggers let through is taken, no more.
"""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any, Final

from agentops.logs.correlation import Emitter, is_ours
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry._logs import LoggerProvider

_UPSTREAM_HANDLER: Final = "LoggingHandler"
_UPSTREAM_PACKAGE: Final = "opentelemetry."

emitter: Emitter | None = None
_installed: Any = None


def install(provider: LoggerProvider, *, always: bool) -> Emitter:
    """Emit records made in a session's span through `provider` from now on; see `Emitter` for `always`."""
    global emitter, _installed
    emitter = Emitter(provider, always)
    if _installed is None:
        _installed = _tapped(logging.Logger.callHandlers)
        logging.Logger.callHandlers = _installed
    return emitter


def remove() -> None:
    """Take no more records; the method is put back unless somebody has wrapped it since."""
    global emitter, _installed
    emitter = None
    if _installed is not None and logging.Logger.callHandlers is _installed:
        logging.Logger.callHandlers = _installed.__wrapped__
        _installed = None


def _tapped(original: Callable[[logging.Logger, logging.LogRecord], None]) -> object:
    @functools.wraps(original)
    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        # The program's handlers first: what their filters took out of the record stays out.
        original(self, record)
        _take(self, record)

    return call_handlers


def _take(logger: logging.Logger, record: logging.LogRecord) -> None:
    chosen = emitter
    if chosen is None:
        return
    try:
        context = chosen.context()
        if context is not None and not is_ours(record.name) and not _exported_already(logger, record):
            chosen.record(record, context)
    except Exception as error:
        swallowed("logs", error)


def _exported_already(logger: logging.Logger, record: logging.LogRecord) -> bool:
    """Whether OpenTelemetry's own handler takes this record, looked for at each call: it may be installed after us."""
    current: logging.Logger | None = logger
    while current is not None:
        if any(record.levelno >= handler.level and _is_upstream(type(handler)) for handler in current.handlers):
            return True
        current = current.parent if current.propagate else None
    return False


@functools.lru_cache(maxsize=128)
def _is_upstream(kind: type) -> bool:
    return any(base.__name__ == _UPSTREAM_HANDLER and base.__module__.startswith(_UPSTREAM_PACKAGE) for base in kind.__mro__)
