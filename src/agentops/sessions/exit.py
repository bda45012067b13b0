"""Open sessions at the end of the process: normal exit, uncaught exception, SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, cast

from agentops.sessions import failure
from agentops.sessions.registry import registry
from agentops.sessions.states import EndState
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

SIGTERM_SECONDS: Final = 5.0
_REPLAY_SECONDS: Final = 1.0
_TELEMETRY: Final = ("opentelemetry.sdk.", "opentelemetry.exporter.", "agentops.store.", "agentops.export.", "agentops.spool.")


def end_open_sessions() -> None:
    """For atexit: Fail with the exception that ended the program, Indeterminate where it ended by itself or by `sys.exit`."""
    error = uncaught_exception()
    try:
        for session in registry.sessions():
            if error is None:
                session.close(EndState.INDETERMINATE)
            else:
                session.close(EndState.FAIL, failure.describe(error), error)
    except Exception as telemetry_error:
        swallowed("ending sessions at exit", telemetry_error)


def uncaught_exception() -> BaseException | None:
    """The exception that ended the program; an interactive interpreter only remembers the last one it printed."""
    if hasattr(sys, "ps1") or sys.flags.interactive:
        return None
    error: object = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    return error if isinstance(error, BaseException) else None


class Terminator:
    """Ends sessions and flushes on SIGTERM, then lets the default action happen.

    The work is done by a daemon thread made beforehand, since a handler runs on top of whatever the main thread holds
    locked; the handler waits for it, 5 s at most. Where the signal came in the midst of telemetry, whose locks the thread
    needs, the handler lets that go on, and the thread sends the signal again when it is done.
    `flush(seconds)` is called once the sessions have ended.
    """

    def __init__(self, flush: Callable[[float], None]) -> None:
        self._flush = flush
        self._watching = False
        self.forget()

    def watch(self) -> None:
        """Handle SIGTERM if it has its default action and this is the main thread; otherwise it is somebody else's."""
        try:
            if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
                signal.signal(signal.SIGTERM, self._on_sigterm)
                self._watching = True
        except (ValueError, OSError) as error:
            swallowed("watching SIGTERM", error)

    def prepare(self) -> None:
        """Make the thread, unless it has been made or SIGTERM is not ours: to be called when there is a session to end."""
        if self._thread is not None or not self._watching:
            return
        try:
            with self._starting:
                if self._thread is None:
                    thread = threading.Thread(target=self._serve, name="agentops-sigterm", daemon=True)
                    thread.start()
                    self._thread = thread
        except RuntimeError as error:
            # An interpreter that shuts down starts no more threads.
            swallowed("preparing for SIGTERM", error)

    def forget(self) -> None:
        """In a forked child, where the thread does not exist."""
        self._thread: threading.Thread | None = None
        self._requests: SimpleQueue[None] = SimpleQueue()
        self._done = threading.Event()
        self._starting = threading.Lock()
        self._deferred = False

    def _serve(self) -> None:
        self._requests.get()
        deadline = time.monotonic() + SIGTERM_SECONDS
        try:
            for session in registry.sessions():
                session.close(EndState.INDETERMINATE, "SIGTERM")
            self._flush(max(0.0, deadline - time.monotonic()))
        except Exception as error:
            swallowed("ending sessions on SIGTERM", error)
        finally:
            self._done.set()
            if self._deferred:
                os.kill(os.getpid(), signal.SIGTERM)

    def _on_sigterm(self, signum: int, frame: FrameType | None) -> None:
        if self._thread is not None:
            self._requests.put(None)
            if _in_telemetry(frame):
                self._deferred = True
                if not self._done.is_set():
                    return
            self._done.wait(SIGTERM_SECONDS)
        signal.signal(signum, signal.SIG_DFL)
        os.kill(os.getpid(), signum)


def _in_telemetry(frame: FrameType | None) -> bool:
    """Whether `frame` was called, however indirectly, by the SDK, an exporter or the local store."""
    while frame is not None:
        if f"{frame.f_globals.get('__name__', '')}.".startswith(_TELEMETRY):
            return True
        frame = frame.f_back
    return False


def flush_signals(trace_providers: Sequence[object], seconds: float) -> None:
    """Flush traces, metrics and logs at the same time, waiting `seconds` at most for all of them."""
    from opentelemetry import metrics
    from opentelemetry._logs import get_logger_provider

    # Asked for by name: a process without a local store has not loaded it, and a signal is no time to.
    ledger = sys.modules.get("agentops.sessions.ledger")
    if ledger is not None:
        ledger.finish(min(_REPLAY_SECONDS, seconds))
    providers = (*trace_providers, metrics.get_meter_provider(), get_logger_provider())
    threads = [threading.Thread(target=_flush, args=(provider, seconds), daemon=True) for provider in providers]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    # The SDK's own processors do not ask their exporters.
    delivery = sys.modules.get("agentops.export.delivery")
    if delivery is not None:
        delivery.flush_all(max(0.0, deadline - time.monotonic()))


def _flush(provider: object, seconds: float) -> None:
    force_flush = cast("Callable[[int], bool] | None", getattr(provider, "force_flush", None))
    if force_flush is None:
        return
    try:
        force_flush(int(seconds * 1000))
    except Exception as error:
        swallowed("flushing on SIGTERM", error)
