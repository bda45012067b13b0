"""The least a recorded call can cost: one SDK span with 15 attributes, two of them JSON. No metrics, no chunks."""

from __future__ import annotations

import json
from functools import wraps
from typing import TYPE_CHECKING, Any

import openai
from openai.resources.chat.completions import AsyncCompletions, Completions
from openai.resources.embeddings import Embeddings
from openai.resources.responses import Responses
from opentelemetry.trace import SpanKind

from benchmarks.attributes import ANSWER, PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable


def instrument(pipeline: Any) -> None:
    """Put the span around each measured method by plain assignment."""
    tracer = pipeline.tracers.get_tracer("floor", openai.__version__)
    for resource in (Completions, Embeddings, Responses):
        resource.create = _spanned(tracer, resource.create)
    AsyncCompletions.create = _async_spanned(tracer, AsyncCompletions.create)


def _finish(span: Any, kwargs: dict[str, Any]) -> None:
    asked = kwargs.get("messages") or kwargs.get("input")
    span.set_attributes({**PLAIN, "gen_ai.input.messages": json.dumps(asked), "gen_ai.output.messages": json.dumps(ANSWER)})


def _spanned(tracer: Any, create: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(create)
    def spanned(self: Any, **kwargs: Any) -> Any:
        with tracer.start_as_current_span("chat gpt-4o-mini", kind=SpanKind.CLIENT) as span:
            returned = create(self, **kwargs)
            _finish(span, kwargs)
            return returned

    return spanned


def _async_spanned(tracer: Any, create: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(create)
    async def spanned(self: Any, **kwargs: Any) -> Any:
        with tracer.start_as_current_span("chat gpt-4o-mini", kind=SpanKind.CLIENT) as span:
            returned = await create(self, **kwargs)
            _finish(span, kwargs)
            return returned

    return spanned
