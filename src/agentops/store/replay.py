"""Sessions whose process vanished before they ended: found in the store, for their missing roots to be emitted once.

A run is replayed under the lock of its marker, so that of any number of processes one does; what it emitted is in the
store before the marker goes, so a replay that is itself killed is taken up where it stopped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agentops.store import liveness
from agentops.store.files import StoredFile, stored_files
from agentops.store.otlp import StoredRecord, Value, decode_line
from agentops.store.records import (
    OF_THE_RECORD,
    SESSION_DESTINATION,
    SESSION_JOINED_EVENT,
    SESSION_LEFT_EVENT,
    SESSION_NAME,
    SESSION_START_EVENT,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agentops.store.otlp import StoredSpan

_ROOTS_A_REPLAY: Final = 1000
_START: Final = SESSION_START_EVENT.encode()
_TRACE_ID: Final = re.compile(rb'"traceId"\s*:\s*"([0-9a-fA-F]{32})"')
_CLOCK_SLACK_SECONDS: Final = 1.0
_NANO: Final = 1e9


@dataclass(frozen=True, slots=True)
class MissingRoot:
    """A root span that was started and never ended. Times in nanoseconds since the epoch; `end` is its last child's, or its start.

    `destination` is that of its `records.SessionStart`.
    """

    trace_id: int
    span_id: int
    name: str
    start: int
    end: int
    attributes: dict[str, Value]
    destination: str


@dataclass(slots=True)
class _Unfinished:
    record: StoredRecord
    run: str
    end: int
    has_root: bool = False
    members: set[str] = field(default_factory=set[str])

    def missing_root(self) -> MissingRoot:
        attributes = {key: value for key, value in self.record.attributes.items() if key not in OF_THE_RECORD}
        name, destination = (str(self.record.attributes.get(key, "")) for key in (SESSION_NAME, SESSION_DESTINATION))
        trace_id, span_id = int(self.record.trace_id, 16), int(self.record.span_id, 16)
        return MissingRoot(trace_id, span_id, name, self.record.time, self.end, attributes, destination)


def replay(folder: Path, own_run: str, emit: Callable[[MissingRoot], bool], flush: Callable[[], bool]) -> None:
    """Have `emit` end every session of the folder's dead processes that has no root and that no live process has joined.

    `emit` says whether the session is settled; `flush` writes what was emitted to the store, and says whether it could.
    A run with sessions left unsettled is looked at again by the next replay. Raises OSError for a folder that cannot be read.
    """
    found = {run: liveness.claim(folder, run) for run in liveness.runs(folder, own_run)}
    dead = {run: marker for run, marker in found.items() if marker is not None}
    unsettled = set(dead)
    try:
        if dead:
            alive = {own_run, *(run for run, marker in found.items() if marker is None)}
            unsettled = _settle(folder, set(dead), alive, emit)
            if not flush():
                unsettled = set(dead)
    finally:
        for run, marker in dead.items():
            marker.release(remove=run not in unsettled)


def _settle(folder: Path, dead: set[str], alive: set[str], emit: Callable[[MissingRoot], bool]) -> set[str]:
    """Emit what is missing; the runs that are not settled."""
    unfinished = _started(folder, dead)
    if unfinished:
        _look_up(folder, unfinished, alive)
    unsettled: set[str] = set()
    emitted = 0
    for session in unfinished.values():
        if session.has_root:
            continue
        if session.members or emitted >= _ROOTS_A_REPLAY or not emit(session.missing_root()):
            unsettled.add(session.run)
        else:
            emitted += 1
    return unsettled


def _started(folder: Path, dead: set[str]) -> dict[str, _Unfinished]:
    """The sessions that dead runs started, by trace id."""
    found: dict[str, _Unfinished] = {}
    for file in stored_files(folder):
        if file.name.run in dead:
            for line in _lines(file):
                if _START in line:
                    for record in _decoded(line)[1]:
                        if record.event_name == SESSION_START_EVENT:
                            found.setdefault(record.trace_id, _Unfinished(record, file.name.run, record.time))
    return found


def _look_up(folder: Path, unfinished: dict[str, _Unfinished], alive: set[str]) -> None:
    """Find what the whole store holds of these sessions: the root after all, the last child's end, live processes in them."""
    wanted = {trace_id.encode() for trace_id in unfinished}
    earliest = min(session.record.time for session in unfinished.values()) / _NANO - _CLOCK_SLACK_SECONDS
    for file in stored_files(folder):
        # A span is written when it ends: a file last written before the first of these sessions has nothing of them.
        if file.modified < earliest:
            continue
        for line in _lines(file):
            if wanted.isdisjoint(_TRACE_ID.findall(line)):
                continue
            spans, records = _decoded(line)
            for span in spans:
                session = unfinished.get(span.trace_id)
                if session is not None:
                    session.has_root |= span.span_id == session.record.span_id
                    session.end = max(session.end, span.end)
            if file.name.run in alive:
                _note_members(unfinished, records)


def _note_members(unfinished: dict[str, _Unfinished], records: list[StoredRecord]) -> None:
    for record in records:
        session = unfinished.get(record.trace_id)
        if session is None:
            continue
        if record.event_name == SESSION_JOINED_EVENT:
            session.members.add(str(record.attributes.get(SESSION_NAME)))
        elif record.event_name == SESSION_LEFT_EVENT:
            session.members.discard(str(record.attributes.get(SESSION_NAME)))


def _lines(file: StoredFile) -> Iterator[bytes]:
    try:
        with file.path.open("rb") as lines:
            yield from lines
    except FileNotFoundError:
        return


def _decoded(line: bytes) -> tuple[list[StoredSpan], list[StoredRecord]]:
    try:
        return decode_line(line)
    except (ValueError, RecursionError):
        return [], []
