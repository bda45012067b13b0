"""Batches, caches and token counts: calls beside the model's, which use no tokens of their own.

A batch is billed as it is processed, and may be looked at any number of times: no tokens are counted here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.endpoint import Endpoint
from agentops_instrumentors.core.operation import AttributeValue, Call, Request, Response
from agentops_instrumentors.core.reading import reader, word
from agentops_instrumentors.google_genai.client import request

if TYPE_CHECKING:
    from collections.abc import Mapping

_STATES: Final[Mapping[str, str]] = {
    "QUEUED": "queued",
    "PENDING": "queued",
    "RUNNING": "in_progress",
    "UPDATING": "in_progress",
    "PAUSED": "in_progress",
    "SUCCEEDED": "completed",
    "PARTIALLY_SUCCEEDED": "incomplete",
    "FAILED": "failed",
    "CANCELLING": "in_progress",
    "CANCELLED": "cancelled",
    "EXPIRED": "incomplete",
}


class Job(Endpoint):
    """A method of `batches`, `caches` or `models` that is one operation by name; what it is about is `model` or `name`."""

    def __init__(self, target: str, operation: str, versions: str = "") -> None:
        super().__init__(target, versions)
        self._operation = operation

    def request(self, instance: Any, call: Call) -> Request:
        attributes: dict[str, AttributeValue] = {}
        name = call.kwargs.get("name")
        if name:
            attributes[semconv.RESPONSE_ID] = str(name)
        return request(self._operation, instance, call.kwargs.get("model"), reader(call.kwargs.get("config")), attributes)

    def response(self, returned: Any) -> Response:
        read = reader(returned)
        state = word(read("state")).rpartition("STATE_")[2]
        status = _STATES.get(state)
        return Response(id=read("name"), attributes={semconv.RESPONSE_STATUS: status} if status else {})
