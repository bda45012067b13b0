"""Operations whose stream was dropped without an end: ended on a thread of their own, never in a finalizer.

The garbage collector runs a finalizer wherever it happens to start, inside a lock of the OpenTelemetry SDK too; ending the
operation there takes that lock a second time, and the program stands still.
"""

from __future__ import annotations

import atexit
import os
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agentops_instrumentors.core.invocation import Invocation

_EXIT_SECONDS: Final = 1.0


class _Ender:
    """The queue of dropped operations and the one daemon thread that ends them."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Invocation | Event] = SimpleQueue()
        self._starting = Lock()
        self._started = False
        # A finalizer may run inside anything: this is all it does, and it is reentrant.
        self.put = self._queue.put

    def start(self) -> None:
        if self._started:
            return
        with self._starting:
            if not self._started:
                Thread(target=self._run, name="agentops-dropped-streams", daemon=True).start()
                self._started = True

    def wait(self, seconds: float) -> None:
        if self._started:
            reached = Event()
            self.put(reached)
            reached.wait(seconds)

    def _run(self) -> None:
        while True:
            item = self._queue.get()
            if isinstance(item, Event):
                item.set()
            else:
                item.finish()
            del item


_ender = _Ender()


def prepare() -> None:
    """Start the thread, once a process. Called where a stream is made, because a finalizer cannot start one safely."""
    _ender.start()


def end(invocation: Invocation) -> None:
    """End `invocation` soon; for finalizers."""
    if not invocation.finished:
        _ender.put(invocation)


def flush(seconds: float = _EXIT_SECONDS) -> None:
    """Wait until every operation dropped so far has ended, `seconds` at most."""
    _ender.wait(seconds)


def _in_child() -> None:
    # The thread and whatever lock it held stayed in the parent, which ends its own operations.
    global _ender
    _ender = _Ender()


os.register_at_fork(after_in_child=_in_child)
atexit.register(flush)
