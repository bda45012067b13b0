"""`print` inside a session's span as log records, for programs that say AGENTOPS_CAPTURE_STDOUT=true.

What reaches standard output is the same, byte for byte and at the same moment: a proxy of `sys.stdout` writes first and listens then.
"""

from __future__ import annotations

import atexit
import sys
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TextIO, cast

import wrapt
from opentelemetry.trace import get_current_span

from agentops.logs import tap
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from opentelemetry.context import Context

SCOPE: Final = "agentops.stdout"
_LONGEST_LINE: Final = 65536


@dataclass(frozen=True, slots=True)
class _Line:
    """The beginning of a line, and where it was written."""

    context: Context
    span_id: int
    time_unix_nano: int
    text: str


class _Lines(threading.local):
    """Each thread's unfinished line."""

    pending: _Line | None = None


_lines: Final = _Lines()


class _Tee(wrapt.ObjectProxy):  # pyright: ignore[reportMissingTypeArgument]
    """The stream itself in every respect but one: what is written is heard, too."""

    __wrapped__: TextIO

    def write(self, text: str) -> int:
        """As the stream's own."""
        written = self.__wrapped__.write(text)
        if cast("object", self) is _tee:
            _hear(text)
        return written

    def writelines(self, lines: list[str]) -> None:
        """As the stream's own."""
        for line in lines:
            self.write(line)


_tee: TextIO | None = None


def install() -> None:
    """Listen to `sys.stdout` as it is now, until `remove` or the end of the process."""
    global _tee
    if _tee is not None or sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]
        return
    _tee = sys.stdout = cast("TextIO", _Tee(sys.stdout))
    atexit.register(remove)


def remove() -> None:
    """Put the stream back, unless something else has taken its place since."""
    global _tee
    tee, _tee = _tee, None
    _finish()
    if tee is not None and sys.stdout is tee:
        sys.stdout = cast("_Tee", tee).__wrapped__


def _hear(text: object) -> None:
    try:
        if isinstance(text, str) and text:
            _listen(text)
    except Exception as error:
        swallowed("stdout", error)


def _listen(text: str) -> None:
    emitter = tap.emitter
    context = emitter.context() if emitter is not None else None
    pending = _lines.pending
    if context is None:
        if pending is not None:
            _finish()
        return
    span_id = get_current_span(context).get_span_context().span_id
    if pending is not None and pending.span_id != span_id:
        _finish()
        pending = None
    started = pending or _Line(context, span_id, time.time_ns(), "")
    *whole, rest = (started.text + text).split("\n")
    # Kept before anything is said: what is said may print in its turn.
    _lines.pending = replace(started, text=rest) if rest else None
    for line in whole:
        _say(started, line)
    if len(rest) > _LONGEST_LINE:
        _finish()


def _finish() -> None:
    """Say the line begun in this thread as it stands."""
    pending, _lines.pending = _lines.pending, None
    if pending is not None:
        _say(pending, pending.text)


def _say(place: _Line, line: str) -> None:
    emitter = tap.emitter
    if emitter is not None and line.strip():
        emitter.line(SCOPE, line.rstrip("\r"), "stdout", place.time_unix_nano, place.context)
