"""A bounded line of what waits for AgentOps, and the thread that sends it: whoever exports waits for nothing.

What cannot be sent now stays in line until it can, at the end of the program for 5 s at most, all lines together.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections import Counter, deque
from typing import TYPE_CHECKING, Final

from opentelemetry.instrumentation.utils import suppress_instrumentation

from agentops.export.outcomes import Counts, Outcome, Parcel
from agentops.export.threads import running
from agentops_instrumentors.core.guard import swallowed, warn_once

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EXIT_SECONDS: Final = 5.0
MAX_BYTES: Final = 32 << 20
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 30.0
_LAST_PAUSE: Final = 1.0
"""Between two attempts once the program ends."""

_exit_deadline = float("inf")


def share_exit_time() -> None:
    """Give all lines together 5 s once the program ends; to be called again with each provider, before it shuts down."""
    atexit.unregister(_begin_exit)
    atexit.register(_begin_exit)


def exit_deadline() -> float:
    """By when, of the monotonic clock, everything has to be sent at the end of the program; infinity before."""
    return _exit_deadline


def _begin_exit() -> None:
    global _exit_deadline
    _exit_deadline = time.monotonic() + EXIT_SECONDS


class Delivery:
    """One line. `send` makes one attempt in so many seconds; `prepare` does beforehand what needs no parcel; both in the thread.

    Either may raise: the parcel is lost. `what` names the items in messages.
    """

    def __init__(
        self, what: str, send: Callable[[Parcel, float], Outcome], prepare: Callable[[float], object], timeout: float, max_bytes: int
    ) -> None:
        self._what = what
        self._send = send
        self._prepare = prepare
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._delivered = 0
        self._dropped: Counter[str] = Counter()
        self._closed = False
        self._deadline = float("inf")
        self.forget()
        _lines.add(self)

    def forget(self) -> None:
        """Begin anew with an empty line: what waits in a forked child is its parent's to send."""
        self._changed = threading.Condition()
        self._line: deque[Parcel] = deque()
        self._bytes = 0
        self._sending = False
        self._preparing = False
        self._failures = 0
        self._unsaid = ": no answer came in time"
        self._thread: threading.Thread | None = None

    def put(self, parcels: Sequence[Parcel]) -> bool:
        """Send `parcels` when their turn comes. False: the line is closed. A full line loses what has waited longest."""
        with self._changed:
            if self._closed:
                self._dropped["sent after shutdown"] += sum(parcel.items for parcel in parcels)
                return False
            for parcel in parcels:
                self._line.append(parcel)
                self._bytes += parcel.size
            self._make_room()
            self._start()
            self._changed.notify_all()
        return True

    def prepare(self) -> None:
        """Have the thread prepare while there is nothing to send yet."""
        with self._changed:
            if not self._closed:
                self._preparing = True
                self._start()
                self._changed.notify_all()

    def start(self) -> None:
        """Have the thread, so that it is there at the end of the program, when none can be started."""
        with self._changed:
            self._start()

    def flush(self, seconds: float) -> bool:
        """Wait until the line is empty; False where it is not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._line, max(0.0, min(seconds, _exit_deadline - time.monotonic())))

    def close(self, seconds: float) -> None:
        """Take no more, wait until the line is empty, and lose what is left; the pauses between attempts get short."""
        deadline = min(time.monotonic() + min(seconds, self._timeout), _exit_deadline)
        with self._changed:
            if self._closed:
                return
            self._closed, self._deadline = True, deadline
            self._start()
            self._changed.notify_all()
            running = self._thread is not None
        if not running:
            self._run()
        with self._changed:
            self._changed.wait_for(lambda: not self._line, max(0.0, deadline - time.monotonic()))
            left = sum(parcel.items for parcel in self._line)
            self._line.clear()
            self._bytes = 0
            if left:
                self._dropped["not sent before the end"] += left
                unsent = "%d %s for AgentOps could not be sent before the end%s"
                warn_once(f"export:{self._what}:end", unsent, left, self._what, self._unsaid)
            self._changed.notify_all()

    def counts(self) -> Counts:
        """What became of everything put."""
        with self._changed:
            return Counts(self._delivered, dict(self._dropped), sum(parcel.items for parcel in self._line))

    def _start(self) -> None:
        """Start the thread where there is none; at the end of the interpreter `close` does its work."""
        self._thread = running(self._thread, self._run, f"agentops-{self._what.replace(' ', '-')}")

    def _run(self) -> None:
        # What sending does is not to be recorded, or it would be sent in its turn.
        with suppress_instrumentation():
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._line or self._closed or self._preparing)
                    parcel = self._line[0] if self._line else None
                    self._sending = parcel is not None
                    closed, self._preparing = self._closed, False
                if parcel is not None:
                    self._settle(parcel, self._attempt(parcel))
                elif closed:
                    return
                else:
                    self._prepared()
                if self._closed and time.monotonic() >= self._deadline:
                    return

    def _prepared(self) -> None:
        try:
            self._prepare(self._timeout)
        except Exception as error:
            swallowed("preparing the AgentOps exporter", error)

    def _attempt(self, parcel: Parcel) -> Outcome:
        try:
            return self._send(parcel, max(0.05, min(self._timeout, self._deadline - time.monotonic())))
        except Exception as error:
            swallowed("AgentOps exporter", error)
            return Outcome(lost=type(error).__name__)

    def _settle(self, parcel: Parcel, outcome: Outcome) -> None:
        with self._changed:
            self._sending = False
            if not self._line or self._line[0] is not parcel:
                return  # Closed, or forked, in the meantime.
            if outcome.later:
                pause = outcome.wait if outcome.wait is not None else min(_FIRST_PAUSE * 2**self._failures, _LONGEST_PAUSE)
                self._failures = min(self._failures + 1, 16)
                self._unsaid = ""  # The sender has said why.
                if outcome.behind:
                    self._line.rotate(-1)
                self._rest(pause)
                return
            self._failures = 0
            self._line.popleft()
            self._bytes -= parcel.size
            if outcome.parts:
                self._line.extendleft(reversed(outcome.parts))
                self._bytes += sum(part.size for part in outcome.parts)
            elif outcome.lost:
                self._dropped[outcome.lost] += parcel.items
            else:
                self._delivered += parcel.items - outcome.rejected
                if outcome.rejected:
                    self._dropped["rejected by the receiver"] += outcome.rejected
            self._changed.notify_all()

    def _rest(self, seconds: float) -> None:
        """Pause between attempts; the end of the program cuts a long one short."""
        began = time.monotonic()
        self._changed.wait_for(lambda: self._closed, seconds)
        if self._closed:
            until = min(began + min(seconds, _LAST_PAUSE), self._deadline)
            self._changed.wait_for(lambda: not self._line, max(0.0, until - time.monotonic()))

    def _make_room(self) -> None:
        """Lose what has waited longest, except what is being sent and what came last."""
        kept = 1 if self._sending else 0
        lost = 0
        while self._bytes > self._max_bytes and len(self._line) > kept + 1:
            oldest = self._line[kept]
            del self._line[kept]
            self._bytes -= oldest.size
            lost += oldest.items
        if lost:
            self._dropped["the buffer is full"] += lost
            full = "AgentOps takes less than is recorded, or nothing at all: the oldest %s of more than %d MiB are dropped (said once)"
            warn_once(f"export:{self._what}:full", full, self._what, self._max_bytes >> 20)


_lines: Final[weakref.WeakSet[Delivery]] = weakref.WeakSet()


def flush_all(seconds: float) -> None:
    """Wait until every line is empty, `seconds` at most for all of them together."""
    deadline = time.monotonic() + seconds
    for line in list(_lines):
        line.flush(deadline - time.monotonic())


def _after_fork() -> None:
    for line in list(_lines):
        line.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
