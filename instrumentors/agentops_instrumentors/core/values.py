"""Reading what callers and SDKs hand over: dicts and models alike, parameters left out, lists that may not be lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SENTINELS = frozenset({"NotGiven", "Omit"})
_PLAIN: frozenset[type] = frozenset({str, int, float, bool, dict, list, type(None)})
_DICT: Any = dict
_NOTHING: dict[str, Any] = {}


def given(value: Any) -> Any:
    """`value`, or None where the caller left the parameter out (the SDK's sentinels)."""
    kind = type(value)  # pyright: ignore[reportUnknownVariableType]
    # A type's name is a string made anew each time.
    return value if kind in _PLAIN or kind.__name__ not in _SENTINELS else None


def field(value: Any, name: str) -> Any:
    """`name` of a dict or of a model, or None: callers mix both in one message list."""
    return reader(value)(name)


def reader(value: Any) -> Callable[[str], Any]:
    """`field` of one value for several names: what a dict or a model holds, declared by its class or not; None for the rest.

    Asking a pydantic model for a name its class does not declare takes 2 µs, asking what it holds 0.1 µs.
    """
    if isinstance(value, _DICT):
        return value.get
    if value is None:
        return _NOTHING.get
    held: dict[str, Any] | None = getattr(value, "__dict__", None)
    if held is None:
        return lambda name: getattr(value, name, None)
    # What pydantic calls `model_extra`, without the property's call.
    undeclared: dict[str, Any] | None = getattr(value, "__pydantic_extra__", None)
    return {**undeclared, **held}.get if undeclared else held.get


def count(value: Any) -> int | None:
    """`value` where it is a whole number, else None: clients that do not check answers hand on whatever a service said."""
    return value if isinstance(value, int) else None


def items(value: Any) -> Iterable[Any]:
    """What `value` lists; nothing of a one-shot iterator, since reading it would take it from the SDK."""
    value = given(value)
    return () if value is None or hasattr(value, "__next__") else value
