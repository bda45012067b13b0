"""`messages.create`, `parse` and `stream`, their beta forms, and `count_tokens`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.operation import Call, Request, Response
from agentops_instrumentors.core.values import field, given
from agentops_instrumentors.formats import anthropic as answers
from agentops_instrumentors.formats import anthropic_blocks as blocks
from agentops_instrumentors.hosts import identify
from agentops_instrumentors.stainless import StainlessEndpoint, asked, named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentops_instrumentors.core.messages import Content
    from agentops_instrumentors.core.operation import AttributeValue
    from agentops_instrumentors.core.stream import Accumulator

CLIENTS = {
    "BaseBedrockClient": "aws.bedrock",
    "BaseMantleClient": "aws.bedrock",
    "BaseVertexClient": "gcp.vertex_ai",
}
"""Client classes of other providers' platforms."""
_NAMES = {
    "temperature": semconv.REQUEST_TEMPERATURE,
    "top_p": semconv.REQUEST_TOP_P,
    "top_k": semconv.REQUEST_TOP_K,
    "max_tokens": semconv.REQUEST_MAX_TOKENS,
    "stop_sequences": semconv.REQUEST_STOP_SEQUENCES,
    "service_tier": semconv.ANTHROPIC_REQUEST_SERVICE_TIER,
}


class Messages(StainlessEndpoint):
    """A message, whole or streamed."""

    def request(self, instance: Any, call: Call) -> Request:
        kwargs = asked(call)
        return request(semconv.CHAT, instance, kwargs, _parameters(kwargs), lambda: blocks.of_request(kwargs))

    def response(self, returned: Any) -> Response:
        return answers.response(returned)

    def accumulator(self) -> Accumulator:
        return answers.MessageStream()


class AnthropicRequest(Request, frozen=True, gc=False):
    """A request whose errors are told by the provider's own code, in a refusal and in the middle of a stream alike."""

    def error_code(self, error: BaseException) -> str | None:
        return field(field(getattr(error, "body", None), "error"), "type")

    def error_status(self, error: BaseException) -> int | None:
        # An error in the middle of a stream comes with the status of the answer that it breaks off.
        status = super().error_status(error)
        return status if status is not None and status >= 400 else None


def request(
    operation: str, instance: Any, kwargs: Mapping[str, Any], attributes: dict[str, AttributeValue], content: Callable[[], Content] | None
) -> Request:
    """The `Request` for a call on the resource `instance`."""
    provider, server = identify(instance._client, CLIENTS, "anthropic")
    model = given(kwargs.get("model"))
    conversation = field(getattr(instance._client, "open_telemetry", None), "conversation_id")
    if conversation:
        attributes[semconv.CONVERSATION_ID] = conversation
    return AnthropicRequest(
        operation,
        provider,
        model if isinstance(model, str) else None,
        server,
        bool(given(kwargs.get("stream"))),
        attributes,
        content,
    )


def _parameters(kwargs: Mapping[str, Any]) -> dict[str, AttributeValue]:
    found = named(kwargs, _NAMES)
    configured = given(kwargs.get("output_config"))
    if field(configured, "effort"):
        found[semconv.REQUEST_REASONING_LEVEL] = field(configured, "effort")
    if field(configured, "format") or given(kwargs.get("output_format")):
        found[semconv.OUTPUT_TYPE] = "json"
    return found


class MessageStream(Messages):
    """`stream()`: a manager that makes the request when it is entered."""

    deferred = True

    def request(self, instance: Any, call: Call) -> Request:
        return super().request(instance, Call(call.args, {**call.kwargs, "stream": True}))

    def defer(self, prepared: Any, start: Callable[[Any], Any]) -> None:
        held: dict[str, Any] = prepared.__dict__
        name = next(name for name in held if name.endswith("__api_request"))
        setattr(prepared, name, start(held[name]))
