"""Models that go on with one prompt, each in its own format: Meta's, Mistral's, Amazon's Titan, Cohere's Command, AI21's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentops_instrumentors.core.messages import Content, Message, TextPart
from agentops_instrumentors.core.plain import dig, many
from agentops_instrumentors.formats import converse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentops_instrumentors.core.operation import Response
    from agentops_instrumentors.formats.answer import Answer

_TEXTS: Final = (
    ("outputs", ("text",), ("stop_reason",)),
    ("generations", ("text",), ("finish_reason",)),
    ("results", ("outputText",), ("completionReason",)),
    ("choices", ("text",), ("stop_reason",)),
    ("completions", ("data", "text"), ("finishReason", "reason")),
)
"""Where the texts of a completion and their finish reasons are: of Mistral, Cohere, Amazon, DeepSeek and AI21."""
_FLAT: Final = ("generation", "outputText", "text")
"""Where Meta has its one text, and the chunks of Amazon and Cohere theirs."""
_FLAT_REASONS: Final = ("stop_reason", "completionReason", "finish_reason")


def content(body: Mapping[str, Any]) -> Content:
    return Content([Message("user", [TextPart(str(body.get("prompt") or body.get("inputText") or ""))])])


def response(answer: Answer) -> Response:
    texts: dict[int, list[str]] = {}
    reasons: dict[int, Any] = {}
    for chunk in answer.chunks:
        for index, (text, reason) in enumerate(_texts(chunk)):
            texts.setdefault(index, []).append(str(text or ""))
            reasons[index] = reason or reasons.get(index)
    said = [(converse.finish_reason(reasons[index]), _text_message("".join(texts[index]))) for index in sorted(texts)]
    counts = [dig(result, "tokenCount") for chunk in answer.chunks for result in many(chunk, "results")]
    answered = sum(counts) if counts and None not in counts else answer.last("generation_token_count", "totalOutputTokenTextCount")
    if None in reasons.values():
        # What a stream counts as it goes is no bill where it broke off.
        return answer.response(said, answer.usage())
    return answer.response(said, answer.usage(answer.last("prompt_token_count", "inputTextTokenCount"), answered))


def _text_message(text: str) -> Callable[[str], Message]:
    return lambda reason: Message("assistant", [TextPart(text)], finish_reason=reason)


def _texts(chunk: Any) -> list[tuple[Any, Any]]:
    for name, text, reason in _TEXTS:
        if isinstance(dig(chunk, name), list):
            return [(dig(item, *text), dig(item, *reason)) for item in many(chunk, name)]
    text, reason = (next((found for name in names if (found := dig(chunk, name)) is not None), None) for names in (_FLAT, _FLAT_REASONS))
    return [] if text is None and reason is None else [(text, reason)]
