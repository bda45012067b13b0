"""A Python function as the tool that it is to a model."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable

_TYPES: Final = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array", dict: "object"}
_BY_NAME: Final = {kind.__name__: name for kind, name in _TYPES.items()}
_known: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()


def definition(function: Callable[..., Any]) -> dict[str, Any]:
    """Its definition by its signature and docstring, kept for the next time: an SDK's schema of it costs a hundred times that."""
    try:
        known = _known.get(function)
    except TypeError:  # neither hashable nor weakly referable
        return _described(function)
    if known is None:
        known = _known[function] = _described(function)
    return known


def summary(function: Callable[..., Any]) -> str | None:
    """The first line of its docstring."""
    return str(definition(function).get("description", "")).partition("\n")[0].strip() or None


def _described(function: Callable[..., Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "function", "name": getattr(function, "__name__", type(function).__name__)}
    description = inspect.getdoc(function)
    if description:
        found["description"] = description
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return found
    required = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
    found["parameters"] = {"type": "object", "properties": {one.name: _typed(one.annotation) for one in parameters}, "required": required}
    return found


def _typed(annotation: Any) -> dict[str, str]:
    kind = _BY_NAME.get(annotation) if isinstance(annotation, str) else _TYPES.get(annotation)
    return {"type": kind} if kind else {}
