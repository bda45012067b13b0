"""OpenLLMetry's `opentelemetry-instrumentation-openai`, as its README instruments it."""

from __future__ import annotations

from typing import Any

from opentelemetry.instrumentation.openai import OpenAIInstrumentor


def instrument(pipeline: Any) -> None:
    """Instrument with the given pipeline."""
    OpenAIInstrumentor().instrument(tracer_provider=pipeline.tracers, meter_provider=pipeline.meters)
