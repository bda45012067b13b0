"""Legacy `completions.create`, plain and streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.messages import Content, Message, TextPart
from agentops_instrumentors.core.operation import Call, Request, Response
from agentops_instrumentors.openai.chat import usage
from agentops_instrumentors.openai.parameters import parameters, request
from agentops_instrumentors.stainless import StainlessEndpoint, given

if TYPE_CHECKING:
    from agentops_instrumentors.core.stream import Accumulator


class Completions(StainlessEndpoint):
    """A text completion."""

    def request(self, instance: Any, call: Call) -> Request:
        prompt = given(call.kwargs.get("prompt"))
        return request(semconv.TEXT_COMPLETION, instance, call.kwargs, parameters(call.kwargs), lambda: _content(prompt))

    def response(self, returned: Any) -> Response:
        reasons = {choice.index: choice.finish_reason for choice in returned.choices}
        return _response([returned], {choice.index: choice.text for choice in returned.choices}, reasons)

    def accumulator(self) -> Accumulator:
        return CompletionsStream()


def _content(prompt: Any) -> Content:
    several = isinstance(prompt, list) and not all(isinstance(token, int) for token in cast("list[Any]", prompt))
    prompts = cast("list[Any]", prompt) if several else [prompt]
    # A prompt may be given as token ids; they are recorded as they are, in JSON.
    return Content([Message("user", [TextPart(text if isinstance(text, str) else str(text))]) for text in prompts if text is not None])


def _response(chunks: list[Any], texts: dict[int, str], reasons: dict[int, str | None]) -> Response:
    first = chunks[0]
    fingerprint = next((chunk.system_fingerprint for chunk in chunks if chunk.system_fingerprint), None)
    attributes = {semconv.OPENAI_RESPONSE_SYSTEM_FINGERPRINT: fingerprint} if fingerprint else {}
    order = sorted(texts)
    return Response(
        id=first.id,
        model=first.model,
        finish_reasons=[reasons.get(index) or "error" for index in order],
        usage=usage(next((chunk.usage for chunk in reversed(chunks) if chunk.usage), None)),
        attributes=attributes,
        metric_attributes=attributes,
        messages=lambda: [Message("assistant", [TextPart(texts[index])], finish_reason=reasons.get(index) or "error") for index in order],
    )


class CompletionsStream:
    """Gathers the chunks of a streamed text completion."""

    def __init__(self) -> None:
        self._chunks: list[Any] = []
        self.add = self._chunks.append

    def response(self) -> Response:
        if not self._chunks:
            return Response()
        texts: dict[int, list[str]] = {}
        reasons: dict[int, str | None] = {}
        for chunk in self._chunks:
            for choice in chunk.choices:
                texts.setdefault(choice.index, []).append(choice.text or "")
                reasons[choice.index] = choice.finish_reason or reasons.get(choice.index)
        return _response(self._chunks, {index: "".join(pieces) for index, pieces in texts.items()}, reasons)
