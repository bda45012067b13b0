"""LangChain's values of a model call as ours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.messages import Content, Message, Part, TextPart, ToolCallPart, ToolCallResponsePart
from agentops_instrumentors.core.operation import AttributeValue, Request, Response
from agentops_instrumentors.core.usage import Usage

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import LLMResult

_ROLES: Final = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant"}
_PROVIDERS: Final = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "vertexai": "gcp.vertex_ai",
    "google_genai": "gcp.gemini",
    "openai": "openai",
    "anthropic": "anthropic",
    "mistral": "mistral_ai",
    "cohere": "cohere",
    "groq": "groq",
    "deepseek": "deepseek",
    "xai": "x_ai",
    "ollama": "ollama",
}
_PARAMETERS: Final = {
    "temperature": semconv.REQUEST_TEMPERATURE,
    "max_tokens": semconv.REQUEST_MAX_TOKENS,
    "top_p": semconv.REQUEST_TOP_P,
    "seed": semconv.REQUEST_SEED,
}


def request(
    operation: str, serialized: Mapping[str, Any] | None, options: Mapping[str, Any], said: Sequence[BaseMessage] | Sequence[str]
) -> Request:
    """What LangChain asks a model, as far as callbacks tell: `options` are a start event's keyword arguments."""
    params: Mapping[str, Any] = options.get("invocation_params") or {}
    metadata: Mapping[str, Any] = options.get("metadata") or {}
    path: Sequence[str] = (serialized or {}).get("id") or ()
    model = params.get("model") or params.get("model_name") or metadata.get("ls_model_name")
    attributes: dict[str, AttributeValue] = {}
    for name, attribute in _PARAMETERS.items():
        value = params.get(name, metadata.get(f"ls_{name}"))
        if isinstance(value, (int, float)):
            attributes[attribute] = value
    return Request(
        operation=operation,
        provider=_provider(" ".join([str(metadata.get("ls_provider") or ""), str(params.get("_type") or ""), *path]).lower()),
        model=None if model is None else str(model),
        attributes=attributes,
        content=lambda: Content([_message(each) for each in said]),
    )


def response(result: LLMResult) -> Response:
    """What the model answered."""
    first = result.generations[0] if result.generations else []
    answers = [cast("Any", getattr(generation, "message", None)) for generation in first]
    told: Mapping[str, Any] = (getattr(answers[0], "response_metadata", None) if answers else None) or {}
    summary: Mapping[str, Any] = result.llm_output or {}
    model = told.get("model_name") or told.get("model") or summary.get("model_name")
    reasons = [_reason(generation.generation_info, answer) for generation, answer in zip(first, answers, strict=True)]
    texts = [(generation.text, answer) for generation, answer in zip(first, answers, strict=True)]
    return Response(
        id=told.get("id"),
        model=None if model is None else str(model),
        finish_reasons=[reason for reason in reasons if reason],
        usage=_usage(answers[0] if answers else None, summary),
        messages=lambda: [
            _message(text if answer is None else answer, reason or None) for (text, answer), reason in zip(texts, reasons, strict=True)
        ],
    )


def _provider(described: str) -> str:
    return next((name for word, name in _PROVIDERS.items() if word in described), "langchain")


def _reason(info: object, answer: object) -> str:
    for told in (info, getattr(answer, "response_metadata", None)):
        if isinstance(told, Mapping):
            reasons = cast("Mapping[str, object]", told)
            reason = reasons.get("finish_reason") or reasons.get("stop_reason")
            if reason:
                return str(reason)
    return ""


def _usage(answer: object, summary: Mapping[str, Any]) -> Usage | None:
    told: Mapping[str, Any] | None = getattr(answer, "usage_metadata", None)
    if told:
        inputs: Mapping[str, Any] = told.get("input_token_details") or {}
        outputs: Mapping[str, Any] = told.get("output_token_details") or {}
        return Usage(
            told.get("input_tokens"),
            told.get("output_tokens"),
            inputs.get("cache_read"),
            inputs.get("cache_creation"),
            outputs.get("reasoning"),
        )
    older: Mapping[str, Any] = summary.get("token_usage") or summary.get("usage") or {}
    if not older:
        return None
    return Usage(older.get("prompt_tokens", older.get("input_tokens")), older.get("completion_tokens", older.get("output_tokens")))


def _message(said: BaseMessage | str, finish_reason: str | None = None) -> Message:
    if isinstance(said, str):
        return Message("assistant" if finish_reason else "user", [TextPart(said)], finish_reason=finish_reason)
    role = _ROLES.get(said.type, said.type)
    if role == "tool":
        return Message(role, [ToolCallResponsePart(said.content, getattr(said, "tool_call_id", None))])
    parts: list[Part] = []
    content = cast("object", said.content)
    blocks = cast("list[object]", content) if isinstance(content, list) else [content]
    for block in blocks:
        if isinstance(block, str):
            parts.extend([TextPart(block)] if block else [])
        else:
            parts.append(_block(cast("dict[str, Any]", block)))
    calls: Sequence[Mapping[str, Any]] = getattr(said, "tool_calls", None) or ()
    parts.extend(ToolCallPart(str(call.get("name")), call.get("id"), call.get("args")) for call in calls)
    return Message(role, parts, said.name, finish_reason)


def _block(block: dict[str, Any]) -> Part:
    if block.get("type") == "text" and isinstance(block.get("text"), str):
        return TextPart(block["text"])
    return {**json.loads(json.dumps(block, default=str)), "type": str(block.get("type", "unknown"))}
