"""`openinference-instrumentation-openai`, as its README instruments it."""

from __future__ import annotations

from typing import Any

from openinference.instrumentation.openai import OpenAIInstrumentor


def instrument(pipeline: Any) -> None:
    """Instrument with the given pipeline; it records no metrics."""
    OpenAIInstrumentor().instrument(tracer_provider=pipeline.tracers)
