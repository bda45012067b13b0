"""Tools of the Gemini format as they are offered to a model: declarations, the vendor's own, the program's functions, MCP servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from agentops_instrumentors.core import function_tool
from agentops_instrumentors.core.parts import plain
from agentops_instrumentors.core.reading import reader, snake

if TYPE_CHECKING:
    from collections.abc import Iterable


def definitions(tools: Any) -> list[dict[str, Any]]:
    """The tools of a request, one entry for every function and for every tool of the vendor's."""
    found: list[dict[str, Any]] = []
    for tool in tools or ():
        if callable(tool) and not hasattr(tool, "model_fields_set"):
            found.append(function_tool.definition(tool))
        else:
            found.extend(_declared(tool))
    return found


def _declared(tool: Any) -> Iterable[dict[str, Any]]:
    read = reader(tool)
    if hasattr(tool, "list_tools"):
        return [{"type": "mcp", "name": type(tool).__name__}]
    if read("input_schema") or read("inputSchema"):
        return [_declaration(tool)]
    named = cast("Iterable[str]", tool if isinstance(tool, dict) else getattr(tool, "model_fields_set", ()))
    others = sorted({snake(name) for name in named} - {"function_declarations"})
    declared = [_declaration(each) for each in read("function_declarations") or ()]
    return [*declared, *({"type": name, "name": name} for name in others if read(name) is not None)]


def _declaration(declaration: Any) -> dict[str, Any]:
    read = reader(declaration)
    found: dict[str, Any] = {"type": "function", "name": str(read("name") or "")}
    if read("description"):
        found["description"] = read("description")
    schemas = (read(name) for name in ("parameters_json_schema", "parameters", "input_schema", "inputSchema"))
    schema = next((one for one in schemas if one is not None), None)
    if schema is not None:
        found["parameters"] = plain(schema)
    return found
