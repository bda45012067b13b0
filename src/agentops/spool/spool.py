"""One spool of this process: its writer, and the sender that reads what was written."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agentops.export.delivery import EXIT_SECONDS, exit_deadline
from agentops.export.outcomes import Counts
from agentops.spool.backlog import Backlog
from agentops.spool.drops import Drops
from agentops.spool.files import LARGEST_FILE, SpoolFiles
from agentops.spool.place import shown, spools_folder
from agentops.spool.sender import Sender
from agentops.store.files import Limits, prune
from agentops.store.records import OpenRoot
from agentops.store.writer import StoreWriter
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.guard import guarded, swallowed, warn_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.trace import ReadableSpan

    from agentops.spool.place import Place
    from agentops.spool.receivers import Receiver

_OPEN_LIMIT: Final = 10000
_PROBE: Final = "agentops.doctor.probe"


class _Open:
    """A session's root that is open, and the end of its last child so far."""

    __slots__ = ("last_end", "span")

    def __init__(self, span: ReadableSpan) -> None:
        self.span = span
        self.last_end = 0


class Spool:
    """Takes spans and log records from any thread: one append each. Never raises."""

    def __init__(self, place: Place, receiver: Receiver, keeps_roots: bool = True, limits: Limits | None = None) -> None:
        """`keeps_roots`: open roots are written, too, so that a process that vanishes leaves them to be ended by another."""
        self.place: Final = place
        self.url: Final = receiver.url
        self.feeders = 0
        """Exporters that hand over what batch processors hold until their provider shuts down, later than `close_all` at exit."""
        self._keeps_roots = keeps_roots
        self._open: dict[int, _Open] = {}
        self._limits = limits or replace(Limits.from_environment(), largest_file=LARGEST_FILE)
        self.drops: Final = Drops(place.folder, lambda: self.writer.drops(place.signal))
        self._backlog = Backlog(place.folder, lambda: self.files.run, lambda: self.files.committed)
        self._sender = Sender(self._backlog, receiver, self.drops, self._tend)
        self.files: Final = SpoolFiles(place, self._limits, self._open_roots, self.drops, self._sender.wake, self._sender.keep)
        self.writer: Final = StoreWriter(self.files, what=f"spool for {place.name}")

    def start(self) -> None:
        """Send what dead processes left, if there is a folder. Not in the process that `agentops doctor` looks around in."""
        if self.place.folder.is_dir() and _PROBE not in sys.orig_argv:
            self._sender.start()

    def prepare(self) -> None:
        """Have the receiver prepared, before there is anything to send."""
        self._sender.start(prepare=True)

    def started(self, span: ReadableSpan) -> None:
        """Keep the root of a session as open."""
        if not self._keeps_roots or span.parent is not None or (span.attributes or {}).get(semconv.SPAN_KIND) != "session":
            return
        context = span.get_span_context()
        if context is not None and context.trace_flags.sampled and len(self._open) < _OPEN_LIMIT:
            self._open[context.trace_id] = _Open(span)
            self.writer.submit(OpenRoot(span))

    def ended(self, span: ReadableSpan) -> None:
        """Send an ended span; one that was not sampled is not sent."""
        context = span.get_span_context()
        if context is None or not context.trace_flags.sampled:
            return
        opened = self._open.get(context.trace_id)
        if opened is not None:
            if span.parent is None:
                self._open.pop(context.trace_id, None)
            else:
                opened.last_end = max(opened.last_end, span.end_time or 0)
        self.writer.submit(span)

    def logged(self, record: ReadableLogRecord) -> None:
        """Send a log record."""
        self.writer.submit(record)

    def flush(self, seconds: float) -> bool:
        """Write what is enqueued and wait until all of this process has been taken; False where it is not, within `seconds`."""
        deadline = min(time.monotonic() + min(seconds, EXIT_SECONDS), exit_deadline())
        return self.writer.flush(max(0.0, deadline - time.monotonic())) and self._sender.flush(deadline - time.monotonic())

    def counts(self) -> Counts:
        """What became of what this process sent, and took over from others."""
        return Counts(self._sender.delivered, self.drops.counts(), 0)

    def begin_close(self, deadline: float) -> None:
        """Write what is enqueued, and send what can be until `deadline` (of the monotonic clock) without waiting for it."""
        self.writer.close(max(0.0, deadline - time.monotonic()))
        self.files.close()
        self._sender.close(deadline, everything=not self._open)

    def finish_close(self) -> bool:
        """Wait for it; whether everything was sent, what was taken over included."""
        finished = self._sender.join()
        left = not self._sender.done or self._backlog.leave()
        self.drops.save()
        if not left:
            self.files.unmark()
        return finished

    def after_fork(self) -> None:
        """In a forked child: sessions, files and what waits are the parent's."""
        self._open = {}
        self._backlog.forget()
        self._sender.forget()
        self.drops.forget()

    def _open_roots(self) -> bytes:
        from agentops.store.encode import encode_open_root

        return b"".join(encode_open_root(OpenRoot(each.span, each.last_end)) + b"\n" for each in list(self._open.values()))

    def _tend(self) -> None:
        prune(self.place.folder, self._limits, self.files.committed[0], self.files.remove)
        roots = self._backlog.take_over()
        if roots:
            self._sender.keep(roots)
        self.drops.save()


_lock = threading.Lock()
_spools: Final[dict[Place, Spool]] = {}


def spool(place: Place, receiver: Callable[[], Receiver], keeps_roots: bool) -> Spool:
    """The process's one spool of `place`, made at first use."""
    with _lock:
        found = _spools.get(place)
        if found is None:
            found = _spools[place] = Spool(place, receiver(), keeps_roots)
        return found


def spools() -> list[Spool]:
    """Those of this process."""
    return list(_spools.values())


def close_all() -> None:
    """At the end of the program, before providers shut down. Never raises."""
    _close([each for each in spools() if not each.feeders])


def close_feeder(one: Spool) -> None:
    """An exporter shuts down: at the end of the program the spool closes with its last, before that it is only flushed."""
    one.feeders = max(0, one.feeders - 1)
    if one.feeders or exit_deadline() == float("inf"):
        one.flush(EXIT_SECONDS)
    else:
        _close([one])


def _close(closing: list[Spool]) -> None:
    deadline = min(time.monotonic() + EXIT_SECONDS, exit_deadline())
    for each in closing:
        guarded("spool", each.begin_close, deadline)
    unfinished = [each for each in closing if not _finished(each)]
    if unfinished:
        warn_once(
            "spool:left",
            "Not everything could be sent before the end. What is left is kept in %s until a program that sends there takes it over: %s "
            "(see agentops doctor)",
            spools_folder(),
            ", ".join(f"{each.place.signal} for {shown(each.url)}" for each in unfinished),
        )


def _finished(one: Spool) -> bool:
    try:
        return one.finish_close()
    except Exception as error:
        swallowed("spool", error)
        return False


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    for each in spools():
        each.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
