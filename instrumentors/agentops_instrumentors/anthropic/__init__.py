"""Anthropic: messages, token counts, batches and the tool runner, of Anthropic, Bedrock, Vertex AI and servers that speak its API."""

from __future__ import annotations

from agentops_instrumentors.core.instrumentor import ProviderInstrumentor

__all__ = ["AnthropicInstrumentor"]


class AnthropicInstrumentor(ProviderInstrumentor):
    """Instruments the `anthropic` package, 0.49 to 2.x, sync and async; its own OpenTelemetry spans stand down for ours."""

    sdk = "anthropic"
    requires = ("anthropic >= 0.49.0",)
    endpoints = "agentops_instrumentors.anthropic.endpoints:ENDPOINTS"
