"""Operations whose stream was dropped without an end: ended on a thread of their own, never in a finalizer.

The garbage collector runs a finalizer wherever it happens to start, inside a lock of the OpenTelemetry SDK too; ending the
operation there takes that lock a second time, and the program stands still.
"""

from __future__ import annotations

import atexit
import os
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final, Protocol

from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Callable

_EXIT_SECONDS: Final = 1.0


class Unfinished(Protocol):
    """What can be dropped: an operation, or a tool's call."""

    @property
    def finished(self) -> bool: ...

    def finish(self) -> None: ...


class _Ender:
    """The queue of dropped operations and the one daemon thread that ends them."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Unfinished | Event] = SimpleQueue()
        self._starting = Lock()
        self._started = False

    def start(self) -> None:
        if self._started:
            return
        with self._starting:
            if self._started:
                return
            try:
                Thread(target=self._run, name="agentops-dropped-streams", daemon=True).start()
                self._started = True
            except RuntimeError as error:  # no thread to be had: tried again at the next stream
                swallowed("dropped streams", error)

    def put(self, dropped: Unfinished) -> None:
        # A finalizer may run inside anything: this is all it does, and it is reentrant.
        if not dropped.finished:
            self._queue.put(dropped)

    def wait(self, seconds: float) -> None:
        if self._started:
            reached = Event()
            self._queue.put(reached)
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


def prepare() -> Callable[[Unfinished], None]:
    """What a finalizer calls to have its operation ended soon; starts the thread, which a finalizer cannot do safely.

    In a forked child it does nothing for an operation of the parent, which ends its own.
    """
    _ender.start()
    return _ender.put


def flush(seconds: float = _EXIT_SECONDS) -> None:
    """Wait until every operation dropped so far has ended, `seconds` at most."""
    _ender.wait(seconds)


def _in_child() -> None:
    # The thread, and whatever lock it held, stayed in the parent.
    global _ender
    _ender = _Ender()


os.register_at_fork(after_in_child=_in_child)
atexit.register(flush)
