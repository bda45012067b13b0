"""The Converse format of AWS Bedrock, which Amazon's own models speak by themselves too: requests, answers and streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentops_instrumentors.core import parts, plain, semconv
from agentops_instrumentors.core.messages import Content
from agentops_instrumentors.core.operation import AttributeValue, Response
from agentops_instrumentors.core.plain import dig, inside, many
from agentops_instrumentors.core.usage import Usage
from agentops_instrumentors.formats import converse_blocks as blocks

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
_FINISH_REASONS: Final = {
    **dict.fromkeys(("end_turn", "stop_sequence", "complete", "finish", "finished", "endoftext", "eos"), "stop"),
    **dict.fromkeys(("max_tokens", "model_context_window_exceeded"), "length"),
    **dict.fromkeys(("tool_use", "tool_calls"), "tool_call"),
    **dict.fromkeys(("guardrail_intervened", "content_filtered", "error_toxic"), "content_filter"),
    **dict.fromkeys(("malformed_model_output", "malformed_tool_use"), "error"),
}
"""Stop reasons, in lower case, as the conventions call them; those of the models' own formats too."""


def attributes(params: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Inference parameters of a Converse-shaped request, those of the model's own included."""
    additional = params.get("additionalModelRequestFields")
    found = plain.attributes(params.get("inferenceConfig"), INFERENCE)
    found.update(plain.attributes(additional, _ADDITIONAL))
    found.update(plain.attributes(dig(additional, "inferenceConfig"), INFERENCE))
    found.update(plain.attributes(params.get("outputConfig"), _OUTPUT))
    if dig(params, "outputConfig", "textFormat"):
        found[semconv.OUTPUT_TYPE] = "json"
    return found


def content(params: Mapping[str, Any]) -> Content:
    """Messages, system text and tools of a Converse-shaped request."""
    return Content(
        [blocks.message(message) for message in many(params, "messages")],
        blocks.parts(many(params, "system")),
        blocks.tool_definitions(params.get("toolConfig")),
    )


def response(answer: Mapping[str, Any], identity: str | None, routed: str | None = None) -> Response:
    """A Converse-shaped answer, whole or as far as its stream came."""
    said = dig(answer, "output", "message")
    reason = finish_reason(answer.get("stopReason"))
    return Response(
        id=identity,
        model=routed,
        finish_reasons=[reason] if said is not None else (),
        usage=usage(answer.get("usage")),
        service_tier=dig(answer, "serviceTier", "type"),
        messages=None if said is None else lambda: [blocks.message(said, reason)],
    )


def finish_reason(told: Any) -> str:
    """A stop reason by the conventions; `error` where an answer broke off without one."""
    reason = str(told or "error").lower()
    return _FINISH_REASONS.get(reason, reason)


def usage(told: Any) -> Usage | None:
    """Usage of an answer. The service's input tokens leave out those read from and written to the cache; ours include them."""
    reported = {name: count for name, count in inside(told).items() if isinstance(count, int)}
    if not any(reported.values()):
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


def whole(events: Sequence[tuple[str, Any]]) -> dict[str, Any]:
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
    if events:
        finished = [_finished(gathered[index]) for index in sorted(gathered)]
        found["output"] = {"message": {"role": role, "content": finished}}
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
        block["toolUse"] = {**block["toolUse"], "input": parts.arguments(block["toolUse"].get("input") or "{}")}
    thought = block.get("reasoningContent")
    if thought is not None and "text" in thought:
        block["reasoningContent"] = {"reasoningText": thought}
    return block
