"""The process's local-store span processor, and the record of each session that opens."""

from __future__ import annotations

import atexit
import os
import threading
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace import SpanProcessor

from agentops.store import hint, paths
from agentops.store.files import Limits, StoreFiles
from agentops.store.records import SESSION_START_EVENT
from agentops.store.writer import StoreWriter
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from pathlib import Path

    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.trace import ReadableSpan, Span

    from agentops.store.records import SessionStart

_OPEN_LIMIT: Final = 10000


class LocalStore:
    """The process's one store: its writer and the sessions that are open, whose start records stand in every file it writes."""

    def __init__(self) -> None:
        self._open: dict[int, SessionStart] = {}
        self._armed = False
        self._forked = False
        self.files: Final = StoreFiles(paths.data_folder(), Limits.from_environment(), self._open_sessions)
        self.writer: Final = StoreWriter(self.files, alive=self._has_open_sessions)

    def started(self, session: SessionStart) -> None:
        """Record that a session opened, or that one of another process was joined or left."""
        if session.event == SESSION_START_EVENT and len(self._open) < _OPEN_LIMIT:
            self._open[session.span_id] = session
        self._arm()
        self.writer.submit(session)

    def ended(self, span: ReadableSpan) -> None:
        """Record an ended span; one that was not sampled is not recorded."""
        context = span.get_span_context()
        if context is None or not context.trace_flags.sampled:
            return
        self._open.pop(context.span_id, None)
        self._arm()
        self.writer.submit(span)

    def logged(self, record: ReadableLogRecord) -> None:
        """Record a log record."""
        self._arm()
        self.writer.submit(record)

    def after_fork(self) -> None:
        """In a forked child: it never ends its parent's sessions, and the last word on the terminal is the parent's."""
        self._open = {}
        self._forked = True

    def _open_sessions(self) -> bytes:
        from agentops.store.encode import encode_session_start

        return b"".join(encode_session_start(session, os.getpid()) + b"\n" for session in list(self._open.values()))

    def _has_open_sessions(self) -> bool:
        return bool(self._open)

    def _arm(self) -> None:
        if not self._armed:
            self._armed = True
            atexit.register(self._at_exit)

    def _at_exit(self) -> None:
        self.writer.close()
        if not self._open:
            self.files.unmark()
        if not self._forked:
            hint.say_once()


_lock = threading.Lock()
_store: LocalStore | None = None
_processor: LocalStoreProcessor | None = None


def local_store() -> LocalStore:
    """The shared store, made at first use with the settings of that moment."""
    global _store
    if _store is None:
        with _lock:
            if _store is None:
                _store = LocalStore()
    return _store


def kept(signal: str) -> tuple[int, dict[str, int]]:
    """How many spans (of `traces`) or log records (of `logs`) this process has written, and how many it lost, by cause."""
    return (0, {}) if _store is None else (_store.writer.written(signal), _store.writer.drops(signal))


def recorded() -> tuple[int, Path | None]:
    """How many distinct traces this process has recorded, and the store's folder if this process was the first to need it."""
    if _store is None:
        return 0, None
    return _store.writer.recorded_traces, _store.files.folder if _store.files.made_folder else None


class LocalStoreProcessor(SpanProcessor):
    """Hands ended spans to the local store; costs the program one append. May be added to any number of providers."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing: the store holds ended spans."""

    def on_end(self, span: ReadableSpan) -> None:
        """Enqueue the span."""
        try:
            self._store.ended(span)
        except Exception as error:
            swallowed("store.processor", error)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """True once everything enqueued has been written."""
        return self._store.writer.flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Flush only: other providers may share the store, and it closes with the process."""
        self._store.writer.flush()


def store_processor() -> LocalStoreProcessor:
    """The process-wide local-store span processor."""
    global _processor
    store = local_store()
    with _lock:
        if _processor is None:
            _processor = LocalStoreProcessor(store)
        return _processor


def session_started(session: SessionStart) -> None:
    """Record an opened session, so that it is visible while it runs and after a kill. Never raises."""
    try:
        local_store().started(session)
    except Exception as error:
        swallowed("store.processor", error)


def _after_fork_in_child() -> None:
    global _lock
    _lock = threading.Lock()
    if _store is not None:
        _store.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
