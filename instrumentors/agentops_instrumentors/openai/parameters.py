"""Request parameters that chat, responses and completions share, as span attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.operation import Request
from agentops_instrumentors.core.values import field
from agentops_instrumentors.hosts import identify
from agentops_instrumentors.stainless import named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentops_instrumentors.core.messages import Content
    from agentops_instrumentors.core.operation import AttributeValue

CLIENT_REQUEST = ("openai:OpenAI.request", "openai:AsyncOpenAI.request")
"""What every call goes through; one of the other instrumentors counts calls there."""
_CLIENTS = {"AzureOpenAI": "azure.ai.openai", "AsyncAzureOpenAI": "azure.ai.openai"}
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
    "stop": semconv.REQUEST_STOP_SEQUENCES,
    "n": semconv.REQUEST_CHOICE_COUNT,
    "service_tier": semconv.OPENAI_REQUEST_SERVICE_TIER,
}
_DEFAULTS = {semconv.REQUEST_CHOICE_COUNT: 1, semconv.OPENAI_REQUEST_SERVICE_TIER: "auto"}
"""Values that ask for nothing."""


def parameters(kwargs: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Attributes for the parameters in `kwargs` that the conventions name."""
    return named(kwargs, _NAMES, _DEFAULTS)


def request(
    operation: str, instance: Any, kwargs: Mapping[str, Any], attributes: dict[str, AttributeValue], content: Callable[[], Content] | None
) -> Request:
    """The `Request` for a call on the resource `instance`."""
    provider, server = identify(instance._client, _CLIENTS, "openai")
    model = kwargs.get("model")
    # What stands for a parameter left out is false.
    stream = bool(kwargs.get("stream"))
    return Request(operation, provider, model if isinstance(model, str) else None, server, stream, attributes, content)


def output_type(response_format: Any) -> str | None:
    """`gen_ai.output.type` for a response format: a model class, or a dict with a `type`."""
    if response_format is None:
        return None
    if isinstance(response_format, type):
        return "json"
    kind = str(field(response_format, "type") or "")
    return "json" if kind.startswith("json") else "text" if kind == "text" else None
