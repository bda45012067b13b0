"""Message batches and token counts: calls beside the model's, which use no tokens of their own.

A batch is billed by the provider as it is processed. Its results may be fetched any number of times, or never, so no tokens are counted
here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentops_instrumentors.anthropic.messages import request
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.operation import AttributeValue, Request, Response
from agentops_instrumentors.core.values import count, field
from agentops_instrumentors.stainless import StainlessEndpoint

if TYPE_CHECKING:
    from agentops_instrumentors.core.invocation import Invocation
    from agentops_instrumentors.core.operation import Call


class CountTokens(StainlessEndpoint):
    """`messages.count_tokens`: how many tokens a prompt would have."""

    def request(self, instance: Any, call: Call) -> Request:
        return request(semconv.COUNT_TOKENS, instance, call.kwargs, {}, None)

    def response(self, returned: Any) -> Response:
        told = count(field(returned, "input_tokens"))
        return Response(attributes={} if told is None else {semconv.ANTHROPIC_COUNTED_INPUT_TOKENS: told})


class CreateBatch(StainlessEndpoint):
    """`messages.batches.create`."""

    def request(self, instance: Any, call: Call) -> Request:
        return request(semconv.CREATE_BATCH, instance, {}, {}, None)

    def response(self, returned: Any) -> Response:
        return _batch(returned)


class FetchBatch(StainlessEndpoint):
    """`messages.batches.retrieve`: the batch as it stands."""

    operation = semconv.FETCH_RESPONSE

    def request(self, instance: Any, call: Call) -> Request:
        wanted = call.args[0] if call.args else call.kwargs.get("message_batch_id")
        attributes: dict[str, AttributeValue] = {semconv.RESPONSE_ID: str(wanted)}
        return request(self.operation, instance, {}, attributes, None)

    def response(self, returned: Any) -> Response:
        return _batch(returned)


class CancelBatch(FetchBatch):
    """`messages.batches.cancel`."""

    operation = semconv.CANCEL_BATCH


class BatchResults(FetchBatch):
    """`messages.batches.results`: it ends when the answer begins; what it lists is read by the caller, line by line."""

    def deliver(self, invocation: Invocation, returned: Any) -> Any:
        invocation.finish()
        return returned


def _batch(batch: Any) -> Response:
    attributes: dict[str, AttributeValue] = {semconv.RESPONSE_STATUS: batch.processing_status}
    for outcome in ("processing", "succeeded", "errored", "canceled", "expired"):
        requests = count(field(batch.request_counts, outcome))
        if requests:
            attributes[semconv.ANTHROPIC_BATCH_REQUESTS_PREFIX + outcome] = requests
    return Response(id=batch.id, attributes=attributes)
