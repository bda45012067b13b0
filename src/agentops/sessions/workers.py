"""Worker processes that leave by `os._exit`, past every atexit: those of multiprocessing and of Celery's pool."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from agentops_instrumentors.core.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable

_BEFORE_THE_STORE: Final = 1

_watched: Final[set[str]] = set()


def watch(leave: Callable[[], None]) -> None:
    """Have `leave` called at the end of this process, and of those forked from it from now on, where it is such a worker.

    To be called in every process and after every fork: a library loaded since is seen then.
    """
    guarded("watching multiprocessing", _watch_multiprocessing, leave)
    guarded("watching Celery", _watch_celery, leave)


def _watch_multiprocessing(leave: Callable[[], None]) -> None:
    if "multiprocessing.util" not in sys.modules or "multiprocessing" in _watched:
        return
    from multiprocessing import parent_process
    from multiprocessing.util import Finalize, register_after_fork

    _watched.add("multiprocessing")
    # A worker forgets the finalisers of its parent when it starts, and then calls these.
    register_after_fork(leave, lambda leave: Finalize(None, leave, exitpriority=_BEFORE_THE_STORE))
    if parent_process() is not None:
        Finalize(None, leave, exitpriority=_BEFORE_THE_STORE)


def _watch_celery(leave: Callable[[], None]) -> None:
    signals = sys.modules.get("celery.signals")
    if signals is None or "celery" in _watched:
        return
    _watched.add("celery")

    def on_shutdown(**_details: object) -> None:
        leave()

    signals.worker_process_shutdown.connect(on_shutdown, weak=False)
