"""Whom a client talks to: the provider's name by the conventions, the server's address and port."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from agentops_instrumentors.core import address

_AZURE = "azure.ai.openai"
_AZURE_CLIENTS = ("AzureOpenAI", "AsyncAzureOpenAI")
_BY_HOST = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "api.cohere.ai": "cohere",
    "api.cohere.com": "cohere",
    "api.deepseek.com": "deepseek",
    "api.fireworks.ai": "fireworks_ai",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "api.perplexity.ai": "perplexity",
    "api.together.xyz": "together_ai",
    "api.together.ai": "together_ai",
    "api.x.ai": "x_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "openrouter.ai": "openrouter",
}
_BY_DOMAIN = (
    (".openai.azure.com", _AZURE),
    (".cognitiveservices.azure.com", _AZURE),
    (".services.ai.azure.com", "azure.ai.inference"),
    (".models.ai.azure.com", "azure.ai.inference"),
    ("-aiplatform.googleapis.com", "gcp.vertex_ai"),
    (".api.openai.com", "openai"),
    (".x.ai", "x_ai"),
)


_Identity = tuple[str, tuple[str, int] | None]
_identified: dict[int, tuple[Any, Any, _Identity]] = {}
_MOST_IDENTIFIED = 256


def identify(resource: Any) -> _Identity:
    """The provider's name and the server (host, port) of the client that `resource` belongs to."""
    client = resource._client
    # The property behind it imports a module at each look.
    url = getattr(client, "_base_url", None) or client.base_url
    known = _identified.get(id(url))
    if known is not None and known[0] is url and known[1] is type(client):
        return known[2]
    server = address.server(url)
    azure = any(kind.__name__ in _AZURE_CLIENTS for kind in type(client).__mro__)
    found = _AZURE if azure else provider_of(server[0] if server else ""), server
    if len(_identified) >= _MOST_IDENTIFIED:
        _identified.clear()
    _identified[id(url)] = url, type(client), found
    return found


@lru_cache(maxsize=256)
def provider_of(host: str) -> str:
    """The provider behind `host`; a host nobody knows (a proxy, a local server) is taken for what it speaks, OpenAI."""
    host = host.lower()
    if host in _BY_HOST:
        return _BY_HOST[host]
    for domain, provider in _BY_DOMAIN:
        if host.endswith(domain):
            return provider
    if host.startswith("bedrock-runtime") and host.endswith(".amazonaws.com"):
        return "aws.bedrock"
    return "openai"
