"""Legacy `completions.create`, plain and streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.messages import Content, Message, TextPart
from agentops_instrumentors.core.operation import Call, Request, Response
from agentops_instrumentors.core.values import given, items
from agentops_instrumentors.formats.openai_chat_answer import usage
from agentops_instrumentors.openai.parameters import CLIENT_REQUEST, parameters, request
from agentops_instrumentors.stainless import StainlessEndpoint, asked

if TYPE_CHECKING:
    from agentops_instrumentors.core.stream import Accumulator


class Completions(StainlessEndpoint):
    """A text completion."""

    beside = CLIENT_REQUEST

    def request(self, instance: Any, call: Call) -> Request:
        kwargs = asked(call)
        return request(semconv.TEXT_COMPLETION, instance, kwargs, parameters(kwargs), lambda: _content(given(kwargs.get("prompt"))))

    def response(self, returned: Any) -> Response:
        choices = returned.choices or ()
        reasons = {choice.index: choice.finish_reason for choice in choices}
        return _response([returned], {choice.index: choice.text for choice in choices}, reasons)

    def accumulator(self) -> Accumulator:
        return CompletionsStream()


def _content(prompt: Any) -> Content:
    listed: list[Any] = [prompt] if isinstance(prompt, str) else list(items(prompt))
    # A prompt may be given as token ids; they are recorded as they are, in JSON.
    prompts = [listed] if listed and isinstance(listed[0], int) else listed
    return Content([Message("user", [TextPart(said if isinstance(said, str) else str(said))]) for said in prompts])


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
