"""The thread that sends what a spool holds, each block until it has been taken or is lost for good."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from opentelemetry.instrumentation.utils import suppress_instrumentation

from agentops.export.outcomes import Outcome
from agentops.export.parcels import parcels
from agentops.export.threads import running
from agentops.spool.reading import count_items
from agentops.store.protobuf import Requests
from agentops_instrumentors.core.guard import guarded, swallowed, warn_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentops.export.outcomes import Parcel
    from agentops.spool.backlog import Backlog, Block
    from agentops.spool.drops import Drops
    from agentops.spool.receivers import Receiver

MEMORY_BYTES: Final = 32 << 20
TEND_SECONDS: Final = 30.0
"""Between two looks for what dead processes left."""
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 30.0
_LAST_PAUSE: Final = 1.0
MEMORY_FULL: Final = "memory_full"
UNREADABLE: Final = "unreadable"
UNSENT: Final = "not_sent_before_the_end"


class Sender:
    """Of one spool. `tend` is called in the thread now and then, any thread may call the rest; `done`: it has come to its end."""

    def __init__(self, backlog: Backlog, receiver: Receiver, drops: Drops, tend: Callable[[], None]) -> None:
        self._backlog = backlog
        self._receiver = receiver
        self._drops = drops
        self._tend = tend
        self.delivered = 0
        self.forget()

    def forget(self) -> None:
        """Begin anew: what waits in a forked child is its parent's to send."""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._memory: deque[bytes] = deque()
        self._memory_bytes = 0
        self._woken = self._preparing = self._closed = self._everything = self._ended = self.done = self._gave_up = False
        self._own_idle = True
        self._deadline = float("inf")
        self._failures = 0
        self._tended = float("-inf")

    def start(self, prepare: bool = False) -> None:
        """Have the thread, which begins with what dead processes left. `prepare`: have it prepare the receiver, too."""
        with self._changed:
            self._preparing = self._preparing or prepare
            self._start()
            self._changed.notify_all()

    def wake(self) -> None:
        """There is more to send."""
        with self._changed:
            self._woken, self._own_idle = True, False
            self._start()
            self._changed.notify_all()

    def keep(self, lines: bytes) -> None:
        """Send what could not be written to disk; past 32 MiB what has waited longest is lost."""
        lost: list[bytes] = []
        with self._changed:
            self._memory.append(lines)
            self._memory_bytes += len(lines)
            while self._memory_bytes > MEMORY_BYTES and len(self._memory) > 1:
                lost.append(self._memory.popleft())
                self._memory_bytes -= len(lost[-1])
        self._lose(lost, MEMORY_FULL)
        self.wake()

    def flush(self, seconds: float) -> bool:
        """Wait until everything of this process has been taken; False where it is not, in time."""
        with self._changed:
            if self._thread is None and not self._memory and self._own_idle:
                return True
            self._woken, self._own_idle = True, False
            self._start()
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._own_idle or self.done, max(0.0, seconds)) and not self._gave_up

    def close(self, deadline: float, everything: bool) -> None:
        """Send what can be sent until `deadline` (of the monotonic clock), without waiting for it; what fails now is left.

        `everything`: no session is open, so that the last file can go once it has been sent.
        """
        with self._changed:
            if not self._closed:
                self._closed, self._everything, self._deadline = True, everything, deadline
                self._start()
                self._changed.notify_all()

    def join(self) -> bool:
        """Wait for the end of what `close` began; whether everything was sent, own and taken over."""
        if self._thread is None and not self.done:
            self._run()  # An interpreter that ends starts no thread.
        with self._changed:
            self._changed.wait_for(lambda: self.done, max(0.0, self._deadline - time.monotonic()))
            left, self._memory = list(self._memory), deque()
            finished = self.done and not self._gave_up and not left
        self._lose(left, UNSENT)
        return finished

    def _start(self) -> None:
        if not self.done:
            self._thread = running(self._thread, self._run, f"agentops-spool-{self._receiver.signal}")

    def _run(self) -> None:
        # What sending does is not to be recorded, or it would be sent in its turn.
        with suppress_instrumentation():
            while not self._finished():
                try:
                    self._go_on()
                except Exception as error:
                    swallowed("spool", error)
                    time.sleep(_LAST_PAUSE)
        with self._changed:
            self.done = True
            self._changed.notify_all()

    def _go_on(self) -> None:
        if time.monotonic() - self._tended > TEND_SECONDS and not self._closed:
            self._tended = time.monotonic()
            guarded("spool", self._tend)
        if not self._send_next():
            with self._changed:
                self._ended = self._closed
                self._changed.wait_for(lambda: self._woken or self._preparing or self._closed, TEND_SECONDS)

    def _finished(self) -> bool:
        self._gave_up = self._gave_up or (self._closed and not self._ended and time.monotonic() >= self._deadline)
        return self._ended or self._gave_up

    def _send_next(self) -> bool:
        """Send one block; False where there is none."""
        with self._changed:
            self._woken = False
            preparing, self._preparing = self._preparing, False
            lines = self._memory[0] if self._memory else None
            last = self._closed and self._everything
        if preparing:
            guarded("spool", self._receiver.prepare, self._receiver.timeout)
        if lines is not None:
            self._deliver(lines, None)
            return True
        block = self._backlog.next(last)
        with self._changed:
            if self._backlog.own_settled and not self._woken:
                self._own_idle = True
                self._changed.notify_all()
        if block is not None:
            self._deliver(block.lines, block)
        return block is not None

    def _deliver(self, lines: bytes, block: Block | None) -> None:
        todo = self._parcels(lines)
        untouched = True  # Nothing of it has been taken.
        while todo:
            closing = self._closed
            outcome = self._attempt(todo[0])
            if outcome.later:
                aside = block is not None and outcome.behind and untouched and self._backlog.put_aside(block)
                if not self._rest(outcome, closing, block is None) or aside:
                    return
                continue
            self._failures, untouched = 0, False
            self._account(todo.popleft(), outcome)
            todo.extendleft(reversed(outcome.parts))
        if block is not None:
            self._backlog.settle(block)
        else:
            self._forget_memory(lines)
        self._drops.save()

    def _parcels(self, lines: bytes) -> deque[Parcel]:
        requests = Requests()
        for line in lines.splitlines():
            requests.add(line)
        self._drops.add(UNREADABLE, requests.unreadable)
        try:
            return deque(parcels(self._receiver.signal, self._receiver.message(requests)))
        except Exception as error:
            swallowed("spool", error)
            self._drops.add(type(error).__name__, count_items(lines))
            return deque()

    def _attempt(self, parcel: Parcel) -> Outcome:
        # One that answers late, but takes what it gets, would get it over and over.
        patience = max(self._receiver.timeout, min(self._receiver.timeout * 2**self._failures, _LONGEST_PAUSE))
        try:
            return self._receiver.send(parcel, max(0.05, min(patience, self._deadline - time.monotonic())))
        except Exception as error:
            swallowed("spool", error)
            return Outcome(lost=type(error).__name__)

    def _account(self, parcel: Parcel, outcome: Outcome) -> None:
        if outcome.parts:
            return
        if outcome.lost:
            self._drops.add(outcome.lost, parcel.items)
        else:
            self.delivered += parcel.items - outcome.rejected
            self._drops.add("rejected", outcome.rejected)

    def _rest(self, outcome: Outcome, closing: bool, only_here: bool) -> bool:
        """Pause after a failed attempt; False where it was the last: an attempt made at the end of the program, if what it was for
        is on disk. One made before is followed by another."""
        pause = outcome.wait if outcome.wait is not None else min(_FIRST_PAUSE * 2**self._failures, _LONGEST_PAUSE)
        self._failures = min(self._failures + 1, 16)
        self._drops.save()
        with self._changed:
            if not closing:
                self._changed.wait_for(lambda: self._closed, pause)
            elif only_here:
                self._changed.wait_for(lambda: False, max(0.0, min(pause, _LAST_PAUSE, self._deadline - time.monotonic())))
            self._gave_up = closing and (not only_here or time.monotonic() >= self._deadline)
            return not self._gave_up

    def _forget_memory(self, lines: bytes) -> None:
        with self._changed:
            if self._memory and self._memory[0] is lines:
                self._memory.popleft()
                self._memory_bytes -= len(lines)

    def _lose(self, lines: list[bytes], cause: str) -> None:
        lost = sum(count_items(each) for each in lines)
        if lost:
            self._drops.add(cause, lost)
            warn_once(f"spool:{self._receiver.url}:{cause}", "%d items for %s are lost: %s (said once)", lost, self._receiver.url, cause)
