"""Frames of ours between a vendor's method and its caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

if TYPE_CHECKING:
    from types import FunctionType

_Callable = TypeVar("_Callable")
_SKIPPED: Final = " (importlib._bootstrap)"
"""Python's `warnings` leave out of `stacklevel` the frames of files whose name holds both words."""


def unseen(function: _Callable) -> _Callable:
    """Have the vendors' warnings count no frame of `function`: they point at the program's line, where Python shows them by default.

    Tracebacks show the frame, its source included, with a mark behind the file's name.
    """
    code: Any = cast("FunctionType", function).__code__
    cast("FunctionType", function).__code__ = code.replace(co_filename=code.co_filename + _SKIPPED)
    return function
