"""All of this project's instrumentors, as a program instruments by hand; finding entry points is the loader's own work."""

from __future__ import annotations

from typing import Any

from agentops_instrumentors.anthropic import AnthropicInstrumentor
from agentops_instrumentors.bedrock import BedrockInstrumentor
from agentops_instrumentors.google_genai import GoogleGenAIInstrumentor
from agentops_instrumentors.ollama import OllamaInstrumentor
from agentops_instrumentors.openai import OpenAIInstrumentor

_ALL = (AnthropicInstrumentor, BedrockInstrumentor, GoogleGenAIInstrumentor, OllamaInstrumentor, OpenAIInstrumentor)


def instrument(tracers: Any, meters: Any, loggers: Any) -> None:
    """Instrument with the given providers."""
    for instrumentor in _ALL:
        instrumentor().instrument(tracer_provider=tracers, meter_provider=meters, logger_provider=loggers)
