"""`converse` and `converse_stream`. Amazon's own models speak this shape through `invoke_model` too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from agentops_instrumentors.bedrock import blocks
from agentops_instrumentors.bedrock.surface import PROVIDER, Asked, Surface, dig, guardrail, model_of, parameters, request_id
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.messages import Content
from agentops_instrumentors.core.operation import AttributeValue, Response
from agentops_instrumentors.core.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INFERENCE: Final = {
    "temperature": semconv.REQUEST_TEMPERATURE,
    "topP": semconv.REQUEST_TOP_P,
    "topK": semconv.REQUEST_TOP_K,
    "maxTokens": semconv.REQUEST_MAX_TOKENS,
    "max_new_tokens": semconv.REQUEST_MAX_TOKENS,
    "stopSequences": semconv.REQUEST_STOP_SEQUENCES,
}
_ADDITIONAL: Final = {
    "top_k": semconv.REQUEST_TOP_K,
    "seed": semconv.REQUEST_SEED,
    "frequency_penalty": semconv.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": semconv.REQUEST_PRESENCE_PENALTY,
    "reasoning_effort": semconv.REQUEST_REASONING_LEVEL,
}
_OUTPUT: Final = {"effort": semconv.REQUEST_REASONING_LEVEL}
FINISH_REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_call",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
}
"""The service's stop reasons as the conventions' messages call them."""


class Converse(Surface):
    """`Converse`, a chat of any model."""

    def request(self, params: Mapping[str, Any], server: tuple[str, int] | None) -> Asked:
        model, attributes = model_of(params.get("modelId"))
        attributes.update(asked_attributes(params))
        attributes.update(guardrail(dig(params, "guardrailConfig", "guardrailIdentifier")))
        return Asked(
            semconv.CHAT, PROVIDER, model, server, self.stream is not None, attributes, lambda: asked_content(params), surface=self
        )

    def response(self, answer: Mapping[str, Any], asked: Asked) -> Response:
        return converse_response(answer, request_id(answer))


class ConverseStream(Converse):
    """`ConverseStream`."""

    stream: ClassVar[str | None] = "stream"

    def whole(self, head: Mapping[str, Any], events: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
        return {**head, **converse_whole(events)}


def asked_attributes(params: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Inference parameters of a Converse-shaped request, those of the model's own included."""
    additional = params.get("additionalModelRequestFields")
    found = parameters(params.get("inferenceConfig"), INFERENCE)
    found.update(parameters(additional, _ADDITIONAL))
    found.update(parameters(dig(additional, "inferenceConfig"), INFERENCE))
    found.update(parameters(params.get("outputConfig"), _OUTPUT))
    if dig(params, "outputConfig", "textFormat"):
        found[semconv.OUTPUT_TYPE] = "json"
    return found


def asked_content(params: Mapping[str, Any]) -> Content:
    """Messages, system text and tools of a Converse-shaped request."""
    return Content(
        [blocks.message(message) for message in params.get("messages") or ()],
        blocks.parts(params.get("system") or ()),
        blocks.tool_definitions(params.get("toolConfig")),
    )


def converse_response(answer: Mapping[str, Any], identity: str | None) -> Response:
    """A Converse-shaped answer, whole or as far as its stream came."""
    said = dig(answer, "output", "message")
    reason = str(answer.get("stopReason") or "error")
    return Response(
        id=identity,
        model=model_of(dig(answer, "trace", "promptRouter", "invokedModelId"))[0],
        finish_reasons=[reason],
        usage=usage(answer.get("usage")),
        service_tier=dig(answer, "serviceTier", "type"),
        messages=None if said is None else lambda: [blocks.message(said, FINISH_REASONS.get(reason, reason))],
    )


def usage(reported: Mapping[str, Any] | None) -> Usage | None:
    """Usage of an answer. The service's input tokens leave out those read from and written to the cache; ours include them."""
    if not reported:
        return None
    read = _count(reported, "cacheReadInputTokens", "cacheReadInputTokenCount")
    write = _count(reported, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    fresh = reported.get("inputTokens")
    return Usage(
        input_tokens=None if fresh is None else fresh + (read or 0) + (write or 0),
        output_tokens=reported.get("outputTokens"),
        cache_read=read,
        cache_write=write,
    )


def _count(reported: Mapping[str, Any], *names: str) -> int | None:
    return next((reported[name] for name in names if reported.get(name) is not None), None)


def converse_whole(events: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The answer that the events of a Converse stream amount to."""
    found: dict[str, Any] = {}
    gathered: dict[int, dict[str, Any]] = {}
    role = "assistant"
    for kind, event in events:
        if kind == "messageStart":
            role = event.get("role") or role
        elif kind == "contentBlockStart":
            _start(gathered.setdefault(event.get("contentBlockIndex") or 0, {}), event.get("start") or {})
        elif kind == "contentBlockDelta":
            _extend(gathered.setdefault(event.get("contentBlockIndex") or 0, {}), event.get("delta") or {})
        elif kind == "messageStop":
            found["stopReason"] = event.get("stopReason")
        elif kind == "metadata":
            found.update(event)
    if gathered or "stopReason" in found:
        content = [_finished(gathered[index]) for index in sorted(gathered)]
        found["output"] = {"message": {"role": role, "content": content}}
    return found


def _start(block: dict[str, Any], start: Mapping[str, Any]) -> None:
    for kind, value in start.items():
        block[kind] = dict(value)


def _extend(block: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for kind, value in delta.items():
        if kind in ("text", "citation"):
            block.setdefault(kind, []).append(value)
        elif kind == "toolResult":
            block.setdefault(kind, {}).setdefault("content", []).extend(value)
        else:
            joined = block.setdefault(kind, {})
            for name, piece in value.items():
                known = joined.get(name)
                joined[name] = known + piece if isinstance(known, str) and isinstance(piece, str) else piece


def _finished(gathered: Mapping[str, Any]) -> dict[str, Any]:
    """A gathered block in the shape of one that was not streamed."""
    block = dict(gathered)
    citations, text = block.pop("citation", None), block.pop("text", None)
    if citations is not None:
        block["citationsContent"] = {"content": [{"text": "".join(text or ())}], "citations": citations}
    elif text is not None:
        block["text"] = "".join(text)
    if "toolUse" in block:
        block["toolUse"] = {**block["toolUse"], "input": arguments(block["toolUse"].get("input") or "{}")}
    thought = block.get("reasoningContent")
    if thought is not None and "text" in thought:
        block["reasoningContent"] = {"reasoningText": thought}
    return block


def arguments(text: Any) -> Any:
    """Tool arguments as the value their JSON text stands for, or the text itself where it is cut off."""
    if not isinstance(text, str):
        return text
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text
