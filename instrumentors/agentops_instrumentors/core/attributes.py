"""Attributes of an operation: what names it, what was asked, what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentops_instrumentors.core import content, cost, semconv

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentops_instrumentors.core.messages import Content
    from agentops_instrumentors.core.operation import AttributeValue, Request, Response


def identity(request: Request) -> dict[str, AttributeValue]:
    """What spans and every metric of an operation carry, sorted by name: the SDK sorts a metric's attributes at each record."""
    found: dict[str, AttributeValue] = {semconv.OPERATION_NAME: request.operation, semconv.PROVIDER_NAME: request.provider}
    if request.model:
        found[semconv.REQUEST_MODEL] = request.model
    if request.server is not None:
        found[semconv.SERVER_ADDRESS], found[semconv.SERVER_PORT] = request.server
    return found


def of_sampling(request: Request) -> dict[str, AttributeValue]:
    """What a sampler may want: the span has it from its start."""
    found = identity(request)
    if request.stream:
        found[semconv.REQUEST_STREAM] = True
    return found


def of_response(request: Request, response: Response) -> dict[str, AttributeValue]:
    """Attributes of the answer, without content: ids, model, finish reasons, usage and what it cost."""
    found: dict[str, AttributeValue] = dict(response.attributes)
    if response.id:
        found[semconv.RESPONSE_ID] = response.id
    if response.model:
        found[semconv.RESPONSE_MODEL] = response.model
    if response.finish_reasons:
        found[semconv.RESPONSE_FINISH_REASONS] = tuple(response.finish_reasons)
    if response.usage is not None and request.operation != semconv.FETCH_RESPONSE:
        return {**found, **response.usage.attributes(), **of_cost(request, response)}
    return found


def of_cost(request: Request, response: Response) -> dict[str, AttributeValue]:
    """What an operation cost, where its tokens and their price are known."""
    usage = response.usage
    price = usage and cost.price(request.provider, response.model or request.model, usage, response.service_tier)
    if not price:
        return {}
    return {semconv.COST_AMOUNT: price.amount, semconv.COST_CURRENCY: price.currency, semconv.COST_SOURCE: price.source}


def of_content(said: Content, policy: content.Policy, write: Callable[[object, content.Policy], Any]) -> dict[str, Any]:
    """What a request says; `write` is `content.to_json` for a span, `content.to_values` for an event."""
    found: dict[str, Any] = {}
    if said.messages:
        found[semconv.INPUT_MESSAGES] = write(said.messages, policy)
    if said.instructions:
        found[semconv.SYSTEM_INSTRUCTIONS] = write(said.instructions, policy)
    if said.tools:
        found[semconv.TOOL_DEFINITIONS] = write(said.tools, policy)
    if said.query:
        found[semconv.RETRIEVAL_QUERY_TEXT] = content.redact(said.query, policy)[: policy.max_bytes]
    return found


def error_type(request: Request, response: Response, error: BaseException | None) -> str | None:
    """What `error.type` says of an operation that ended so; None where nothing failed."""
    return response.error_type if error is None else request.error_code(error) or content.exception_type(error)


def of_error(request: Request, error: BaseException) -> dict[str, AttributeValue]:
    """The HTTP status a provider refused with."""
    status = request.error_status(error)
    return {} if status is None else {semconv.HTTP_RESPONSE_STATUS_CODE: status}


def of_request(request: Request) -> Mapping[str, AttributeValue]:
    """Every attribute of the request but content."""
    return {**of_sampling(request), **request.attributes}
