"""Keeps the local store informed of this process's sessions, and ends there and at every exporter those of processes that vanished."""

from __future__ import annotations

import atexit
import importlib
import os
import threading
import time
from typing import TYPE_CHECKING, Final, cast

from opentelemetry.context import Context

from agentops.sessions import notices
from agentops.sessions.ids import root_span_id
from agentops.sessions.states import EndState
from agentops.store.records import PROCESS_VANISHED
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.guard import guarded, swallowed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.util.types import AttributeValue

    from agentops.sessions.session import Session
    from agentops.store.records import AttributeValue as StoredValue
    from agentops.store.replay import MissingRoot

_EXIT_SECONDS: Final = 2.0

_looked = False
_destination: str | None = None
# Reentrant: a signal handler of the application may end a session on top of this.
_lock = threading.RLock()
_due = False
_running = False
_threads: Final[list[threading.Thread]] = []


def keep() -> None:
    """Record sessions in the local store from now on; the first one also has the vanished processes looked for."""
    notices.on_session_start(_started)
    notices.on_session_left(_left)
    # Called for each provider, after its shutdown was registered, so before it at exit.
    atexit.register(finish)


def finish(seconds: float = _EXIT_SECONDS) -> None:
    """Wait for a replay that is under way."""
    deadline = time.monotonic() + seconds
    while _threads:
        _threads.pop().join(max(0.0, deadline - time.monotonic()))


def _started(session: Session) -> None:
    from agentops.store.records import SESSION_JOINED_EVENT, SESSION_START_EVENT

    global _looked
    _record(session, SESSION_JOINED_EVENT if session.joined else SESSION_START_EVENT, session.start_time_unix_nano)
    if not _looked:
        _looked = True
        _replay_soon()


def _left(session: Session) -> None:
    from agentops.store.records import SESSION_LEFT_EVENT

    _record(session, SESSION_LEFT_EVENT, time.time_ns())
    _replay_soon()


def _record(session: Session, event: str, moment: int) -> None:
    from agentops.store.processor import session_started
    from agentops.store.records import SessionStart

    place = session.span.get_span_context()
    # Joining and leaving are told apart by who does it: several parts of one process may join the same session.
    name = f"{id(session):x}" if session.joined else session.span_name
    attributes = cast("Mapping[str, StoredValue]", session.start_attributes)
    session_started(SessionStart(place.trace_id, place.span_id, name, moment, attributes, event, _own_destination()))


def _own_destination() -> str:
    global _destination
    if _destination is None:
        from agentops import wiring

        _destination = wiring.destinations().digest()
    return _destination


def _replay_soon() -> None:
    """Replay in the background if there is a run that may be dead; at exit, where no thread starts any more, at once."""
    global _due, _running
    from agentops.store import liveness
    from agentops.store.processor import local_store

    files = local_store().files
    if not liveness.runs(files.folder, files.run):
        return
    with _lock:
        _due = True
        if _running:
            return
        _running = True
    # Not in the thread: a fork during an import leaves the child without it.
    importlib.import_module("agentops.store.replay")
    try:
        thread = threading.Thread(target=_replay_while_due, name="agentops-replay", daemon=True)
        thread.start()
        _threads[:] = [thread]
    except RuntimeError:
        _replay_while_due()


def _replay_while_due() -> None:
    global _due, _running
    while True:
        with _lock:
            _running = _due
            if not _due:
                return
            _due = False
        guarded("replaying sessions", _replay)


def _replay() -> None:
    from agentops.store.processor import local_store
    from agentops.store.replay import replay

    store = local_store()
    # What this process has left must be known as left, to it and to others.
    store.writer.flush()
    replay(store.files.folder, store.files.run, _end, store.writer.flush)


def _after_fork_in_child() -> None:
    global _lock, _due, _running
    _lock, _due, _running = threading.RLock(), False, False
    _threads.clear()


def _end(missing: MissingRoot) -> bool:
    """Emit the root of a session whose process vanished, through the provider of this one; whether there is nothing left to do."""
    from agentops.sessions import runtime

    if missing.span_id != root_span_id(missing.trace_id):
        # Nested in another trace, or of a provider whose ids do not derive: it cannot be started again.
        return True
    if missing.destination != _own_destination():
        # It would send one application's session to another's backend, and leave its own without.
        return False
    tracer = runtime.session_tracer()
    if not tracer.derives:
        return False
    try:
        attributes = cast("dict[str, AttributeValue]", dict(missing.attributes))
        span = tracer.start_root(missing.name, Context(), attributes, (), missing.start, missing.trace_id)
        if not span.is_recording():
            return False
        span.set_attributes({semconv.SESSION_END_STATE: EndState.INDETERMINATE.value, semconv.SESSION_END_STATE_REASON: PROCESS_VANISHED})
        span.end(missing.end)
    except Exception as error:
        swallowed("ending a session of a vanished process", error)
        return False
    return True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
