"""Google GenAI: content generation, chats, tools, embeddings, images, videos, batches and live sessions; Gemini API and Vertex AI."""

from __future__ import annotations

from agentops_instrumentors.core.instrumentor import ProviderInstrumentor

__all__ = ["GoogleGenAIInstrumentor"]


class GoogleGenAIInstrumentor(ProviderInstrumentor):
    """Instruments the `google-genai` package, 1.30 to 3.x, sync and async."""

    sdk = "google.genai"
    requires = ("google-genai >= 1.30.0",)
    endpoints = "agentops_instrumentors.google_genai.endpoints:ENDPOINTS"
