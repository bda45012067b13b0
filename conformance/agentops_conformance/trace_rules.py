"""Rules on the spans of one trace together."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agentops_conformance.rules import Problem, rule_set
from agentops_conformance.values import Level, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops_conformance.vocabulary import Vocabulary

_CONVERSATION: Final = "gen_ai.conversation.id"
_RESPONSE: Final = "gen_ai.response.id"
_OPERATION: Final = "gen_ai.operation.name"


@dataclass(frozen=True, slots=True)
class Trace:
    """The spans of a trace by id, and which was the first to tell of a call: an operation and its response."""

    spans: dict[str, Span] = field(default_factory=dict[str, Span])
    calls: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])


@dataclass(frozen=True, slots=True)
class Placed:
    """A span and its trace."""

    span: Span
    trace: Trace


def conversation_id_differs(placed: Placed, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Within a span that says its conversation, every span that says one says the same."""
    above = _conversation_above(placed)
    own = placed.span.attributes.get(_CONVERSATION)
    if above is not None and own is not None and own != above:
        yield Problem(f"{_CONVERSATION} is {own!r} within {above!r}: a trace is of one conversation", _CONVERSATION)


def conversation_id_not_passed_on(placed: Placed, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Within a span that says its conversation, spans of types that have one say it too."""
    above = _conversation_above(placed)
    operation = placed.span.attributes.get(_OPERATION)
    types = [entry for entry in vocabulary.spans.values() if operation in entry.operations and placed.span.kind in entry.kinds]
    declared = any(_CONVERSATION in keys for entry in types for keys in entry.attributes.values())
    if above is not None and declared and _CONVERSATION not in placed.span.attributes:
        yield Problem(f"{_CONVERSATION} is missing within a span that has it: pass it on by context", _CONVERSATION)


def provider_call_counted_twice(placed: Placed, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Two client spans of one operation tell of the same response: what sums them counts its tokens twice."""
    identity = _call(placed.span)
    if identity is not None and placed.trace.calls[identity] != placed.span.span_id:
        yield Problem(f"a second {identity[0]} span for response {identity[1]}: record each call once", _RESPONSE)


def placed(spans: tuple[Span, ...]) -> Iterator[Placed]:
    """Each span with those of its trace."""
    traces: dict[str, Trace] = defaultdict(Trace)
    for span in spans:
        trace = traces[span.trace_id]
        trace.spans[span.span_id] = span
        identity = _call(span)
        if identity is not None:
            trace.calls.setdefault(identity, span.span_id)
    for span in spans:
        yield Placed(span, traces[span.trace_id])


def _conversation_above(placed: Placed) -> object:
    seen: set[str] = set()
    parent = placed.trace.spans.get(placed.span.parent_id)
    while parent is not None and parent.span_id not in seen:
        if _CONVERSATION in parent.attributes:
            return parent.attributes[_CONVERSATION]
        seen.add(parent.span_id)
        parent = placed.trace.spans.get(parent.parent_id)
    return None


def _call(span: Span) -> tuple[str, str] | None:
    operation, response = span.attributes.get(_OPERATION), span.attributes.get(_RESPONSE)
    if span.kind != "client" or operation == "fetch_response" or not isinstance(operation, str) or not isinstance(response, str):
        return None
    return operation, response


RULES: Final = (
    *rule_set(Level.VIOLATION, conversation_id_differs, provider_call_counted_twice),
    *rule_set(Level.IMPROVEMENT, conversation_id_not_passed_on),
)
