"""OTLP over HTTP to AgentOps: our own headers and nothing else, gzip, a deadline, and one honest line when data is lost."""

from __future__ import annotations

import atexit
import gzip
import os
import random
import threading
import time
from typing import TYPE_CHECKING, Final

from opentelemetry.instrumentation.utils import suppress_instrumentation

from agentops.config import masked, settings
from agentops_instrumentors.core.guard import warn_once
from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    import requests

DEFAULT_TIMEOUT: Final = 5.0
_RETRIED: Final = frozenset({429, 502, 503, 504})
_ATTEMPTS: Final = 4
_FIRST_PAUSE: Final = 0.25
_EXIT_SECONDS: Final = 5.0

_exit_deadline = float("inf")


def share_exit_time() -> None:
    """Give all transports together 5 s once the program ends; to be called again with each provider, before it shuts down."""
    atexit.unregister(_begin_exit)
    atexit.register(_begin_exit)


def _begin_exit() -> None:
    global _exit_deadline
    _exit_deadline = time.monotonic() + _EXIT_SECONDS


class Transport:
    """Sends encoded requests of one signal. `timeout` bounds one `send`, retries included, in seconds."""

    def __init__(self, signal: str, endpoint: str | None, api_key: str | None, timeout: float) -> None:
        self._signal = signal
        self._endpoint = endpoint
        self._api_key = api_key
        self._timeout = timeout
        self._closed = threading.Event()
        self._session: requests.Session | None = None
        self._pid = 0

    @property
    def endpoint(self) -> str:
        """The URL sent to: the one given, else beside the traces endpoint of the settings."""
        return self._endpoint or beside(settings().exporter_endpoint, self._signal)

    def send(self, body: bytes) -> bool:
        """Send one request, retrying what may pass within the deadline. False: the data is lost, said once per cause."""
        key = self._api_key or settings().api_key
        if not key:
            warn_once(f"export:{self._signal}:key", "The AgentOps exporter has no key: set AGENTOPS_API_KEY; it sends no %s", self._signal)
            return False
        payload = gzip.compress(body, 5)
        deadline = min(time.monotonic() + self._timeout, _exit_deadline)
        cause = "the program has ended"
        for attempt in range(_ATTEMPTS):
            remaining = deadline - time.monotonic()
            if self._closed.is_set() or remaining <= 0:
                break
            status, cause, pause = self._post(payload, key, remaining)
            if status is not None and status not in _RETRIED:
                return self._settle(status, cause, key)
            self._closed.wait(max(0.0, min(pause or _backoff(attempt), deadline - time.monotonic())))
        warn_once(
            f"export:{self._signal}:{cause}",
            "AgentOps took no %s at %s: %s; they are dropped (said once)",
            self._signal,
            self.endpoint,
            cause,
        )
        return False

    def close(self) -> None:
        """End waiting retries and refuse further ones."""
        self._closed.set()

    def _post(self, payload: bytes, key: str, remaining: float) -> tuple[int | None, str, float | None]:
        """One attempt: the status, or None without an answer; what to say of it; seconds the server asks to wait."""
        import requests

        if self._session is None or self._pid != os.getpid():
            # A forked child must not write into its parent's connections.
            self._session, self._pid = requests.Session(), os.getpid()
        headers = {
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "gzip",
            "User-Agent": f"agentops-opentelemetry/{__version__}",
        }
        try:
            with suppress_instrumentation():
                answer = self._session.post(
                    self.endpoint,
                    data=payload,
                    headers=headers,
                    auth=_Bearer(key),
                    timeout=remaining,
                    allow_redirects=False,
                )
        except requests.RequestException as error:
            return None, type(error).__name__, None
        return answer.status_code, f"HTTP {answer.status_code}", _retry_after(answer.headers.get("Retry-After"))

    def _settle(self, status: int, cause: str, key: str) -> bool:
        if 200 <= status < 300:
            return True
        shown = f"{cause}, key {masked(key)}" if status in (401, 403) else cause
        warn_once(
            f"export:{self._signal}:{cause}",
            "AgentOps refused %s at %s: %s; they are dropped (said once)",
            self._signal,
            self.endpoint,
            shown,
        )
        return False


class _Bearer:
    """Sets the key on a request; as an `auth` of its own it also keeps a .netrc entry from replacing it."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def beside(traces_endpoint: str, signal: str) -> str:
    """The endpoint of `signal` beside the traces endpoint: `/v1/metrics` for `/v1/traces`."""
    base = traces_endpoint.rstrip("/")
    if signal == "traces":
        return base
    return f"{base.removesuffix('/v1/traces')}/v1/{signal}"


def _backoff(attempt: int) -> float:
    return _FIRST_PAUSE * 2**attempt * random.uniform(0.8, 1.2)


def _retry_after(value: str | None) -> float | None:
    try:
        return float(value) if value else None
    except ValueError:
        return None
