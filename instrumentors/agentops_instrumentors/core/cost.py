"""What an operation cost, by the prices that `genai-prices` ships, offline.

The library takes 15 to 300 ms to import and 64 to 129 µs a call, so callers pay neither: a background thread imports it, and reduces
each model once to rates per token (`rates.py`) while the first operation with it is under way. Until it is loaded an operation has no
cost; calling `prefetch()` when a vendor SDK has been imported makes that rare, and leaves the program its start.
"""

from __future__ import annotations

import atexit
import os
import threading
from importlib import import_module
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from agentops_instrumentors.core import guard
from agentops_instrumentors.core.usage import Usage

if TYPE_CHECKING:
    from agentops_instrumentors.core.price_list import PriceList

CACHED_MODELS: Final = 512
_LOADING_LIMIT_S: Final = 5.0
_HEAD_START_S: Final = 0.1
"""How long a program that makes no call is left alone: threads share the interpreter, and 50 ms of the import would be the start's."""
_ORDINARY_TIERS: Final = (None, "default")
_NOTHING_USED: Final = Usage(0, 0)


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
        _loading.start()
        return None
    if not model or (usage.input_tokens is None and usage.output_tokens is None):
        return None
    try:
        amount = book.amount(provider, model, service_tier, usage)
    except Exception as error:
        guard.swallowed("cost", error)
        return None
    return None if amount is None else Cost(amount, book.source)


def expect(provider: str, model: str | None) -> None:
    """Have the rates of `model` ready soon: an operation with it has begun. Never raises, never waits."""
    if model and (provider, model) not in _loading.expected:
        _loading.expect(provider, model)


def prefetch() -> None:
    """Have the prices imported by a background thread, once a process, at the first call or 0.1 s from now; never raises.

    This thread imports their HTTP client, if need be.
    """
    if _loading.book is None:
        _loading.prepare()


def ready(timeout: float) -> bool:
    """Wait up to `timeout` seconds for the prices; whether they are loaded. For command lines and tests, not for calls."""
    if _loading.book is None:
        _loading.start()
        _loading.wait(timeout)
    return _loading.book is not None


def _import_http_client() -> None:
    # The library imports httpx2, which openai 2.x looks up in `sys.modules` at every call without importing it: seen half imported by
    # another thread, it would fail the program's own call. openai 3 and others have it loaded already.
    try:
        import_module("httpx2")
    except ImportError:
        pass  # an older release of the library does without


class _Loading:
    """The background import, once a process."""

    def __init__(self) -> None:
        self.book: PriceList | None = None
        self._once = threading.Lock()
        self._wanted = threading.Event()
        self._importing = threading.Lock()
        self._held = False
        self._ending = False
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._asked: SimpleQueue[tuple[str, str]] = SimpleQueue()
        self.expected: set[tuple[str, str]] = set()

    def start(self) -> None:
        """Import now."""
        if not self._wanted.is_set():
            self._wanted.set()
            self.prepare()

    def prepare(self) -> None:
        """Import after the head start."""
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
            self._wanted.wait(_HEAD_START_S)
            with self._importing:
                if self._ending:
                    return
                if self.book is None:
                    from agentops_instrumentors.core.price_list import PriceList

                    self.book = PriceList(CACHED_MODELS)
        except Exception as error:
            guard.swallowed("cost.load", error)
            return
        finally:
            self._done.set()
        while True:
            provider, model = self._asked.get()
            for tier in _ORDINARY_TIERS:
                price(provider, model, _NOTHING_USED, tier)

    def wait(self, timeout: float) -> None:
        """Wait for the end of an import that has been started."""
        if self._thread is not threading.current_thread():
            self._done.wait(timeout)

    def hold(self) -> None:
        """Wait for the rest of an import that is under way; none begins until `release`."""
        self._held = self._thread is not threading.current_thread() and self._importing.acquire(timeout=_LOADING_LIMIT_S)

    def release(self) -> None:
        if self._held:
            self._importing.release()

    def end(self) -> None:
        """Wait for the rest of an import that is under way; none begins any more."""
        self._ending = True
        self.hold()
        self.release()

    def forked(self) -> None:
        """In the child: what was loaded stays; the thread, and an import that was not finished, begin anew at the next call."""
        self._thread = None
        self._once, self._importing, self._asked = threading.Lock(), threading.Lock(), SimpleQueue()
        self._wanted = threading.Event()
        if self.book is None:
            self._done = threading.Event()


_loading: Final = _Loading()

# A child forked in the middle of an import inherits import locks that nobody releases, and hangs at its own next import. A thread that
# Python < 3.14 unwinds at exit inside a native module's import is undefined behaviour there. So both wait for the rest of the import.
atexit.register(_loading.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_loading.hold, after_in_parent=_loading.release, after_in_child=_loading.forked)
