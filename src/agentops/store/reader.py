"""Reads a store folder into sessions: many files, torn last lines, lines of others' making."""

from __future__ import annotations

import heapq
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from agentops.store.files import StoredFile, stored_files
from agentops.store.otlp import StoredRecord, StoredSpan, decode_line
from agentops.store.records import PROCESS_VANISHED, SESSION_START_EVENT
from agentops.store.sessions import StoredSession, build_session
from agentops_instrumentors.core import semconv

if TYPE_CHECKING:
    from pathlib import Path

CONTENT_ATTRIBUTES: Final = frozenset(
    {
        semconv.INPUT_MESSAGES,
        semconv.OUTPUT_MESSAGES,
        semconv.SYSTEM_INSTRUCTIONS,
        semconv.TOOL_DEFINITIONS,
        semconv.TOOL_CALL_ARGUMENTS,
        semconv.TOOL_CALL_RESULT,
    }
)
_CLOCK_SLACK_SECONDS: Final = 1.0
_NANO: Final = 1e9


class UnknownSessionError(LookupError):
    """No session's id begins so."""


class AmbiguousSessionError(LookupError):
    """Several sessions' ids begin so; `candidates` are they."""

    def __init__(self, candidates: list[StoredSession]) -> None:
        super().__init__()
        self.candidates: Final = candidates


@dataclass(frozen=True, slots=True)
class StoreContents:
    """Sessions, newest first. `more` says that the store holds older ones; `skipped_lines` counts lines that are not OTLP JSON."""

    sessions: list[StoredSession]
    more: bool
    skipped_lines: int


@dataclass(slots=True)
class _Trace:
    run: str
    pid: int
    spans: dict[str, StoredSpan] = field(default_factory=dict[str, StoredSpan])
    record: StoredRecord | None = None
    start: int = 2**63


class _Collector:
    """Groups what the files hold by trace; a span that stands in the store twice counts once."""

    def __init__(self, without: frozenset[str] = frozenset()) -> None:
        self.traces: dict[str, _Trace] = {}
        self.skipped_lines = 0
        self._without = without
        self._logs: defaultdict[str, list[StoredRecord]] = defaultdict(list)
        self._written: dict[str, float] = {}

    def read(self, file: StoredFile, wanted: re.Pattern[bytes] | None = None) -> None:
        """Read one file, or only its lines that hold `wanted`. A file that has just been removed is empty."""
        self._written[file.name.run] = max(file.modified, self._written.get(file.name.run, 0.0))
        try:
            with file.path.open("rb") as lines:
                for line in lines:
                    if not line.isspace() and (wanted is None or wanted.search(line)):
                        self._add(line, file)
        except FileNotFoundError:
            return

    def session(self, trace_id: str) -> StoredSession:
        """One of the traces summed up."""
        trace = self.traces[trace_id]
        session = build_session(trace_id, list(trace.spans.values()), trace.record, trace.run, trace.pid)
        logs = tuple(sorted(self._logs[trace_id], key=lambda record: record.time))
        vanished = not session.running and (session.root.reconstructed or session.reason == PROCESS_VANISHED)
        return replace(session, logs=logs, last_heartbeat=int(self._written[trace.run] * _NANO) if vanished else None)

    def newest(self, count: int) -> list[tuple[str, _Trace]]:
        """The traces that started last, newest first."""
        return heapq.nlargest(count, self.traces.items(), key=lambda item: (item[1].start, item[0]))

    def _add(self, line: bytes, file: StoredFile) -> None:
        try:
            spans, records = decode_line(line, self._without)
        except (ValueError, RecursionError):
            self.skipped_lines += 1
            return
        for span in spans:
            trace = self._trace(span.trace_id, file)
            if span.span_id not in trace.spans:
                trace.spans[span.span_id] = span
                trace.start = min(trace.start, span.start)
        for record in records:
            if record.event_name == SESSION_START_EVENT:
                trace = self._trace(record.trace_id, file)
                trace.record = trace.record or record
                trace.run, trace.start = file.name.run, min(trace.start, record.time)
            elif record.body is not None and not self._without:
                self._logs[record.trace_id].append(record)

    def _trace(self, trace_id: str, file: StoredFile) -> _Trace:
        trace = self.traces.get(trace_id)
        if trace is None:
            trace = self.traces[trace_id] = _Trace(run=file.name.run, pid=file.name.pid)
        return trace


def read_sessions(folder: Path, limit: int | None = None) -> StoreContents:
    """The `limit` newest sessions, or all, without their content. Files too old to hold any part of them are not opened.

    Raises OSError for a folder that cannot be read; a missing one is empty.
    """
    collector = _Collector(CONTENT_ATTRIBUTES)
    unread = _read_newest(collector, folder, limit)
    chosen = collector.newest(len(collector.traces) if limit is None else limit)
    sessions = [collector.session(trace_id) for trace_id, _ in chosen]
    return StoreContents(sessions, more=unread or len(sessions) < len(collector.traces), skipped_lines=collector.skipped_lines)


def latest_session(folder: Path) -> tuple[StoredSession, int] | None:
    """The session that started last, with its content, and how many more the same process recorded; None in an empty store."""
    collector = _Collector()
    _read_newest(collector, folder, 1, whole_run=True)
    for trace_id, trace in collector.newest(1):
        others = sum(other.run == trace.run for other in collector.traces.values()) - 1
        return collector.session(trace_id), others
    return None


def find_session(folder: Path, prefix: str) -> StoredSession:
    """The session whose id (as a UUID or 32 hex digits) begins with `prefix`, with its content.

    Raises UnknownSessionError or AmbiguousSessionError.
    """
    digits = prefix.strip().lower().replace("-", "")
    if not re.fullmatch(r"[0-9a-f]{1,32}", digits):
        raise UnknownSessionError(prefix)
    wanted = re.compile(rb'"traceId"\s*:\s*"' + digits.encode(), re.IGNORECASE)
    collector = _Collector()
    for file in stored_files(folder):
        collector.read(file, wanted)
    found = [collector.session(trace_id) for trace_id in collector.traces if trace_id.startswith(digits)]
    if not found:
        raise UnknownSessionError(prefix)
    if len(found) > 1:
        raise AmbiguousSessionError(sorted(found, key=lambda session: -session.start))
    return found[0]


def _read_newest(collector: _Collector, folder: Path, limit: int | None, whole_run: bool = False) -> bool:
    """Read files, last written first, until the older ones cannot hold a part of the `limit` newest sessions; whether some were left."""
    left = False
    for file in sorted(stored_files(folder), key=lambda file: file.modified, reverse=True):
        if limit is not None and len(collector.traces) >= limit > 0:
            _, oldest = collector.newest(limit)[-1]
            # A span is written when it ends, so a file last written before a session's start has nothing of it.
            too_old = file.modified + _CLOCK_SLACK_SECONDS < oldest.start / _NANO
            if too_old and not (whole_run and file.name.run == oldest.run):
                left = True
                continue
        collector.read(file)
    return left
