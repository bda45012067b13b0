"""What every call of an ollama client goes through.

`ollama.chat` is a bound method made when `ollama` is imported: a program that holds it never asks the class for `chat` again.
But its body asks the client for `_request`, as the body of every other method does, so that is what is patched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from agentops_instrumentors.core import address, semconv
from agentops_instrumentors.core.endpoint import Endpoint
from agentops_instrumentors.core.generators import observed
from agentops_instrumentors.core.operation import Call, Request, Response
from agentops_instrumentors.ollama import request, response

if TYPE_CHECKING:
    from agentops_instrumentors.core.invocation import Invocation

_OPERATIONS: Final = {
    "/api/chat": semconv.CHAT,
    "/api/generate": semconv.TEXT_COMPLETION,
    "/api/embed": semconv.EMBEDDINGS,
    "/api/embeddings": semconv.EMBEDDINGS,
}


class Asked(Request, frozen=True, gc=False):
    """One operation; the client has one exception for everything, and the HTTP status tells what it means."""

    def error_code(self, error: BaseException) -> str | None:
        status = self.error_status(error)
        return None if status is None else str(status)


class ClientRequest(Endpoint):
    """`_request(model class, HTTP method, path, json=what is sent, stream=whether a generator is asked for)`."""

    beside = ("chat", "generate", "embed", "embeddings")

    def request(self, instance: Any, call: Call) -> Request | None:
        operation = _OPERATIONS.get(call.args[2])
        if operation is None:
            return None
        sent = cast("dict[str, Any]", call.kwargs["json"])
        return Asked(
            operation,
            "ollama",
            sent.get("model"),
            address.server(instance._client.base_url),
            bool(call.kwargs.get("stream")),
            request.attributes(sent),
            None if operation == semconv.EMBEDDINGS else lambda: request.content(sent),
        )

    def response(self, returned: Any) -> Response:
        return response.of([returned])

    def deliver(self, invocation: Invocation, returned: Any) -> Any:
        if invocation.request.stream:
            return observed(returned, invocation, response.Chunks())
        return super().deliver(invocation, returned)


ENDPOINTS: Final = (ClientRequest("ollama._client:Client._request"), ClientRequest("ollama._client:AsyncClient._request"))
