"""Rules on a span that the official policies do not have: what its attributes say must fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from agentops_conformance.content import parsed
from agentops_conformance.rules import Problem, rule_set
from agentops_conformance.values import Level, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops_conformance.vocabulary import Vocabulary

_OPERATION: Final = "gen_ai.operation.name"
_REASONS: Final = "gen_ai.response.finish_reasons"
_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
_INFERENCE_MARKS: Final = ("gen_ai.request.model", "gen_ai.response.model", "gen_ai.usage.input_tokens", "gen_ai.system")
_FINISH_REASONS: Final = frozenset({"stop", "length", "content_filter", "tool_call", "compaction", "error"})
"""The conventions' own words. A service's may stand beside them and are not compared."""
_NOT_ON_INTERNAL_AGENTS: Final = ("gen_ai.provider.name", "gen_ai.agent.id", "gen_ai.agent.version")
_USAGE: Final = "gen_ai.usage."
_PARTS: Final = {
    "input_tokens": (
        ("cache_read.input_tokens", "cache_write.input_tokens"),
        ("text.input_tokens", "audio.input_tokens", "image.input_tokens"),
    ),
    "output_tokens": (("reasoning.output_tokens",), ("text.output_tokens", "audio.output_tokens", "image.output_tokens")),
    "cache_read.input_tokens": (("text.cache_read.input_tokens", "audio.cache_read.input_tokens", "image.cache_read.input_tokens"),),
}
"""Token counts and what may be no more than they: the attributes of each group taken together."""


def genai_operation_name_missing(span: Span, vocabulary: Vocabulary) -> Iterator[Problem]:
    """A span that its other attributes show to be a GenAI operation does not say which."""
    if _OPERATION in span.attributes or "mcp.method.name" in span.attributes:
        return
    marks = {mark for entry in vocabulary.spans.values() if span.kind in entry.kinds for mark in entry.identified_by}
    marks.update(_INFERENCE_MARKS if span.kind == "client" else ())
    told = sorted(mark for mark in marks if mark in span.attributes)
    if told:
        yield Problem(f"{_OPERATION} is missing on a span with {told[0]}: say which operation it is", _OPERATION)


def finish_reasons_not_positional(span: Span, vocabulary: Vocabulary) -> Iterator[Problem]:
    """The finish reasons are one per choice, in the order of the choices: as many as output messages, and the same."""
    reasons = span.attributes.get(_REASONS)
    if not isinstance(reasons, list):
        return
    if not reasons:
        yield Problem(f"{_REASONS} is empty: give one per choice, error where the service gives none", _REASONS)
    messages = parsed(span.attributes.get("gen_ai.output.messages"))
    if not reasons or not isinstance(messages, list):
        return
    given = [cast("dict[str, Any]", message).get("finish_reason") if isinstance(message, dict) else None for message in messages]
    if len(given) != len(reasons):
        yield Problem(f"{_REASONS} has {len(reasons)} entries for {len(given)} output messages: give one each", _REASONS)
    elif any(said != stated for said, stated in zip(given, reasons, strict=True) if _own_words(said, stated)):
        yield Problem(f"{_REASONS} is {reasons}, where the messages say {given}: keep their order", _REASONS)


def token_part_exceeds_total(span: Span, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Cached, reasoning and modality tokens are part of the input or output tokens, and so no more than they."""
    for total, groups in _PARTS.items():
        whole = span.attributes.get(_USAGE + total)
        for group in groups:
            part = sum(value for name in group if isinstance(value := span.attributes.get(_USAGE + name), int))
            if isinstance(whole, int) and part > whole:
                keys = " + ".join(_USAGE + name for name in group if _USAGE + name in span.attributes)
                yield Problem(f"{keys} is {part}, more than the {whole} of {_USAGE}{total}: count them in", _USAGE + total)


def time_to_first_chunk_without_stream(span: Span, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Only a streaming request has a first chunk."""
    if _FIRST_CHUNK in span.attributes and span.attributes.get("gen_ai.request.stream") is not True:
        yield Problem(f"{_FIRST_CHUNK} without gen_ai.request.stream: set that, or leave this out", _FIRST_CHUNK)


def token_usage_on_fetch_response(span: Span, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Fetching a response uses no tokens: the call that made it has counted them."""
    if span.attributes.get(_OPERATION) == "fetch_response":
        for key in sorted(key for key in span.attributes if key.startswith(_USAGE)):
            yield Problem(f"{key} on a span that only fetches: leave it out, or it is counted twice", key)


def attribute_not_on_internal_agent(span: Span, vocabulary: Vocabulary) -> Iterator[Problem]:
    """An agent in this process has no provider, no service's id of it, and no cached tokens of its own."""
    if span.attributes.get(_OPERATION) == "invoke_agent" and span.kind == "internal":
        cached = [key for key in span.attributes if key.startswith(_USAGE) and "cache_" in key]
        for key in (*_NOT_ON_INTERNAL_AGENTS, *sorted(cached)):
            if key in span.attributes:
                yield Problem(f"{key} on an agent in this process: it belongs on calls to a service", key)


def _own_words(*reasons: object) -> bool:
    return all(isinstance(reason, str) and reason in _FINISH_REASONS for reason in reasons)


RULES: Final = rule_set(
    Level.VIOLATION,
    genai_operation_name_missing,
    finish_reasons_not_positional,
    token_part_exceeds_total,
    time_to_first_chunk_without_stream,
    token_usage_on_fetch_response,
    attribute_not_on_internal_agent,
)
