"""What the process is doing, as metrics: open sessions and spans, a heartbeat, how late the event loop runs, what became of exports.

CPU, memory and threads come from `opentelemetry-instrumentation-system-metrics` where it is installed.
"""

from __future__ import annotations

import contextvars
import os
import sys
import time
import weakref
from collections import deque
from typing import TYPE_CHECKING, Final

from opentelemetry.metrics import Observation, get_meter
from opentelemetry.sdk.trace import SpanProcessor

from agentops.export import measures
from agentops.sessions.registry import registry
from agentops_instrumentors.core.guard import swallowed
from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Iterable

    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, MeterProvider
    from opentelemetry.sdk.trace import ReadableSpan, Span


SCOPE: Final = "agentops.monitors"
OPEN_SESSIONS: Final = "agentops.sessions.open"
OPEN_SPANS: Final = "agentops.spans.open"
HEARTBEAT: Final = "agentops.heartbeat"
EVENT_LOOP_LAG: Final = "agentops.event_loop.lag"
LAG_SECONDS: Final = 1.0
_KEPT_LAGS: Final = 3600
_COUNTED_SPANS: Final = 100_000


class OpenSpans(SpanProcessor):
    """Counts recorded spans that have started and not ended, up to 100 000."""

    def __init__(self) -> None:
        # One dictionary operation each, so no lock that a span ended by the garbage collector could wait for.
        self._open: dict[int, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Count it, and see to the event loop it starts on."""
        if len(self._open) < _COUNTED_SPANS:
            self._open[span.get_span_context().span_id] = None
        try:
            loop_lag.watch()
        except Exception as error:
            swallowed("monitors", error)

    def on_end(self, span: ReadableSpan) -> None:
        """Count it no more."""
        context = span.get_span_context()
        if context is not None:
            self._open.pop(context.span_id, None)

    def forget(self) -> None:
        """In a forked child: the parent ends them."""
        self._open = {}

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is held."""
        return True


class LoopLag:
    """How late timers of event loops run in which spans of sessions start: the worst since it was last asked, in seconds."""

    def __init__(self, interval: float = LAG_SECONDS) -> None:
        self._interval = interval
        self._watched: weakref.WeakSet[AbstractEventLoop] = weakref.WeakSet()
        self._late: deque[float] = deque(maxlen=_KEPT_LAGS)

    def watch(self) -> None:
        """Watch the loop that runs in this thread, if one does, for as long as any session is open."""
        if not len(registry) or "asyncio" not in sys.modules:
            return
        import asyncio

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if loop not in self._watched:
            self._watched.add(loop)
            self._again(loop)

    def take(self) -> float | None:
        """The worst lateness since the last call; None where no loop was watched."""
        late: list[float] = []
        while self._late:
            late.append(self._late.popleft())
        return max(late, default=None)

    def _again(self, loop: AbstractEventLoop) -> None:
        loop.call_later(self._interval, self._measure, weakref.ref(loop), loop.time() + self._interval, context=contextvars.Context())

    def _measure(self, watched: weakref.ref[AbstractEventLoop], expected: float) -> None:
        loop = watched()
        if loop is None:
            return
        self._late.append(max(0.0, loop.time() - expected))
        if len(registry):
            self._again(loop)
        else:
            self._watched.discard(loop)


open_spans: Final = OpenSpans()
loop_lag: Final = LoopLag()


def create(provider: MeterProvider | None = None) -> None:
    """Create the instruments on `provider`, by default the global one."""
    meter = get_meter(SCOPE, __version__, provider)
    meter.create_observable_up_down_counter(OPEN_SESSIONS, [_sessions], "{session}", "Sessions that are open in this process.")
    meter.create_observable_up_down_counter(OPEN_SPANS, [_spans], "{span}", "Recorded spans that have started and not ended.")
    meter.create_observable_gauge(HEARTBEAT, [_heartbeat], "s", "The process's clock, in seconds since the epoch: it was alive then.")
    meter.create_observable_gauge(
        EVENT_LOOP_LAG, [_lag], "s", "The longest that a timer of an event loop was late since the last collection."
    )
    measures.create(provider)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=open_spans.forget)


def _sessions(_options: CallbackOptions) -> Iterable[Observation]:
    return [Observation(len(registry))]


def _spans(_options: CallbackOptions) -> Iterable[Observation]:
    return [Observation(len(open_spans))]


def _heartbeat(_options: CallbackOptions) -> Iterable[Observation]:
    return [Observation(time.time())]


def _lag(_options: CallbackOptions) -> Iterable[Observation]:
    worst = loop_lag.take()
    return [] if worst is None else [Observation(worst)]
