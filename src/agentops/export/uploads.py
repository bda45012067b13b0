"""A session's log records as one text in AgentOps' log view, for programs that say AGENTOPS_UPLOAD_LOGS=true.

Gathered while the session is open, posted once its root has ended. Beside the records that go out as OTLP, not in their place.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import get_current_span

from agentops.config import settings
from agentops.export.delivery import MAX_BYTES, Delivery
from agentops.export.http import USER_AGENT, Connection, UnreachableError
from agentops.export.outcomes import Outcome
from agentops.export.tokens import RefusedError, Token, UnavailableError, authenticator
from agentops.export.transport import DEFAULT_TIMEOUT, PASSING
from agentops.logs.stdout import SCOPE as STDOUT
from agentops.sessions.registry import registry
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.guard import swallowed, warn_once

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import ReadWriteLogRecord
    from opentelemetry.sdk.trace import ReadableSpan, Span

    from agentops.export.http import Answer
    from agentops.export.outcomes import Parcel

_PATH: Final = "/v4/logs/upload/"
SESSION_BYTES: Final = 8 << 20
"""Of one session's text; the backend takes 25 MB of JSON, in which a character may have six bytes."""


@dataclass(frozen=True, slots=True, eq=False)
class LogText:
    """What one session said. Its trace id goes out in decimal digits."""

    trace_id: int
    text: str
    items: int

    @property
    def size(self) -> int:
        """Bytes in memory, nearly."""
        return len(self.text)


class SessionLogs:
    """Gathers lines by trace and uploads those of a session that ends."""

    def __init__(self, timeout: float = DEFAULT_TIMEOUT, session_bytes: int = SESSION_BYTES) -> None:
        self._lock = threading.Lock()
        self._lines: dict[int, list[str]] = {}
        self._sizes: dict[int, int] = {}
        self._session_bytes = session_bytes
        self._connection = Connection()
        self.delivery: Final = Delivery("session logs", self._send, lambda _: None, timeout, MAX_BYTES)

    def said(self, trace_id: int, line: str) -> None:
        """Keep a line of an open session; past the limit the session's further lines are only counted."""
        with self._lock:
            size = self._sizes.get(trace_id, 0) + len(line.encode("utf-8", "replace")) + 1
            self._sizes[trace_id] = size
            if size <= self._session_bytes:
                self._lines.setdefault(trace_id, []).append(line)

    def ended(self, trace_id: int) -> None:
        """Upload what the session said, if anything."""
        with self._lock:
            lines, size = self._lines.pop(trace_id, []), self._sizes.pop(trace_id, 0)
        if size > self._session_bytes:
            lines.append(f"[log of {size} bytes cut]")
        if lines:
            self.delivery.put([LogText(trace_id, "\n".join(lines), len(lines))])

    def _send(self, parcel: Parcel, seconds: float) -> Outcome:
        assert isinstance(parcel, LogText)
        endpoint = settings().endpoint.rstrip("/")
        headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT, "Trace-Id": str(parcel.trace_id)}
        body = json.dumps({"body": parcel.text}).encode()

        def post(token: Token) -> Answer:
            return self._connection.post(endpoint + _PATH, body, headers, token.value, seconds)

        try:
            answer = authenticator(endpoint, settings().api_key).authorised(post, endpoint + _PATH, seconds)
        except RefusedError:
            return Outcome(lost="the API key is refused")
        except UnavailableError as error:
            return Outcome(later=str(error), wait=error.wait)
        except UnreachableError as error:
            return Outcome(lost=str(error)) if error.final else Outcome(later=str(error))
        return _outcome(parcel, answer, endpoint + _PATH)


def _outcome(parcel: LogText, answer: Answer, url: str) -> Outcome:
    if answer.ok:
        return Outcome()
    if answer.status in PASSING:
        return Outcome(later=f"HTTP {answer.status}", wait=answer.retry_after)
    if answer.status == 413 and len(parcel.text) > 1024:
        return Outcome(parts=[LogText(parcel.trace_id, parcel.text[len(parcel.text) // 2 :], parcel.items)])
    cause = f"HTTP {answer.status}"
    warn_once(f"export:upload:{cause}", "AgentOps took no session log at %s: %s; they are dropped (said once)", url, cause)
    return Outcome(lost=cause)


class GatheringProcessor(LogRecordProcessor):
    """Hands the records made in an open session's trace to `logs`."""

    def __init__(self, logs: SessionLogs) -> None:
        self._logs = logs

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Keep the record's line."""
        try:
            record = log_record.log_record
            trace_id = record.trace_id or get_current_span(record.context).get_span_context().trace_id
            session = registry.of_trace(trace_id) if trace_id else None
            if session is None or session.joined:
                return
            scope = log_record.instrumentation_scope
            name = scope.name if scope is not None else ""
            body = record.body if isinstance(record.body, str) else str(record.body)
            if name != STDOUT:
                when = datetime.fromtimestamp((record.timestamp or record.observed_timestamp or 0) / 1e9)
                body = f"{when.isoformat(' ', 'milliseconds')} {record.severity_text or ''} {name}: {body}"
            self._logs.said(trace_id, body)
        except Exception as error:
            swallowed("gathering a session's log", error)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits here: a log goes out when its session ends."""
        return True

    def shutdown(self) -> None:
        """Nothing: the sessions' own provider closes the line."""


class UploadingProcessor(SpanProcessor):
    """Has the log of a session uploaded whose root ends."""

    def __init__(self, logs: SessionLogs) -> None:
        self._logs = logs

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing."""

    def on_end(self, span: ReadableSpan) -> None:
        """Upload, if the span is a session's root."""
        try:
            place = span.get_span_context()
            if place is not None and span.parent is None and (span.attributes or {}).get(semconv.SPAN_KIND) == "session":
                self._logs.ended(place.trace_id)
        except Exception as error:
            swallowed("uploading a session's log", error)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Wait until the logs of ended sessions have been sent, 5 s at most."""
        return self._logs.delivery.flush(min(timeout_millis / 1000, DEFAULT_TIMEOUT))

    def shutdown(self) -> None:
        """Send what waits, within 5 s."""
        self._logs.delivery.close(DEFAULT_TIMEOUT)
