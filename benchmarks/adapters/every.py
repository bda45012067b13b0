"""All of this project's instrumentors, as a program instruments by hand; finding entry points is the loader's own work."""

from __future__ import annotations

from typing import Any

from agentops_instrumentors.anthropic import AnthropicInstrumentor
from agentops_instrumentors.bedrock import BedrockInstrumentor
from agentops_instrumentors.google_genai import GoogleGenAIInstrumentor
from agentops_instrumentors.ollama import OllamaInstrumentor
from agentops_instrumentors.openai import OpenAIInstrumentor

_ALL = (AnthropicInstrumentor, BedrockInstrumentor, GoogleGenAIInstrumentor, OllamaInstrumentor, OpenAIInstrumentor)


def instrument(pipeline: Any) -> None:
    """Instrument with the given pipeline."""
    for instrumentor in _ALL:
        instrumentor().instrument(tracer_provider=pipeline.tracers, meter_provider=pipeline.meters, logger_provider=pipeline.loggers)
