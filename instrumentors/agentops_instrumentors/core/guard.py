"""Telemetry failure never reaches user code: it is caught, counted, and each kind is logged once."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

logger: Final = logging.getLogger("agentops")
logger.addHandler(logging.NullHandler())

_failures: Counter[str] = Counter()
_said: set[str] = set()
_SAID_LIMIT: Final = 1024
_ABOUT_CODE: Final = (AttributeError, TypeError, NameError, ImportError, ModuleNotFoundError)
"""Exceptions whose message names code, not data."""
_LEFT_OUT: Final = "message left out, because it may quote content, which is not recorded"


def swallowed(where: str, error: BaseException) -> None:
    """Count a telemetry failure at `where` and log the first of its kind with its traceback (WARNING).

    Its message is left out where it may quote content and content is not recorded.
    """
    kind = f"{where}:{type(error).__qualname__}"
    _failures[kind] += 1
    if _failures[kind] == 1:
        logger.warning("Telemetry failed in %s; the program is not affected (said once)", where, exc_info=_tellable(error))


def _tellable(error: BaseException) -> BaseException:
    """`error`, or one of the same name and traceback without its message."""
    from agentops_instrumentors.core import content

    kind = type(error)
    try:
        captured = content.policy().captures
    except Exception:
        captured = False
    if captured or kind in _ABOUT_CODE:
        return error
    silent = type(kind.__name__, (Exception,), {"__module__": kind.__module__, "__qualname__": kind.__qualname__})
    return silent(_LEFT_OUT).with_traceback(error.__traceback__)


def guarded(where: str, work: Callable[..., object], *args: object) -> None:
    """Run `work` for its effect on telemetry alone: its failure is counted at `where` and goes no further."""
    try:
        work(*args)
    except Exception as error:
        swallowed(where, error)


def warn_once(key: str, message: str, *args: object) -> None:
    """Log `message` at WARNING the first time `key` is seen in this process."""
    if key not in _said and len(_said) < _SAID_LIMIT:
        _said.add(key)
        logger.warning(message, *args)


def failures() -> dict[str, int]:
    """How often telemetry failed in this process, by place and exception type."""
    return dict(_failures)
