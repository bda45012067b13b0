"""The price list that `genai-prices` ships: what an operation with a model costs, each model reduced once to rates (`rates.py`).

Importing this module does not import `genai-prices`; making a `PriceList` does.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from agentops_instrumentors.core import rates

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, Provider

    from agentops_instrumentors.core.usage import Usage

_MODEL_NAME_LIMIT: Final = 256

# `gen_ai.provider.name` -> provider id of genai-prices, whose own lookup matches by substring and so would guess.
_PROVIDERS: Final = {
    "anthropic": "anthropic",
    "aws.bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "baseten": "baseten",
    "cerebras": "cerebras",
    "cloudflare": "cloudflare",
    "cohere": "cohere",
    "databricks": "databricks",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "fireworks_ai": "fireworks",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "groq": "groq",
    "minimax": "minimax",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "novita": "novita",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together",
    "together_ai": "together",
    "voyageai": "voyageai",
    "x_ai": "x-ai",
    "zai": "zai",
    "zhipuai": "zhipuai",
}


class PriceList:
    """The loaded prices and plans of at most `cached` models, unknown ones included, for the price list in force."""

    def __init__(self, cached: int) -> None:
        from genai_prices import __version__, data_snapshot

        self._cached = cached
        self._snapshot_in_force = data_snapshot.get_snapshot
        self._snapshot = self._snapshot_in_force()
        self.source: Final = f"genai-prices/{__version__}"
        self._plans: dict[tuple[str, str, str | None], rates.Plan | None] = {}
        self._reduced: dict[tuple[str, str, str | None], rates.Plan | None] = {}
        """By the price list's own model ids: one model goes by many names."""
        rates.prepare()

    def amount(self, provider: str, model: str, service_tier: str | None, usage: Usage) -> float | None:
        """USD, or None where it is not known; ValueError where counts contradict each other."""
        snapshot = self._snapshot_in_force()
        if snapshot is not self._snapshot:  # the application updates prices or sets its own
            self._snapshot, self._plans, self._reduced = snapshot, {}, {}
        key = (provider, model, service_tier)
        plan = self._plans.get(key)
        if (plan is None and key not in self._plans) or (plan is not None and plan.expires <= time.time()):
            plan = self._plan(snapshot, *key)
        return None if plan is None else plan.amount(usage)

    def _plan(self, snapshot: DataSnapshot, provider: str, model: str, service_tier: str | None) -> rates.Plan | None:
        if provider not in _PROVIDERS or len(model) > _MODEL_NAME_LIMIT:
            return None
        found = None
        identifier = _PROVIDERS[provider]
        seller = next((candidate for candidate in snapshot.providers if candidate.id == identifier), None)
        if seller is not None:
            sold = seller.find_model(model, all_providers=snapshot.providers)
            found = None if sold is None else self._reduce(seller, sold, service_tier)
        plans = self._plans
        if len(plans) >= self._cached:
            self._plans = plans = {}
        plans[provider, model, service_tier] = found
        return found

    def _reduce(self, seller: Provider, sold: ModelInfo, service_tier: str | None) -> rates.Plan | None:
        key = (seller.id, sold.id, service_tier)
        known = self._reduced.get(key)
        if known is None or known.expires <= time.time():
            known = self._reduced[key] = rates.plan(seller, sold, service_tier)
        return known
