"""What an operation cost, by the prices that `genai-prices` ships, offline.

The library takes 15 to 300 ms to import and 64 to 129 µs a call, so callers pay neither: a background thread imports it, and reduces
each model once to rates per token (`rates.py`) while the first operation with it is under way. Until it is loaded an operation has no
cost; calling `prefetch()` when a vendor SDK has been imported makes that rare, and is cheap then, because most SDKs bring the same
dependencies.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from importlib import import_module
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from agentops_instrumentors.core import guard, rates
from agentops_instrumentors.core.usage import Usage

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, Provider

CACHED_MODELS: Final = 512
_MODEL_NAME_LIMIT: Final = 256
_LOADING_LIMIT_S: Final = 5.0
_ORDINARY_TIERS: Final = (None, "default")
_NOTHING_USED: Final = Usage(0, 0)

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


class Cost(Struct, frozen=True):
    """`amount` in `currency`; `source` is the price list, `genai-prices/<version>`."""

    amount: float
    source: str
    currency: str = "USD"


def price(provider: str, model: str | None, usage: Usage, service_tier: str | None = None) -> Cost | None:
    """The list price of one operation, or None where it is not known; never raises, never waits.

    `provider` is `gen_ai.provider.name`, `service_tier` the tier the provider said it served (`flex`, `priority`).
    None: unknown provider or model, nothing counted, counts that contradict each other (counted by `guard`), prices still loading.
    """
    book = _loading.book
    if book is None:
        prefetch()
        return None
    if not model or (usage.input_tokens is None and usage.output_tokens is None):
        return None
    try:
        return book.price(provider, model, service_tier, usage)
    except Exception as error:
        guard.swallowed("cost", error)
        return None


def expect(provider: str, model: str | None) -> None:
    """Have the rates of `model` ready soon: an operation with it has begun. Never raises, never waits."""
    if model and (provider, model) not in _loading.expected:
        _loading.expect(provider, model)


def prefetch() -> None:
    """Import the prices in a background thread, once a process; never raises. This thread imports their HTTP client, if need be."""
    if _loading.book is None:
        _loading.start()


def ready(timeout: float) -> bool:
    """Wait up to `timeout` seconds for the prices; whether they are loaded. For command lines and tests, not for calls."""
    prefetch()
    _loading.wait(timeout)
    return _loading.book is not None


class _Book:
    """The loaded prices and a bounded cache of plans, unknown models included, for the price list in force."""

    def __init__(self) -> None:
        from genai_prices import __version__, data_snapshot

        self._snapshot_in_force = data_snapshot.get_snapshot
        self._snapshot = self._snapshot_in_force()
        self._source = f"genai-prices/{__version__}"
        self._plans: dict[tuple[str, str, str | None], rates.Plan | None] = {}
        self._reduced: dict[tuple[str, str, str | None], rates.Plan | None] = {}
        """By the price list's own model ids: one model goes by many names."""
        rates.prepare()

    def price(self, provider: str, model: str, service_tier: str | None, usage: Usage) -> Cost | None:
        snapshot = self._snapshot_in_force()
        if snapshot is not self._snapshot:  # the application updates prices or sets its own
            self._snapshot, self._plans, self._reduced = snapshot, {}, {}
        key = (provider, model, service_tier)
        plan = self._plans.get(key)
        if (plan is None and key not in self._plans) or (plan is not None and plan.expires <= time.time()):
            plan = self._plan(snapshot, *key)
        amount = None if plan is None else plan.amount(usage)
        return None if amount is None else Cost(amount, self._source)

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
        if len(plans) >= CACHED_MODELS:
            self._plans = plans = {}
        plans[provider, model, service_tier] = found
        return found

    def _reduce(self, seller: Provider, sold: ModelInfo, service_tier: str | None) -> rates.Plan | None:
        key = (seller.id, sold.id, service_tier)
        known = self._reduced.get(key)
        if known is None or known.expires <= time.time():
            known = self._reduced[key] = rates.plan(seller, sold, service_tier)
        return known


def _import_http_client() -> None:
    # The library imports httpx2, which openai 2.x looks up in `sys.modules` at every call without importing it: seen half imported by
    # another thread, it would fail the program's own call. openai 3 and others have it loaded already.
    try:
        import_module("httpx2")
    except ImportError:
        pass  # an older release of the library does without


class _Loading:
    """The background import, started once a process."""

    def __init__(self) -> None:
        self.book: _Book | None = None
        self._once = threading.Lock()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._asked: SimpleQueue[tuple[str, str]] = SimpleQueue()
        self.expected: set[tuple[str, str]] = set()

    def start(self) -> None:
        if not self._once.acquire(blocking=False):
            return
        _import_http_client()
        try:
            thread = threading.Thread(target=self._load, name="agentops-prices", daemon=True)
            thread.start()
            self._thread = thread
        except RuntimeError:
            self._done.set()  # the interpreter is shutting down, or has no thread left to give

    def expect(self, provider: str, model: str) -> None:
        if self.book is None and self._done.is_set():
            return  # there are no prices
        if len(self.expected) >= CACHED_MODELS:
            self.expected.clear()
        self.expected.add((provider, model))
        self._asked.put((provider, model))
        self.start()

    def _load(self) -> None:
        try:
            self.book = self.book or _Book()
        except Exception as error:
            guard.swallowed("cost.load", error)
            return
        finally:
            self._done.set()
        while True:
            provider, model = self._asked.get()
            for tier in _ORDINARY_TIERS:
                price(provider, model, _NOTHING_USED, tier)

    def wait(self, timeout: float = _LOADING_LIMIT_S) -> None:
        thread = self._thread
        if self.book is None and self._once.locked() and thread is not threading.current_thread():
            self._done.wait(timeout)

    def forked(self) -> None:
        """In the child: what was loaded stays; the thread, and an import that was not finished, begin anew at the next call."""
        self._thread = None
        self._once, self._asked = threading.Lock(), SimpleQueue()
        if self.book is None:
            self._done = threading.Event()


_loading: Final = _Loading()

# A child forked in the middle of an import inherits import locks that nobody releases, and hangs at its own next import. A thread that
# Python < 3.14 unwinds at exit inside a native module's import is undefined behaviour there. So both wait for the rest of the import.
atexit.register(_loading.wait)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_loading.wait, after_in_child=_loading.forked)
