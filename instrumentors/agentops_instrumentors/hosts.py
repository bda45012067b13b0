"""Whose service a client talks to: the provider's name by the conventions, and the server's host and port.

Many vendors' servers speak another vendor's API, so the host says more than the client's class.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from agentops_instrumentors.core import address

if TYPE_CHECKING:
    from collections.abc import Mapping

Identity = tuple[str, tuple[str, int] | None]

_AZURE: Final = "azure.ai.openai"
_BY_HOST: Final = {
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
_BY_DOMAIN: Final = (
    (".openai.azure.com", _AZURE),
    (".cognitiveservices.azure.com", _AZURE),
    (".services.ai.azure.com", "azure.ai.inference"),
    (".models.ai.azure.com", "azure.ai.inference"),
    ("-aiplatform.googleapis.com", "gcp.vertex_ai"),
    (".api.openai.com", "openai"),
    (".x.ai", "x_ai"),
)
_MOST_IDENTIFIED: Final = 256
_identified: dict[int, tuple[Any, Any, Identity]] = {}


def identify(client: Any, kinds: Mapping[str, str], otherwise: str) -> Identity:
    """The provider and the server of a client made by Stainless.

    `kinds` are providers by the names of client classes that always belong to them; `otherwise` is the provider whose API the client
    speaks, for a host nobody knows (a proxy, a local server).
    """
    # The property behind it imports a module at each look.
    url = getattr(client, "_base_url", None) or client.base_url
    known = _identified.get(id(url))
    if known is not None and known[0] is url and known[1] is type(client):
        return known[2]
    server = address.server(url)
    own = next((kinds[kind.__name__] for kind in type(client).__mro__ if kind.__name__ in kinds), None)
    found = own or provider_of(server[0] if server else "", otherwise), server
    if len(_identified) >= _MOST_IDENTIFIED:
        _identified.clear()
    _identified[id(url)] = url, type(client), found
    return found


@lru_cache(maxsize=256)
def provider_of(host: str, otherwise: str) -> str:
    """The provider behind `host`, or `otherwise`."""
    host = host.lower()
    if host in _BY_HOST:
        return _BY_HOST[host]
    for domain, provider in _BY_DOMAIN:
        if host.endswith(domain):
            return provider
    if host.startswith("bedrock-runtime") and host.endswith(".amazonaws.com"):
        return "aws.bedrock"
    return otherwise
