"""Langfuse, whose `langfuse.openai` patches the client; spans go through its own processor to the pipeline's exporter."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from langfuse import Langfuse, observe
from opentelemetry.sdk.trace import TracerProvider

if TYPE_CHECKING:
    from collections.abc import Callable


def _nothing(*, data: Any, **_: Any) -> str:
    return ""


def instrument(pipeline: Any) -> None:
    """Make its client and have it patch openai; its scores and media are not asked for."""
    tracers = TracerProvider(sampler=pipeline.sampler)
    Langfuse(
        public_key="pk-lf-none",
        secret_key="sk-lf-none",
        base_url="http://127.0.0.1:9",
        tracer_provider=tracers,
        span_exporter=pipeline.spans,
        mask=None if pipeline.content else _nothing,
    )
    pipeline.flush = tracers.force_flush
    import_module("langfuse.openai")


def decorators(function: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """The function with a span a call."""
    return {"operation": observe(function, capture_input=False, capture_output=False)}
