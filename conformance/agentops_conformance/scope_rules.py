"""Rules on the instrumentation that a signal says it comes from, where it speaks the GenAI conventions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agentops_conformance.rules import Problem, rule_set
from agentops_conformance.values import Level, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agentops_conformance.vocabulary import Vocabulary

_PREFIXES: Final = ("gen_ai.", "openai.", "mcp.", "aws.bedrock.")


@dataclass(frozen=True, slots=True)
class Emitted:
    """A signal's scope, and the names it uses: of attributes, and its own where it is a metric or an event."""

    scope: Scope
    names: Iterable[str]


def scope_name_missing(emitted: Emitted, vocabulary: Vocabulary) -> Iterator[Problem]:
    """GenAI telemetry says which instrumentation made it."""
    if not emitted.scope.name and _genai(emitted):
        yield Problem("the scope has no name: give the tracer, meter or logger the instrumentation's")


def scope_version_missing(emitted: Emitted, vocabulary: Vocabulary) -> Iterator[Problem]:
    """GenAI telemetry says which version of the instrumentation made it."""
    if emitted.scope.name and not emitted.scope.version and _genai(emitted):
        yield Problem(f"the scope {emitted.scope.name} has no version: give the tracer, meter or logger the instrumentation's")


def _genai(emitted: Emitted) -> bool:
    return any(name.startswith(_PREFIXES) for name in emitted.names)


RULES: Final = rule_set(Level.VIOLATION, scope_name_missing, scope_version_missing)
