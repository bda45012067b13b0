"""The one writer of the local store: a daemon thread that `write()`s what was enqueued within 50 ms, without fsync.

What was written survives the death of the process (SIGKILL included), not the loss of power. While sessions are open and there is
nothing to write, the file's time of modification is renewed: the last sign of life of a process that vanishes.
"""

from __future__ import annotations

import importlib
import os
import queue
import sys
import threading
import time
import weakref
from collections import Counter, deque
from typing import TYPE_CHECKING, Final

from agentops_instrumentors.core.guard import swallowed, warn_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentops.store.batch import Item
    from agentops.store.files import Files

HEARTBEAT_SECONDS: Final = 30.0
_COLLECT_SECONDS: Final = 0.02
_QUEUE_LIMIT: Final = 16384
_SPANS_A_LINE: Final = 128
_EXIT_SECONDS: Final = 5.0
_REMEMBERED_SPANS: Final = 65536
_REMEMBERED_TRACES: Final = 10000
TRACES: Final = "traces"
LOGS: Final = "logs"
QUEUE_FULL: Final = "queue_full"
UNWRITABLE: Final = "unwritable"
"""Why records were dropped; what is neither is named by its exception's type."""


class StoreWriter:
    """Takes records from any thread, signal handler, finaliser or forked child; never raises and never blocks.

    `submit` takes no lock: a span may end inside a garbage collection that interrupts this very module.
    """

    def __init__(
        self,
        files: Files,
        queue_limit: int = _QUEUE_LIMIT,
        alive: Callable[[], bool] = bool,
        heartbeat: float = HEARTBEAT_SECONDS,
        what: str = "local store",
    ) -> None:
        """`alive` says whether to give signs of life, every `heartbeat` seconds; `what` is written, for messages."""
        self._files = files
        self._what = what
        self._alive = alive
        self._heartbeat = heartbeat
        self._limit = queue_limit
        self._closed = False
        self._deduplicating = False
        self._begin()
        _writers.add(self)

    def _begin(self) -> None:
        self._items: deque[Item] = deque()
        self._lock = threading.Lock()
        self._drainer = 0
        self._thread: threading.Thread | None = None
        self._wake: queue.SimpleQueue[None] | None = None
        self._starting = threading.Lock()
        self._awake = False
        self._dropped: Counter[tuple[str, str]] = Counter()
        self._written: Counter[str] = Counter()
        self._seen: dict[int, None] = {}
        self._traces: set[int] = set()

    @property
    def dropped(self) -> int:
        """Spans, log records and session starts that did not reach the store."""
        return sum(self._dropped.copy().values())

    def drops(self, signal: str) -> dict[str, int]:
        """`dropped` of `signal` (logs, or traces with the session starts) by cause."""
        return {cause: count for (of, cause), count in self._dropped.copy().items() if of == signal}

    def written(self, signal: str) -> int:
        """Spans or log records handed to the files."""
        return self._written[signal]

    @property
    def recorded_traces(self) -> int:
        """Distinct traces written by this process (counted up to 10 000)."""
        return len(self._traces)

    def deduplicate(self) -> None:
        """From now on write each span once, whichever way it comes: asked for where an exporter joins the processor."""
        self._deduplicating = True

    def submit(self, item: Item) -> None:
        """Enqueue one record. A full queue drops it, counted."""
        if len(self._items) >= self._limit:
            self._drop(QUEUE_FULL, [item])
            warn_once(f"{self._what}:full", "The %s's queue is full: records are dropped and counted", self._what)
            return
        self._items.append(item)
        if self._closed:
            self.flush(_EXIT_SECONDS)
            return
        if not self._awake:
            self._awake = True
            if self._thread is None:
                self._start()
            if self._wake is not None:
                self._wake.put(None)

    def flush(self, timeout: float = _EXIT_SECONDS) -> bool:
        """Write what is enqueued, in the calling thread. False where another thread still writes after `timeout` seconds."""
        if self._drainer == threading.get_ident():
            return True
        if not self._lock.acquire(timeout=max(0.0, timeout)):
            return False
        try:
            self._drainer = threading.get_ident()
            self._drain()
        finally:
            self._drainer = 0
            self._lock.release()
        return True

    def close(self, timeout: float = _EXIT_SECONDS) -> bool:
        """Flush and say what was lost; what is submitted later is written at once by its caller, since threads stop at exit."""
        self._closed = True
        flushed = self.flush(timeout)
        if self._dropped:
            lost = "%d spans and log records were not recorded in the %s %s"
            warn_once(f"{self._what}:lost", lost, self.dropped, self._what, self._files.folder)
        return flushed

    def after_fork(self) -> None:
        """In a forked child: what is enqueued is the parent's to write, and so is its file."""
        self._closed = False
        self._begin()
        self._files.begin_run()

    def _start(self) -> None:
        if not self._starting.acquire(blocking=False):
            return
        try:
            # Looked up now, not at import: a program that patches threading and queue (gevent) did so after we were imported.
            self._wake = queue.SimpleQueue()
            # Not at start-up, for msgspec's sake, and not in the thread either: a fork during an import leaves the child without it.
            importlib.import_module("agentops.store.batch")
            thread = threading.Thread(target=self._run, args=(self._wake,), name="agentops-store", daemon=True)
            self._thread = thread
            thread.start()
            _flush_at_worker_exit(self)
        except RuntimeError:
            self._closed = True
            self.flush()
        finally:
            self._starting.release()

    def _run(self, wake: queue.SimpleQueue[None]) -> None:
        while True:
            try:
                # Without open sessions it sleeps until it is woken.
                wake.get(timeout=self._heartbeat if self._alive() else None)
            except queue.Empty:
                self._give_sign_of_life()
                continue
            time.sleep(_COLLECT_SECONDS)
            self._awake = False
            self.flush(timeout=threading.TIMEOUT_MAX)

    def _give_sign_of_life(self) -> None:
        with self._lock:
            try:
                self._files.touch()
            except OSError as error:
                swallowed("store.heartbeat", error)

    def _drain(self) -> None:
        while self._items:
            batch = [self._items.popleft() for _ in range(min(len(self._items), _SPANS_A_LINE))]
            try:
                self._write(batch)
            except OSError as error:
                self._drop(UNWRITABLE, batch)
                self._say_unwritable(error)
            except Exception as error:
                self._drop(type(error).__qualname__, batch)
                swallowed("store.writer", error)

    def _write(self, batch: list[Item]) -> None:
        from agentops.store.batch import encode_batch

        encoded = encode_batch(batch, self._first_time if self._deduplicating else None)
        if encoded.starts:
            self._files.mark()
        if encoded.lines:
            self._files.write(b"\n".join(encoded.lines) + b"\n")
            self._written[TRACES] += len(encoded.spans)
            self._written[LOGS] += encoded.records
        if len(self._traces) < _REMEMBERED_TRACES:
            self._traces.update(encoded.traces())

    def _first_time(self, trace_id: int, span_id: int) -> bool:
        key = trace_id << 64 | span_id
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED_SPANS:
            del self._seen[next(iter(self._seen))]
        return True

    def _drop(self, cause: str, items: list[Item]) -> None:
        for item in items:
            self._dropped[LOGS if hasattr(item, "log_record") else TRACES, cause] += 1

    def _say_unwritable(self, error: OSError) -> None:
        warn_once(
            "store:unwritable",
            "The local store %s cannot be written (%s): the program runs on, its spans are not recorded there. "
            "Make room or make it writable, or set AGENTOPS_LOCAL_DIR to another folder.",
            self._files.folder,
            error.strerror or error,
        )


_writers: Final[weakref.WeakSet[StoreWriter]] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for writer in list(_writers):
        writer.after_fork()


def _flush_at_worker_exit(writer: StoreWriter) -> None:
    """A multiprocessing worker leaves by `os._exit`, past every atexit: its own finalisers are what runs there."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, writer.flush, exitpriority=0)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
