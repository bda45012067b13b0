"""OTLP over HTTP to AgentOps, under a token that its key is exchanged for."""

from __future__ import annotations

import gzip
import weakref
from typing import TYPE_CHECKING, Final

from agentops.config import settings
from agentops.export.answers import ITEMS, PASSING, Answers, partial_success
from agentops.export.delivery import MAX_BYTES, Delivery
from agentops.export.http import USER_AGENT, Answer, Connection, UnreachableError
from agentops.export.outcomes import Outcome
from agentops.export.parcels import REQUEST_BYTES, OtlpParcel, parcels
from agentops.export.tokens import REFUSED_SECONDS, Authenticator, RefusedError, Token, UnavailableError, authenticator
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.guard import warn_once

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from agentops.export.outcomes import Counts, Parcel

__all__ = ["DEFAULT_TIMEOUT", "PASSING", "AgentOpsReceiver", "Transport", "beside", "partial_success"]

DEFAULT_TIMEOUT: Final = 5.0
_HEADERS: Final = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip", "User-Agent": USER_AGENT}


class AgentOpsReceiver:
    """One signal of AgentOps: `endpoint` and `api_key` are the settings' where they are not given.

    `keeps` as in `Answers`; the key's refusal is such a one. For one thread at a time.
    """

    def __init__(self, signal: str, endpoint: str | None = None, api_key: str | None = None, keeps: bool = False) -> None:
        self.signal: Final = signal
        self._endpoint = endpoint
        self._api_key = api_key
        self._keeps = keeps
        self._answers = Answers("AgentOps", signal, "AGENTOPS_EXPORTER_ENDPOINT", keeps)
        self._connection = Connection()

    @property
    def url(self) -> str:
        """The URL sent to: the one given, else beside the traces endpoint of the settings."""
        return self._endpoint or beside(settings().exporter_endpoint, self.signal)

    @property
    def key(self) -> str:
        """The API key, empty where there is none."""
        return self._api_key or settings().api_key

    def prepare(self, seconds: float) -> None:
        """Have a token, in so many seconds."""
        try:
            self._authenticator().token(seconds)
        except (RefusedError, UnavailableError):
            pass  # Said, or tried again with the first request.

    def send(self, parcel: Parcel, seconds: float) -> Outcome:
        """One attempt, in so many seconds."""
        assert isinstance(parcel, OtlpParcel)
        try:
            answer = self._authenticator().authorised(lambda token: self._post(parcel, token, seconds), self.url, seconds)
        except RefusedError:
            return Outcome(later="the API key is refused", wait=REFUSED_SECONDS) if self._keeps else Outcome(lost="the API key is refused")
        except UnavailableError as error:
            return self._answers.later(str(error), error.wait)
        except UnreachableError as error:
            if not error.final:
                return self._answers.later(f"{self.url}: {error}", None)
            return self._answers.refused(self.url, str(error)) if self._keeps else self._answers.lost(str(error), str(error), self.url)
        return self._answers.outcome(parcel, answer, self.url)

    def _authenticator(self) -> Authenticator:
        return authenticator(settings().endpoint, self.key)

    def _post(self, parcel: OtlpParcel, token: Token, seconds: float) -> Answer:
        payload = gzip.compress(parcel.body(semconv.PROJECT_ID, token.project_id), 5)
        return self._connection.post(self.url, payload, _HEADERS, token.value, seconds)


class Transport:
    """Sends the OTLP requests of one signal from memory. `timeout` bounds one attempt and the wait at the end, in seconds."""

    def __init__(
        self,
        signal: str,
        endpoint: str | None,
        api_key: str | None,
        timeout: float,
        max_request_bytes: int = REQUEST_BYTES,
        max_buffer_bytes: int = MAX_BYTES,
    ) -> None:
        self.signal: Final = signal
        self._timeout = timeout
        self._max_request_bytes = max_request_bytes
        self._receiver = AgentOpsReceiver(signal, endpoint, api_key)
        self._prepared = False
        self._delivery = Delivery(ITEMS[signal], self._receiver.send, self._receiver.prepare, timeout, max_buffer_bytes)
        _transports.add(self)

    @property
    def endpoint(self) -> str:
        """The URL sent to."""
        return self._receiver.url

    def submit(self, request: Message) -> bool:
        """Send `request`, nobody else's from now on, as soon as it can be. False, said once: there is no key, or it is closed."""
        if not self._receiver.key:
            warn_once(f"export:{self.signal}:key", "The AgentOps exporter has no key: set AGENTOPS_API_KEY; it sends no %s", self.signal)
            return False
        return self._delivery.put(parcels(self.signal, request, self._max_request_bytes))

    def start(self) -> None:
        """Have the thread that sends: an interpreter that ends starts none."""
        self._delivery.start()

    def prepare(self) -> None:
        """Get a token in the background, before there is anything to send."""
        if not self._prepared and self._receiver.key:
            self._prepared = True
            self._delivery.prepare()

    def flush(self, seconds: float) -> bool:
        """Wait until everything has been sent, up to `seconds`."""
        return self._delivery.flush(seconds)

    def close(self, seconds: float = DEFAULT_TIMEOUT) -> None:
        """Send what waits, within `seconds` and the timeout, and no more after that."""
        self._delivery.close(min(seconds, self._timeout))

    def counts(self) -> Counts:
        """What became of everything submitted."""
        return self._delivery.counts()


_transports: Final[weakref.WeakSet[Transport]] = weakref.WeakSet()


def transports() -> list[Transport]:
    """Those of this process."""
    return list(_transports)


def beside(traces_endpoint: str, signal: str) -> str:
    """The endpoint of `signal` beside the traces endpoint: `/v1/metrics` for `/v1/traces`."""
    base = traces_endpoint.rstrip("/")
    if signal == "traces":
        return base
    return f"{base.removesuffix('/v1/traces')}/v1/{signal}"
