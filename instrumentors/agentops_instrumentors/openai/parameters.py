"""Request parameters that chat, responses and completions share, as span attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.operation import Request
from agentops_instrumentors.openai.client import identify
from agentops_instrumentors.stainless import field, given, items

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentops_instrumentors.core.messages import Content
    from agentops_instrumentors.core.operation import AttributeValue, Call

_NAMES = {
    "temperature": semconv.REQUEST_TEMPERATURE,
    "top_p": semconv.REQUEST_TOP_P,
    "max_tokens": semconv.REQUEST_MAX_TOKENS,
    "max_completion_tokens": semconv.REQUEST_MAX_TOKENS,
    "max_output_tokens": semconv.REQUEST_MAX_TOKENS,
    "frequency_penalty": semconv.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": semconv.REQUEST_PRESENCE_PENALTY,
    "seed": semconv.REQUEST_SEED,
    "reasoning_effort": semconv.REQUEST_REASONING_LEVEL,
    "top_k": semconv.REQUEST_TOP_K,
    "previous_response_id": semconv.REQUEST_PREVIOUS_RESPONSE_ID,
}


def asked(call: Call) -> Mapping[str, Any]:
    """The parameters of a call as they are sent: those of `extra_body` are the request's own."""
    extra = given(call.kwargs.get("extra_body"))
    return {**call.kwargs, **cast("dict[str, Any]", extra)} if isinstance(extra, dict) else call.kwargs


def parameters(kwargs: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Attributes for the parameters in `kwargs` that the conventions name."""
    found: dict[str, AttributeValue] = {}
    for parameter, name in _NAMES.items():
        if parameter in kwargs:
            value = given(kwargs[parameter])
            if value is not None:
                found[name] = value
    stop = given(kwargs.get("stop"))
    if stop:
        found[semconv.REQUEST_STOP_SEQUENCES] = (stop,) if isinstance(stop, str) else tuple(items(stop))
    choices = given(kwargs.get("n"))
    if choices is not None and choices != 1:
        found[semconv.REQUEST_CHOICE_COUNT] = choices
    tier = given(kwargs.get("service_tier"))
    if tier and tier != "auto":
        found[semconv.OPENAI_REQUEST_SERVICE_TIER] = tier
    return found


def request(
    operation: str, instance: Any, kwargs: Mapping[str, Any], attributes: dict[str, AttributeValue], content: Callable[[], Content] | None
) -> Request:
    """The `Request` for a call on the resource `instance`."""
    provider, server = identify(instance)
    model = given(kwargs.get("model"))
    return Request(
        operation,
        provider,
        model if isinstance(model, str) else None,
        server,
        bool(given(kwargs.get("stream"))),
        attributes,
        content,
    )


def output_type(response_format: Any) -> str | None:
    """`gen_ai.output.type` for a response format: a model class, or a dict with a `type`."""
    if response_format is None:
        return None
    if isinstance(response_format, type):
        return "json"
    kind = str(field(response_format, "type") or "")
    return "json" if kind.startswith("json") else "text" if kind == "text" else None
