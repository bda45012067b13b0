"""Context for threads of classes with a `run` of their own, which OpenTelemetry's threading instrumentation leaves without.

It wraps `Thread.run` and `Timer.run`; a subclass that overrides `run` never gets there. Its threads are given the starter's context here.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any, Final

import wrapt
from opentelemetry.context import attach, detach, get_current

from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context

_WITH_CONTEXT: Final = (threading.Thread, threading.Timer)

_lock: Final = threading.Lock()
_installed = False


def follow_into_subclasses() -> None:
    """Do so from now on, for threads started from now on; idempotent."""
    global _installed
    with _lock:
        if not _installed:
            _installed = True
            for owner in _WITH_CONTEXT:
                # The instrumentation gives Timer a `start` of its own, so that Thread's is not enough.
                wrapt.wrap_function_wrapper(owner, "start", _start)


def _start(wrapped: Callable[..., None], thread: threading.Thread, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        context = get_current()
        if context and not thread.ident and _has_own_run(type(thread)) and "run" not in vars(thread):
            vars(thread)["run"] = functools.partial(_run_in, context, thread)
    except Exception as error:
        swallowed("threads", error)
    try:
        wrapped(*args, **kwargs)
    except BaseException:
        vars(thread).pop("run", None)
        raise


def _run_in(context: Context, thread: threading.Thread) -> None:
    # The thread is as it was before its own code sees it, and holds no reference to itself.
    vars(thread).pop("run", None)
    token = attach(context)
    try:
        thread.run()
    finally:
        detach(token)


def _has_own_run(kind: type[threading.Thread]) -> bool:
    owner = next(base for base in kind.__mro__ if "run" in vars(base))
    return owner not in _WITH_CONTEXT
