"""Decides, deterministically, what the model says next. Standard library only."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from tests.fakes.openai_wire import Json, is_reasoning

REASONING_TOKENS: Final = 64
_DEEPEST: Final = 8
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_WORD: Final = re.compile(r"\w[\w-]*")


@dataclass(frozen=True, slots=True)
class Turn:
    """The request as either endpoint puts it: `user` is the last user text, `results` the tool results after it."""

    model: str
    user: str
    results: tuple[str, ...] = ()
    tools: tuple[tuple[str, Json], ...] = ()
    tool_choice: Any = None
    schema: Json | None = None
    json_object: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Exactly one of `text`, `refusal` and `calls` (name, arguments as JSON text) is set."""

    text: str | None = None
    refusal: str | None = None
    calls: tuple[tuple[str, str], ...] = ()
    reasoning: int = 0


def decide(turn: Turn) -> Plan:
    """Tool calls for a user turn with tools, an answer otherwise; a model named `*refusal*` refuses."""
    reasoning = REASONING_TOKENS if is_reasoning(turn.model) else 0
    if "refusal" in turn.model:
        return Plan(refusal="I'm sorry, I can't assist with that request.", reasoning=reasoning)
    chosen = () if turn.results else _chosen_tools(turn)
    if chosen:
        return Plan(calls=tuple((name, json.dumps(example(schema, turn.user))) for name, schema in chosen), reasoning=reasoning)
    if turn.schema is not None:
        return Plan(text=json.dumps(example(turn.schema, turn.user)), reasoning=reasoning)
    if turn.json_object:
        return Plan(text=json.dumps({"answer": turn.user}), reasoning=reasoning)
    if turn.results:
        return Plan(text="The result is: " + "; ".join(turn.results), reasoning=reasoning)
    if turn.user.startswith("Summarise"):
        return Plan(text="In short: " + turn.user.partition(":")[2].strip(), reasoning=reasoning)
    return Plan(text=f"You said: {turn.user}", reasoning=reasoning)


def _chosen_tools(turn: Turn) -> tuple[tuple[str, Json], ...]:
    """The tool the request forces, else those the user names, else the first."""
    choice = turn.tool_choice
    if not turn.tools or choice == "none":
        return ()
    if isinstance(choice, dict):
        name = choice.get("name") or choice.get("function", {}).get("name")
        return tuple(tool for tool in turn.tools if tool[0] == name)
    return tuple(tool for tool in turn.tools if tool[0] in turn.user) or turn.tools[:1]


def example(schema: Json, text: str, root: Json | None = None, depth: int = 0) -> Any:
    """A value `schema` accepts: strings and numbers are taken from `text` where it has some; recursion ends early."""
    root = schema if root is None else root
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].lstrip("#/").split("/"):
            target = target[step]
        return example(target, text, root, depth + 1)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return next((value for value in schema["enum"] if str(value).lower() in text.lower()), schema["enum"][0])
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return example(schema[key][0 if depth < _DEEPEST else -1], text, root, depth + 1)
    return _example_of_type(schema, text, root, depth + 1)


def _example_of_type(schema: Json, text: str, root: Json, depth: int) -> Any:
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: example(part, text, root, depth) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema.get("items", {"type": "string"}), text, root, depth)] if depth < _DEEPEST else []
    if kind in ("integer", "number"):
        number = _NUMBER.search(text)
        value = float(number[0]) if number else 1.0
        return int(value) if kind == "integer" or value.is_integer() else value
    if kind == "string":
        words = _WORD.findall(text)
        return words[-1] if words else "text"
    return None if kind == "null" else True
