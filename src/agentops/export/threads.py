"""Threads that send."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def running(thread: threading.Thread | None, run: Callable[[], None], name: str) -> threading.Thread | None:
    """`thread` if it is alive, else a new one in which `run` goes; None from an interpreter that ends, which starts none."""
    if thread is not None and thread.is_alive():
        return thread
    made = threading.Thread(target=run, name=name, daemon=True)
    try:
        made.start()
    except RuntimeError:
        return None
    return made
