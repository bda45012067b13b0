"""Rules on a span, of OpenTelemetry's common conformance policy and its GenAI policy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agentops_conformance.content import problems_of
from agentops_conformance.presence_rules import Carrier
from agentops_conformance.rules import Problem, rule_set
from agentops_conformance.values import Level, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops_conformance.vocabulary import SpanEntry, Vocabulary

_OPERATION: Final = "gen_ai.operation.name"
_PLACEHOLDER: Final = re.compile(r"\{([a-z0-9_.]+)\}")
_AS_ASKED: Final = frozenset(
    {
        "gen_ai.request.temperature",
        "gen_ai.request.max_tokens",
        "gen_ai.request.top_k",
        "gen_ai.request.top_p",
        "gen_ai.request.stop_sequences",
        "gen_ai.request.presence_penalty",
        "gen_ai.request.frequency_penalty",
        "gen_ai.tool.description",
        "aws.bedrock.knowledge_base.id",
    }
)
"""Recommended attributes that only a request which says so can have."""
_OF_THE_ANSWER: Final = ("gen_ai.response.", "gen_ai.usage.", "openai.response.", "gen_ai.embeddings.dimension.count")


def span_status_ok_set_by_instrumentation(span: Span, vocabulary: Vocabulary) -> Iterator[Problem]:
    """OK is the application's to say; an instrumentation leaves success unset."""
    if span.status == "ok":
        yield Problem("status is OK: leave it unset on success, OK is for the application to set")


def error_type_missing_on_error(span: Span, vocabulary: Vocabulary) -> Iterator[Problem]:
    """A failed span says what failed."""
    if span.status == "error" and "error.type" not in span.attributes:
        yield Problem("status is ERROR without error.type: set it to the class of the failure", "error.type")


def error_type_without_error_status(span: Span, vocabulary: Vocabulary) -> Iterator[Problem]:
    """What has an error type has failed."""
    if span.status != "error" and "error.type" in span.attributes:
        yield Problem(f"error.type with status {span.status.upper()}: set the status to ERROR, or leave error.type out", "error.type")


def genai_operation_name_unknown(span: Span, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The operation is one of the conventions', or one that is declared."""
    operation = span.attributes.get(_OPERATION)
    if operation is not None and operation not in vocabulary.operations:
        yield Problem(f"operation {operation!r} is unknown: use one of {', '.join(sorted(map(str, vocabulary.operations)))}", _OPERATION)


def genai_span_kind_unexpected(span: Span, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The kind is one that spans of this operation may have."""
    kinds = {kind for entry in span_types(span, vocabulary).values() for kind in entry.kinds}
    if kinds and span.kind not in kinds:
        yield Problem(f"kind is {span.kind.upper()}, not {' or '.join(sorted(kinds)).upper()}")


def genai_span_name_format(span: Span, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The name is the first of the operation's templates whose attributes are all there."""
    templates = [names for type_name in span_types(span, vocabulary) for names in vocabulary.names(type_name)]
    expected = {name for names in templates if (name := _name(names, span)) is not None}
    if expected and span.name not in expected:
        yield Problem(f"name is not {' or '.join(map(repr, sorted(expected)))}: name the span so")


def genai_expected_attribute_missing(span: Span, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Required and unconditionally recommended attributes are there; a failed span need not know what its answer would have said."""
    for name, entry in span_types(span, vocabulary).items():
        if span.kind not in entry.kinds:
            continue
        levels = vocabulary.levels(name, entry.attributes, span.attributes.get("gen_ai.provider.name"))
        expected = [*levels.get("required", {}), *_recommended(levels.get("recommended", {}), span)]
        for key in expected:
            if key not in span.attributes:
                yield Problem(f"{key} is missing, which {name} has: set it", key)


def genai_content_schema(span: Span, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Content is as its JSON schema says, each part by its own type."""
    yield from problems_of(span.attributes, vocabulary)


def span_types(span: Span, vocabulary: Vocabulary) -> dict[str, SpanEntry]:
    """The span types a span may be, by what identifies them on the wire; none for a span of something else."""
    if "mcp.method.name" in span.attributes:
        return {name: vocabulary.spans[name] for name in (f"mcp.{span.kind}",) if name in vocabulary.spans}
    operation = span.attributes.get(_OPERATION)
    return {name: entry for name, entry in vocabulary.spans.items() if operation in entry.operations}


def carriers(span: Span, vocabulary: Vocabulary) -> Iterator[Carrier]:
    """The span as each of the types it may be of its kind, for rules on conditions; without `error.type`, which has rules of its own."""
    for name, entry in span_types(span, vocabulary).items():
        if span.kind in entry.kinds:
            levels = vocabulary.levels(name, entry.attributes, span.attributes.get("gen_ai.provider.name"))
            conditional = {key: condition for key, condition in levels.get("conditionally_required", {}).items() if key != "error.type"}
            yield Carrier(name, span.attributes, {"conditionally_required": conditional}, span.status == "error")


def _name(templates: tuple[str, ...], span: Span) -> str | None:
    for template in templates:
        keys = _PLACEHOLDER.findall(template)
        if all(span.attributes.get(key) for key in keys):
            return _PLACEHOLDER.sub(lambda match: str(span.attributes[match[1]]), template)
    return None


def _recommended(recommended: dict[str, str], span: Span) -> list[str]:
    unconditional = [key for key, condition in recommended.items() if not condition and key not in _AS_ASKED]
    return [key for key in unconditional if span.status != "error" or not key.startswith(_OF_THE_ANSWER)]


RULES: Final = rule_set(
    Level.VIOLATION,
    span_status_ok_set_by_instrumentation,
    error_type_missing_on_error,
    error_type_without_error_status,
    genai_operation_name_unknown,
    genai_span_kind_unexpected,
    genai_span_name_format,
    genai_expected_attribute_missing,
    genai_content_schema,
)
