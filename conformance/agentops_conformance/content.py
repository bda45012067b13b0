"""Which attributes hold what people and models say, and whether it is in the shape that the conventions give it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from agentops_conformance import schema
from agentops_conformance.rules import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops_conformance.values import Attributes, Value
    from agentops_conformance.vocabulary import Vocabulary

WITH_SCHEMA: Final = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
    "gen_ai.retrieval.documents",
    "gen_ai.memory.records",
)
OF_PEOPLE: Final = frozenset(
    {
        *WITH_SCHEMA,
        "gen_ai.tool.call.arguments",
        "gen_ai.tool.call.result",
        "gen_ai.retrieval.query.text",
        "gen_ai.memory.query.text",
        "gen_ai.evaluation.explanation",
        "gen_ai.prompt",
        "gen_ai.completion",
        "agentops.entity.input",
        "agentops.entity.output",
    }
)
"""What is not to be there unless somebody opts in."""
OF_PEOPLE_PREFIXES: Final = ("gen_ai.prompt.variable.", "gen_ai.prompt.0.", "gen_ai.completion.")


def problems_of(attributes: Attributes, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Where content is not as its schema says; on spans it is JSON text, on events it may be structured."""
    for key in WITH_SCHEMA:
        if key in attributes:
            for problem in _problems(attributes[key], vocabulary.schemas[key]):
                yield Problem(f"{key}: {problem}", key)


def parsed(value: Value) -> Value:
    """Content as a structure; None where it is text that is no JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def _problems(value: Value, expected: schema.Json) -> list[str]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            return [f"not JSON: {error}"]
    return schema.problems(value, expected)
