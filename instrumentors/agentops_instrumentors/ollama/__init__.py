"""Ollama: chat, generate and embeddings, by clients and by the module's own functions."""

from __future__ import annotations

from agentops_instrumentors.core.instrumentor import ProviderInstrumentor

__all__ = ["OllamaInstrumentor"]


class OllamaInstrumentor(ProviderInstrumentor):
    """Instruments the `ollama` package from 0.4.7 on, sync and async, functions imported before it was instrumented included."""

    sdk = "ollama"
    requires = ("ollama >= 0.4.7",)
    endpoints = "agentops_instrumentors.ollama.endpoints:ENDPOINTS"
