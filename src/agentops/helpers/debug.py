"""Looking at calls while debugging."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from agentops_instrumentors.core.guard import logger

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


def debug_print_function_params(func: Callable[P, R]) -> Callable[P, R]:
    """`func`, with the name of each call at DEBUG; its arguments are content and stay out of the log."""

    @wraps(func)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        logger.debug("%s() is called with %d arguments", func.__qualname__, len(args) + len(kwargs))
        return func(*args, **kwargs)

    return call
