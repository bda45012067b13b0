"""Whom a client talks to, what a model is called, and how the service says no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agentops_instrumentors.core import address
from agentops_instrumentors.core.operation import Request
from agentops_instrumentors.core.reading import Read, reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentops_instrumentors.core.messages import Content
    from agentops_instrumentors.core.operation import AttributeValue

_GEMINI: Final = "gcp.gemini"
_VERTEX_AI: Final = "gcp.vertex_ai"
_PUBLISHED: Final = "publishers/google/models/"


class GoogleRequest(Request, frozen=True, gc=False):
    """A request whose refusal is told by the service's own word for it, such as RESOURCE_EXHAUSTED."""

    def error_code(self, error: BaseException) -> str | None:
        code = self.error_status(error)
        status = getattr(error, "status", None)
        return None if code is None else status if isinstance(status, str) and status else str(code)

    def error_status(self, error: BaseException) -> int | None:
        # Only the SDK's own errors have details; other exceptions mean other things by `code`, and a websocket's are no HTTP status.
        code = getattr(error, "code", None) if hasattr(error, "details") else None
        return code if type(code) is int and 400 <= code < 600 else None


def request(
    operation: str,
    instance: Any,
    model: Any,
    config: Read,
    attributes: dict[str, AttributeValue],
    content: Callable[[], Content] | None = None,
    stream: bool = False,
) -> GoogleRequest:
    """The request of a call on one of a client's modules (`client.models`, `client.aio.batches`, …)."""
    client = instance._api_client
    provider = _VERTEX_AI if client.vertexai else _GEMINI
    url = reader(config("http_options"))("base_url") or client._http_options.base_url
    server = address.server_of(str(url)) if url else None
    return GoogleRequest(operation, provider, model_name(model), server, stream, attributes, content)


def model_name(model: Any) -> str | None:
    """A model by its name alone, whichever way the caller writes it; a tuned model or an endpoint by its resource name."""
    if not isinstance(model, str):
        return None
    return model.rpartition(_PUBLISHED)[2] if _PUBLISHED in model else model.removeprefix("models/")
