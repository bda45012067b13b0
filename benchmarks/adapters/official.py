"""`opentelemetry-instrumentation-genai-openai`, as its README instruments it."""

from __future__ import annotations

from typing import Any

from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor


def instrument(tracers: Any, meters: Any, loggers: Any) -> None:
    """Instrument with the given providers."""
    OpenAIInstrumentor().instrument(tracer_provider=tracers, meter_provider=meters, logger_provider=loggers)
