"""Parameters of the public functions: a misspelt one names the nearest, one without a meaning any more says so once."""

from __future__ import annotations

import difflib
import inspect
import warnings
from functools import wraps
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

P = ParamSpec("P")
R = TypeVar("R")

OURS: Final = ("agentops.", "agentops_instrumentors.")
_said: Final[set[str]] = set()


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, with a TypeError that names the nearest parameter where it is called with an unknown one."""
    code = function.__code__  # pyright: ignore[reportFunctionMemberAccess]
    known: tuple[str, ...] = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        unknown = kwargs.keys() - known
        if unknown:
            raise unknown_parameter(function.__name__, min(unknown), known)
        return function(*args, **kwargs)

    return call


def unknown_parameter(where: str, name: str, known: Iterable[str]) -> TypeError:
    """The error for a parameter that `where` does not take."""
    nearest = difflib.get_close_matches(name, [each for each in known if each != "self"], n=1, cutoff=0.0)
    hint = f"; the nearest it takes is {nearest[0]!r}" if nearest else ""
    return TypeError(f"{where}() got an unexpected keyword argument {name!r}{hint}")


def without_meaning(where: str, given: Mapping[str, object], reasons: Mapping[str, str]) -> None:
    """One DeprecationWarning for each parameter in `given`, not None, that has no meaning any more for the reason listed."""
    for name, reason in reasons.items():
        if given.get(name) is not None:
            deprecated(f"{where}:{name}", f"{where}({name}=…) has no meaning any more: {reason}")


def deprecated(key: str, message: str) -> None:
    """One DeprecationWarning a process for `key`, at the line of the caller's own code."""
    if key in _said:
        return
    _said.add(key)
    level, frame = 1, inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith(OURS):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, DeprecationWarning, stacklevel=level)
