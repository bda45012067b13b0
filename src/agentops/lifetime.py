"""Delivering what is recorded, and stopping."""

from __future__ import annotations

from typing import Final

from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider

from agentops.parameters import checked
from agentops.sessions import runtime
from agentops_instrumentors.core import dropped
from agentops_instrumentors.core.guard import guarded

DEFAULT_SECONDS: Final = 5.0


@checked
def flush(timeout: float = DEFAULT_SECONDS) -> None:
    """Have every exporter send what it holds; returns when they have, or after `timeout` seconds. Never raises."""
    # Streams that the program let go of end on a thread of their own.
    guarded("flush", dropped.flush)
    guarded("flush", runtime.flush, timeout)


@checked
def shutdown(timeout: float = DEFAULT_SECONDS) -> None:
    """End every open session as Indeterminate, flush, and stop the providers if they are ours.

    An application's own providers go on; ours record nothing any more for the rest of the process. Never raises.
    """
    from agentops import wiring

    runtime.defaults.stop()
    runtime.end_all("Indeterminate", "shutdown")
    flush(timeout)
    if wiring.destinations().foreign:
        return
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider(), get_logger_provider()):
        stop = getattr(provider, "shutdown", None)
        if stop is not None:
            guarded("shutdown", stop)
