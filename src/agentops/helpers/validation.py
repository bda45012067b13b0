"""What kind of function something is."""

from __future__ import annotations

import inspect


def is_coroutine_or_generator(fn: object) -> bool:
    """Whether calling `fn` gives a coroutine, a generator or an asynchronous generator."""
    return inspect.iscoroutinefunction(fn) or inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn)
