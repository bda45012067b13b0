"""OpenAI: chat completions, responses, embeddings and legacy completions, of OpenAI and of servers that speak its API."""

from __future__ import annotations

from agentops_instrumentors.core.instrumentor import ProviderInstrumentor

__all__ = ["OpenAIInstrumentor"]


class OpenAIInstrumentor(ProviderInstrumentor):
    """Instruments the `openai` package, 1.66 to 3.x, sync and async, Azure and OpenAI-compatible servers included."""

    sdk = "openai"
    requires = ("openai >= 1.66.0",)
    endpoints = "agentops_instrumentors.openai.endpoints:ENDPOINTS"
