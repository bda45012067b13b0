"""The part of JSON schema that content schemas use.

In a union, the branch is chosen by the value's `type`: the generic branch accepts anything, so trying all of them would
never find an ill-formed part of a known type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def problems(value: Any, schema: Json) -> list[str]:
    """Where `value` is not as `schema` says, each with its path; empty when it is."""
    return list(_check(value, schema, schema.get("$defs", {}), "$"))


def _check(value: Any, schema: Json, definitions: Json, path: str) -> Iterator[str]:
    schema = _resolved(schema, definitions)
    if "anyOf" in schema:
        yield from _check_union(value, [_resolved(branch, definitions) for branch in schema["anyOf"]], definitions, path)
        return
    if "const" in schema and value != schema["const"]:
        yield f"{path} is {value!r}, not {schema['const']!r}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{path} is {value!r}, not one of {', '.join(map(str, schema['enum']))}"
    elif "type" in schema and not _is(value, schema["type"]):
        yield f"{path} is {type(value).__name__}, not {schema['type']}"
    elif isinstance(value, dict):
        yield from _check_object(cast("Json", value), schema, definitions, path)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(cast("list[Any]", value)):
            yield from _check(item, schema["items"], definitions, f"{path}[{index}]")


def _check_object(value: Json, schema: Json, definitions: Json, path: str) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path} has no {name!r}"
    for name, inner in schema.get("properties", {}).items():
        if name in value:
            yield from _check(value[name], inner, definitions, f"{path}.{name}")


def _check_union(value: Any, branches: list[Json], definitions: Json, path: str) -> Iterator[str]:
    given: Any = cast("Json", value).get("type") if isinstance(value, dict) else None
    named = [branch for branch in branches if _constant(branch) is not None]
    chosen = [branch for branch in named if _constant(branch) == given] or [branch for branch in branches if branch not in named]
    failures = [list(_check(value, branch, definitions, path)) for branch in chosen]
    if all(failures):
        yield from min(failures, key=len)


def _constant(branch: Json) -> Any:
    return branch.get("properties", {}).get("type", {}).get("const")


def _resolved(schema: Json, definitions: Json) -> Json:
    reference = schema.get("$ref")
    return definitions[reference.rpartition("/")[2]] if reference else schema


def _is(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
