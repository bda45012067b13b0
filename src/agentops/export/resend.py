"""Recorded files sent again: each span once, what only the store needs left out, roots that vanished processes owe put in."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentops.export.parcels import parcels
from agentops.sessions.states import EndState
from agentops.spool.reading import read_blocks
from agentops.store.paths import process_alive
from agentops.store.protobuf import Requests
from agentops.store.records import (
    OF_THE_RECORD,
    PROCESS_PID,
    PROCESS_VANISHED,
    SESSION_JOINED_EVENT,
    SESSION_LEFT_EVENT,
    SESSION_NAME,
    SESSION_START_EVENT,
)
from agentops_instrumentors.core import semconv

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from google.protobuf.message import Message

    from agentops.export.otlp import OtlpReceiver

SCOPE: Final = "agentops.session"
_OF_THE_STORE: Final = frozenset({SESSION_START_EVENT, SESSION_JOINED_EVENT, SESSION_LEFT_EVENT})
_FIRST_PAUSE: Final = 0.25
_REJECTED: Final = "rejected by the receiver"
_NANO: Final = 1e9


@dataclass(slots=True)
class _Started:
    """A session that began; its root is missing until it is found."""

    record: LogRecord
    resource: Resource


@dataclass(slots=True)
class Sent:
    """What became of it: items `taken` and `refused` (by cause) of each signal; `unreadable` lines; `traces` whose spans were sent."""

    taken: Counter[str] = field(default_factory=Counter[str])
    refused: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    unreadable: int = 0
    traces: set[bytes] = field(default_factory=set[bytes])

    @property
    def complete(self) -> bool:
        """Whether everything was taken."""
        return not any(self.refused.values())


class Resend:
    """Sends files to `receivers`, one for each signal that is wanted; `traces` limits it to these trace ids (16 bytes each).

    A receiver that takes nothing now is asked for so many seconds in all; once one refuses for good or for so long, the rest of
    its signal is not sent. For one thread.
    """

    def __init__(self, receivers: Iterable[OtlpReceiver], traces: frozenset[bytes] | None = None, patience: float = 30.0) -> None:
        self.sent: Final = Sent()
        self._receivers = {receiver.signal: receiver for receiver in receivers}
        self._wanted = traces
        self._patience = patience
        self._seen: set[bytes] = set()
        self._started: dict[bytes, _Started] = {}
        self._last_ends: dict[bytes, int] = {}
        self._resources: dict[bytes, Resource] = {}

    def file(self, path: Path) -> None:
        """Send one file. Raises OSError."""
        read = 0
        for block in read_blocks(path, 0):
            read += len(block)
            self._lines(block)
        with path.open("rb") as file:
            file.seek(read)
            self._lines(file.read())

    def missing_roots(self) -> None:
        """Once every file has been sent: end the sessions whose processes vanished, as the store shows them."""
        request = ExportTraceServiceRequest()
        for trace_id, started in self._started.items():
            if trace_id + started.record.span_id not in self._seen and not _alive(started.record):
                scoped = request.resource_spans.add(resource=self._resources.get(trace_id, started.resource)).scope_spans.add()
                scoped.scope.name = SCOPE
                scoped.spans.append(_root(started.record, self._last_ends.get(trace_id, 0)))
                self.sent.traces.add(trace_id)
        self._send("traces", request)

    def _lines(self, block: bytes) -> None:
        requests = Requests()
        for line in block.splitlines():
            requests.add(line)
        self.sent.unreadable += requests.unreadable
        for resource in requests.traces.resource_spans:
            for scope in resource.scope_spans:
                _keep(scope.spans, [self._is_wanted(span, resource.resource) for span in scope.spans])
        for resource in requests.logs.resource_logs:
            for scope in resource.scope_logs:
                _keep(scope.log_records, [self._is_to_be_sent(record, resource.resource) for record in scope.log_records])
        self._send("traces", requests.traces)
        self._send("logs", requests.logs)

    def _is_wanted(self, span: Span, resource: Resource) -> bool:
        place = span.trace_id + span.span_id
        if place in self._seen or not span.end_time_unix_nano or not self._chosen(span.trace_id):
            return False
        self._seen.add(place)
        self.sent.traces.add(span.trace_id)
        if span.trace_id not in self._resources:
            self._resources[span.trace_id] = _copy(resource)
        self._last_ends[span.trace_id] = max(span.end_time_unix_nano, self._last_ends.get(span.trace_id, 0))
        return True

    def _is_to_be_sent(self, record: LogRecord, resource: Resource) -> bool:
        if not self._chosen(record.trace_id):
            return False
        if record.event_name == SESSION_START_EVENT:
            began = LogRecord()
            began.CopyFrom(record)
            self._started.setdefault(record.trace_id, _Started(began, _copy(resource)))
        return record.event_name not in _OF_THE_STORE

    def _chosen(self, trace_id: bytes) -> bool:
        return self._wanted is None or trace_id in self._wanted

    def _send(self, signal: str, request: Message) -> None:
        receiver = self._receivers.get(signal)
        if receiver is None:
            return
        todo: list[Any] = list(reversed(parcels(signal, request)))
        refused = self.sent.refused.setdefault(signal, Counter())
        while todo:
            parcel = todo.pop()
            cause = next((cause for cause in refused if cause != _REJECTED), "")
            if cause:
                refused[cause] += parcel.items
                continue
            outcome = self._outcome(receiver, parcel)
            if outcome.parts:
                todo += reversed(outcome.parts)
            elif outcome.later or outcome.lost:
                refused[outcome.later or outcome.lost] += parcel.items
            else:
                self.sent.taken[signal] += parcel.items - outcome.rejected
                refused.update({_REJECTED: outcome.rejected} if outcome.rejected else {})

    def _outcome(self, receiver: OtlpReceiver, parcel: Any) -> Any:
        pause = _FIRST_PAUSE
        while True:
            began = time.monotonic()
            outcome = receiver.send(parcel, receiver.timeout)
            wait = pause if outcome.wait is None else outcome.wait
            self._patience -= time.monotonic() - began if outcome.later else 0.0
            if not outcome.later or wait > self._patience:
                return outcome
            time.sleep(wait)
            self._patience -= wait
            pause *= 2


def _keep(listed: Any, kept: list[bool]) -> None:
    """Leave in a repeated field what is to be kept."""
    for number in range(len(kept) - 1, -1, -1):
        if not kept[number]:
            del listed[number]


def _copy(resource: Resource) -> Resource:
    # A part of a request keeps the whole of it in memory.
    copy = Resource()
    copy.CopyFrom(resource)
    return copy


def _alive(record: LogRecord) -> bool:
    pid = next((pair.value.int_value for pair in record.attributes if pair.key == PROCESS_PID), 0)
    return process_alive(pid, record.time_unix_nano / _NANO)


def _root(record: LogRecord, last_end: int) -> Span:
    name = next((pair.value.string_value for pair in record.attributes if pair.key == SESSION_NAME), "")
    ended = {semconv.SESSION_END_STATE: EndState.INDETERMINATE.value, semconv.SESSION_END_STATE_REASON: PROCESS_VANISHED}
    return Span(
        trace_id=record.trace_id,
        span_id=record.span_id,
        name=name or SCOPE,
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=record.time_unix_nano,
        end_time_unix_nano=max(last_end, record.time_unix_nano),
        attributes=[
            *(pair for pair in record.attributes if pair.key not in OF_THE_RECORD),
            *(KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in ended.items()),
        ],
    )
