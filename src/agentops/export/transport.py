"""OTLP over HTTP to AgentOps: what an answer means for what was sent, and one honest line for each way of losing it."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from agentops.config import settings
from agentops.export.delivery import MAX_BYTES, Delivery
from agentops.export.http import USER_AGENT, Answer, Connection, UnreachableError
from agentops.export.outcomes import Outcome
from agentops.export.parcels import REQUEST_BYTES, OtlpParcel, parcels
from agentops.export.tokens import Authenticator, RefusedError, Token, UnavailableError, authenticator
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.guard import warn_once

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from agentops.export.outcomes import Counts, Parcel

DEFAULT_TIMEOUT: Final = 5.0
PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which the same request may be taken. OTLP does not list 408 and 500, with which a backend answers while a part is away."""
_HEADERS: Final = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip", "User-Agent": USER_AGENT}
_ITEMS: Final = {"traces": "spans", "metrics": "metrics", "logs": "log records"}


class Transport:
    """Sends the OTLP requests of one signal. `timeout` bounds one attempt and the wait at the end, in seconds."""

    def __init__(
        self,
        signal: str,
        endpoint: str | None,
        api_key: str | None,
        timeout: float,
        max_request_bytes: int = REQUEST_BYTES,
        max_buffer_bytes: int = MAX_BYTES,
    ) -> None:
        self._signal = signal
        self._endpoint = endpoint
        self._api_key = api_key
        self._timeout = timeout
        self._max_request_bytes = max_request_bytes
        self._connection = Connection()
        self._prepared = False
        self._delivery = Delivery(_ITEMS[signal], self._send, self._authenticate, timeout, max_buffer_bytes)

    @property
    def endpoint(self) -> str:
        """The URL sent to: the one given, else beside the traces endpoint of the settings."""
        return self._endpoint or beside(settings().exporter_endpoint, self._signal)

    def submit(self, request: Message) -> bool:
        """Send `request`, nobody else's from now on, as soon as it can be. False, said once: there is no key, or it is closed."""
        if not self._key():
            warn_once(f"export:{self._signal}:key", "The AgentOps exporter has no key: set AGENTOPS_API_KEY; it sends no %s", self._signal)
            return False
        return self._delivery.put(parcels(self._signal, request, self._max_request_bytes))

    def start(self) -> None:
        """Have the thread that sends: an interpreter that ends starts none."""
        self._delivery.start()

    def prepare(self) -> None:
        """Get a token in the background, before there is anything to send."""
        if not self._prepared and self._key():
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

    def _key(self) -> str:
        return self._api_key or settings().api_key

    def _authenticator(self) -> Authenticator:
        return authenticator(settings().endpoint, self._key())

    def _authenticate(self, seconds: float) -> None:
        try:
            self._authenticator().token(seconds)
        except (RefusedError, UnavailableError):
            pass  # Said, or tried again with the first request.

    def _send(self, parcel: Parcel, seconds: float) -> Outcome:
        assert isinstance(parcel, OtlpParcel)
        try:
            answer = self._authenticator().authorised(lambda token: self._post(parcel, token, seconds), self.endpoint, seconds)
        except RefusedError:
            return Outcome(lost="the API key is refused")
        except UnavailableError as error:
            return self._later(str(error), error.wait)
        except UnreachableError as error:
            if error.final:
                return self._lost(str(error), str(error))
            return self._later(f"{self.endpoint}: {error}", None)
        return self._outcome(parcel, answer)

    def _post(self, parcel: OtlpParcel, token: Token, seconds: float) -> Answer:
        payload = gzip.compress(parcel.body(semconv.PROJECT_ID, token.project_id), 5)
        return self._connection.post(self.endpoint, payload, _HEADERS, token.value, seconds)

    def _outcome(self, parcel: OtlpParcel, answer: Answer) -> Outcome:
        if answer.ok:
            return Outcome(rejected=max(0, min(self._rejected(answer), parcel.items)))
        if answer.status in PASSING:
            # A request that breaks its receiver answers 500 for ever; it must not hold up the others.
            return self._later(f"{self.endpoint}: HTTP {answer.status}", answer.retry_after, behind=answer.status == 500)
        if answer.status == 413:
            smaller = parcel.smaller()
            if smaller:
                return Outcome(parts=smaller)
        cause = f"HTTP {answer.status}"
        shown = f"it redirects to {answer.location or 'another place'}, which is not followed" if answer.redirects else cause
        return self._lost(cause, shown)

    def _lost(self, cause: str, shown: str) -> Outcome:
        warn_once(
            f"export:{self._signal}:{cause}",
            "AgentOps took no %s at %s: %s; they are dropped (said once). Check AGENTOPS_EXPORTER_ENDPOINT",
            self._signal,
            self.endpoint,
            shown,
        )
        return Outcome(lost=cause)

    def _rejected(self, answer: Answer) -> int:
        """How many items a 2xx says were not taken after all; a warning in it is passed on."""
        count, message = partial_success(self._signal, answer.body)
        if count > 0:
            warn_once(f"export:{self._signal}:rejected", "AgentOps rejected %d %s: %s (said once)", count, _ITEMS[self._signal], message)
        elif message:
            warn_once(f"export:{self._signal}:warned", "AgentOps says of %s: %s (said once)", _ITEMS[self._signal], message)
        return count

    def _later(self, cause: str, wait: float | None, behind: bool = False) -> Outcome:
        warn_once(f"export:later:{cause}", "AgentOps takes nothing now, what is recorded is kept for later (said once): %s", cause)
        return Outcome(later=cause, wait=wait, behind=behind)


def partial_success(signal: str, body: bytes) -> tuple[int, str]:
    """The number of rejected items in an export response, and its message; (0, "") where it holds none."""
    try:
        if signal == "traces":
            spans = ExportTraceServiceResponse.FromString(body).partial_success
            return spans.rejected_spans, spans.error_message
        if signal == "metrics":
            points = ExportMetricsServiceResponse.FromString(body).partial_success
            return points.rejected_data_points, points.error_message
        records = ExportLogsServiceResponse.FromString(body).partial_success
        return records.rejected_log_records, records.error_message
    except DecodeError:
        return 0, ""


def beside(traces_endpoint: str, signal: str) -> str:
    """The endpoint of `signal` beside the traces endpoint: `/v1/metrics` for `/v1/traces`."""
    base = traces_endpoint.rstrip("/")
    if signal == "traces":
        return base
    return f"{base.removesuffix('/v1/traces')}/v1/{signal}"
