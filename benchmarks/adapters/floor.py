"""The least a recorded call can cost: one SDK span with 15 attributes, two of them JSON. No metrics, no chunks."""

from __future__ import annotations

import json
from functools import wraps
from typing import TYPE_CHECKING, Any

import openai
from openai.resources.chat.completions import Completions
from openai.resources.embeddings import Embeddings
from openai.resources.responses import Responses
from opentelemetry.trace import SpanKind

if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.request.temperature": 0.2,
    "gen_ai.request.max_tokens": 256,
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.model": "gpt-4o-mini",
    "gen_ai.response.finish_reasons": ("stop",),
    "gen_ai.usage.input_tokens": 120,
    "gen_ai.usage.output_tokens": 40,
    "server.address": "api.openai.com",
    "server.port": 443,
    "thread.id": 1,
}
_ANSWER = [{"role": "assistant", "parts": [{"type": "text", "content": "It rains in Lisbon, and it is 14 degrees."}]}]


def instrument(tracers: Any, meters: Any, loggers: Any) -> None:
    """Put the span around each measured method by plain assignment."""
    tracer = tracers.get_tracer("floor", openai.__version__)
    for resource in (Completions, Embeddings, Responses):
        resource.create = _spanned(tracer, resource.create)


def _spanned(tracer: Any, create: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(create)
    def spanned(self: Any, **kwargs: Any) -> Any:
        with tracer.start_as_current_span("chat gpt-4o-mini", kind=SpanKind.CLIENT) as span:
            returned = create(self, **kwargs)
            asked = kwargs.get("messages") or kwargs.get("input")
            span.set_attributes(
                {**_PLAIN, "gen_ai.input.messages": json.dumps(asked), "gen_ai.output.messages": json.dumps(_ANSWER)},
            )
            return returned

    return spanned
