"""Roots of sessions whose process vanished: made from what it wrote when they began, and put into its own last file, to be sent.

Only the last file of a process is asked which roots are open: it begins with those that were when it was begun, and it is the one
file that is not removed before its process has ended. What is in it already is not made again, so that each root is made once.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from agentops.sessions.states import EndState
from agentops.store.encode import OPEN_ROOT, attributes, dump
from agentops.store.records import PROCESS_VANISHED
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Json = dict[str, Any]
_MARK: Final = f'{{"{OPEN_ROOT}":'.encode()
_NEWLINE: Final = b"\n"


def complete(files: Sequence[Path]) -> bytes:
    """End what a dead process left open; `files` are all that are left of it, the oldest first, and nobody else's by now.

    The end is that of the last child that is known of. A torn last line, which a kill leaves, is cut off. Returns the lines that could
    not be put into the last file. Never raises.
    """
    try:
        return _complete(files) if files else b""
    except (OSError, ValueError) as error:
        swallowed("ending a session of a vanished process", error)
        return b""


def _complete(files: Sequence[Path]) -> bytes:
    last = files[-1].read_bytes()
    whole = last[: last.rfind(_NEWLINE) + 1]
    opened = {_root(told)["spanId"]: told for line in whole.splitlines() if line.startswith(_MARK) for told in _opened(line)}
    missing: dict[str, Json] = {}
    if opened:
        ended = {span["spanId"] for span in _spans(whole)}
        missing = {_root(told)["traceId"]: told for span_id, told in opened.items() if span_id not in ended}
    lines = b"".join(_ended(told) + _NEWLINE for told in _with_last_ends(missing, files)) if missing else b""
    if len(whole) == len(last) and not lines:
        return b""
    try:
        with open(files[-1], "r+b", buffering=0) as file:
            file.truncate(len(whole))
            file.seek(0, os.SEEK_END)
            written = file.write(lines)
            if written == len(lines):
                return b""
            file.truncate(len(whole))
    except OSError:
        pass
    return lines


def _with_last_ends(missing: dict[str, Json], files: Sequence[Path]) -> Iterator[Json]:
    for path in files:
        for span in _spans(path.read_bytes()):
            told = missing.get(span.get("traceId", ""))
            if told is not None:
                told["lastEndUnixNano"] = max(int(told["lastEndUnixNano"]), int(span.get("endTimeUnixNano", 0)))
    return iter(missing.values())


def _ended(told: Json) -> bytes:
    """The root as an OTLP line: Indeterminate, because nobody knows how it would have ended."""
    root = _root(told)
    root["endTimeUnixNano"] = str(max(int(told["lastEndUnixNano"]), int(root["startTimeUnixNano"])))
    state = {semconv.SESSION_END_STATE: EndState.INDETERMINATE.value, semconv.SESSION_END_STATE_REASON: PROCESS_VANISHED}
    kept = [pair for pair in root.get("attributes", []) if pair.get("key") not in state]
    root["attributes"] = [*kept, *attributes(state)]
    return dump({"resourceSpans": told["resourceSpans"]})


def _root(told: Json) -> Json:
    return cast("Json", told["resourceSpans"][0]["scopeSpans"][0]["spans"][0])


def _opened(line: bytes) -> Iterator[Json]:
    try:
        yield cast("Json", msgspec.json.decode(line))[OPEN_ROOT]
    except (msgspec.MsgspecError, KeyError):
        return


def _spans(lines: bytes) -> Iterator[Json]:
    for line in lines.splitlines():
        if not line.startswith(_MARK):
            try:
                found = cast("Json", msgspec.json.decode(line))
            except msgspec.MsgspecError:
                continue
            for resource in found.get("resourceSpans", []):
                for scope in resource.get("scopeSpans", []):
                    yield from scope.get("spans", [])
