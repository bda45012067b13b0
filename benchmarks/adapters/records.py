"""The metric records of a chat alone, made in the call on the SDK's instruments: one duration, two counts of tokens. No span."""

from __future__ import annotations

from functools import wraps
from time import perf_counter
from typing import TYPE_CHECKING, Any

from openai.resources.chat.completions import Completions

if TYPE_CHECKING:
    from collections.abc import Callable

_LABELS = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    "server.address": "api.openai.com",
    "server.port": 443,
}
_SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
_TOKENS = [4**power for power in range(14)]


def instrument(pipeline: Any) -> None:
    """Record around the method by plain assignment."""
    meter = pipeline.meters.get_meter("records")
    duration = meter.create_histogram("gen_ai.client.operation.duration", "s", explicit_bucket_boundaries_advisory=_SECONDS)
    tokens = meter.create_histogram("gen_ai.client.token.usage", "{token}", explicit_bucket_boundaries_advisory=_TOKENS)
    Completions.create = _measured(Completions.create, duration, tokens)


def _measured(create: Callable[..., Any], duration: Any, tokens: Any) -> Callable[..., Any]:
    @wraps(create)
    def measured(self: Any, **kwargs: Any) -> Any:
        began = perf_counter()
        returned = create(self, **kwargs)
        duration.record(perf_counter() - began, dict(_LABELS))
        tokens.record(returned.usage.prompt_tokens, {**_LABELS, "gen_ai.token.type": "input"})
        tokens.record(returned.usage.completion_tokens, {**_LABELS, "gen_ai.token.type": "output"})
        return returned

    return measured
