"""Answers of the Gemini format, whole or in chunks: candidates, why they ended, usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentops_instrumentors.core.messages import Message, Part, ReasoningPart, TextPart
from agentops_instrumentors.core.operation import Response
from agentops_instrumentors.core.reading import reader, word
from agentops_instrumentors.core.usage import Usage
from agentops_instrumentors.formats.gemini import part

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LENGTH: Final = ("MAX_TOKENS", "CONTINUATION")
_FILTERED: Final = (
    *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"),
    *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
)
_REASONS: Final = {"STOP": "stop", **dict.fromkeys(_LENGTH, "length"), **dict.fromkeys(_FILTERED, "content_filter")}
"""The rest are ways to fail."""


class Chunks:
    """Gathers the chunks of a stream; a whole answer is a stream of one. Texts are kept, not the chunks around them."""

    __slots__ = ("_candidates", "_head")

    def __init__(self) -> None:
        self._candidates: dict[int, _Candidate] = {}
        self._head: _Head | None = None

    def add(self, chunk: Any) -> None:
        if self._head is None:
            self._head = _Head()
        self._head.take(chunk)
        for piece in chunk.candidates or ():
            index = piece.index or 0
            candidate = self._candidates.get(index)
            if candidate is None:
                candidate = self._candidates[index] = _Candidate()
            candidate.take(piece)

    def response(self) -> Response:
        head = self._head
        if head is None:
            return Response()
        candidates = [self._candidates[index] for index in sorted(self._candidates)]
        reasons = [candidate.reason() for candidate in candidates]
        if not candidates and head.blocked:
            reasons = ["content_filter"]
        return Response(
            id=head.id,
            model=head.model,
            finish_reasons=reasons,
            usage=usage(head.usage),
            messages=lambda: [candidate.message() for candidate in candidates],
        )


class _Head:
    """What chunks say beside their candidates, the last word of each kept."""

    __slots__ = ("blocked", "id", "model", "usage")

    def __init__(self) -> None:
        self.id: str | None = None
        self.model: str | None = None
        self.usage: Any = None
        self.blocked = False

    def take(self, chunk: Any) -> None:
        self.id = getattr(chunk, "response_id", None) or self.id
        self.model = chunk.model_version or self.model
        self.usage = chunk.usage_metadata or self.usage
        feedback = chunk.prompt_feedback
        if feedback is not None and feedback.block_reason:
            self.blocked = True


class _Candidate:
    """One candidate: runs of text, thought or said, and the parts that are more than text, in their order."""

    __slots__ = ("_calls", "_finish_reason", "_runs")

    def __init__(self) -> None:
        self._runs: list[Any] = []
        self._finish_reason: Any = None
        self._calls = False

    def take(self, candidate: Any) -> None:
        if candidate.finish_reason:
            self._finish_reason = candidate.finish_reason
        content = candidate.content
        for item in (content.parts if content is not None else None) or ():
            if item.text is None:
                self._calls = self._calls or item.function_call is not None
                self._runs.append(item)
                continue
            last = self._runs[-1] if self._runs else None
            if type(last) is _Run and last.thought == bool(item.thought):
                last.texts.append(item.text)
            else:
                self._runs.append(_Run(bool(item.thought), item.text))

    def reason(self) -> str:
        """Why the model stopped, by the conventions: with a function call the service says no more than STOP."""
        named = _REASONS.get(word(self._finish_reason), "error")
        return "tool_call" if named == "stop" and self._calls else named

    def message(self) -> Message:
        return Message("assistant", list(self._parts()), finish_reason=self.reason())

    def _parts(self) -> Iterable[Part]:
        for run in self._runs:
            if type(run) is not _Run:
                yield part(run)
            elif text := "".join(run.texts):
                yield ReasoningPart(text) if run.thought else TextPart(text)


class _Run:
    __slots__ = ("texts", "thought")

    def __init__(self, thought: bool, text: str) -> None:
        self.thought = thought
        self.texts = [text]


def usage(reported: Any) -> Usage | None:
    """Usage by the one meaning: what tools brought into the prompt is input, thoughts are output, cached is part of the prompt."""
    if reported is None:
        return None
    read = reader(reported)
    # Live sessions call the candidates the response.
    said, thought = read("candidates_token_count") or read("response_token_count"), read("thoughts_token_count")
    asked = _by_modality(reported, "prompt_tokens_details", "tool_use_prompt_tokens_details")
    answered = _by_modality(reported, "candidates_tokens_details", "response_tokens_details")
    cached = _by_modality(reported, "cache_tokens_details")
    return Usage(
        input_tokens=_sum(read("prompt_token_count"), read("tool_use_prompt_token_count")),
        output_tokens=_sum(said, thought),
        cache_read=read("cached_content_token_count"),
        reasoning=thought,
        text_input=asked.get("TEXT"),
        text_output=answered.get("TEXT"),
        audio_input=asked.get("AUDIO"),
        audio_output=answered.get("AUDIO"),
        audio_cache_read=cached.get("AUDIO"),
        image_input=asked.get("IMAGE"),
        image_output=answered.get("IMAGE"),
    )


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _by_modality(reported: Any, *names: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        details: Sequence[Any] = getattr(reported, name, None) or ()
        for detail in details:
            kind = word(detail.modality)
            found[kind] = found.get(kind, 0) + (detail.token_count or 0)
    return found
