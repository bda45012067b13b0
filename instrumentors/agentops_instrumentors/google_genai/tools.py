"""Tools as they are offered to a model: declarations, the vendor's own, and the program's functions."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary

from agentops_instrumentors.core.parts import plain
from agentops_instrumentors.google_genai.client import reader, snake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TYPES: Final = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array", dict: "object"}
_BY_NAME: Final = {kind.__name__: name for kind, name in _TYPES.items()}
_known: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()


def definitions(tools: Any) -> list[dict[str, Any]]:
    """The tools of a request, one entry for every function and for every tool of the vendor's."""
    found: list[dict[str, Any]] = []
    for tool in tools or ():
        if inspect.isroutine(tool) or (callable(tool) and not hasattr(tool, "model_fields_set")):
            found.append(of_function(tool))
        else:
            found.extend(_declared(tool))
    return found


def of_function(function: Callable[..., Any]) -> dict[str, Any]:
    """A function that the SDK calls by itself. Its signature says what it takes; the SDK's schema of it costs a hundred times that."""
    try:
        known = _known.get(function)
    except TypeError:  # neither hashable nor weakly referable
        return _described(function)
    if known is None:
        known = _known[function] = _described(function)
    return known


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


def _declared(tool: Any) -> Iterable[dict[str, Any]]:
    if hasattr(tool, "list_tools"):
        return [{"type": "mcp", "name": type(tool).__name__}]
    read = reader(tool)
    found = [_declaration(each) for each in read("function_declarations") or ()]
    named = cast("Iterable[str]", tool if isinstance(tool, dict) else getattr(tool, "model_fields_set", ()))
    others = sorted({snake(name) for name in named} - {"function_declarations"})
    return [*found, *({"type": name, "name": name} for name in others if read(name) is not None)]


def _declaration(declaration: Any) -> dict[str, Any]:
    read = reader(declaration)
    found: dict[str, Any] = {"type": "function", "name": str(read("name") or "")}
    if read("description"):
        found["description"] = read("description")
    schema = read("parameters_json_schema") or read("parameters")
    if schema is not None:
        found["parameters"] = plain(schema)
    return found
