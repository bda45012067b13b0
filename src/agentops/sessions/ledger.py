"""Keeps the local store informed of this process's sessions, and ends there and at every exporter those of processes that vanished."""

from __future__ import annotations

import atexit
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
_threads: Final[list[threading.Thread]] = []


def keep() -> None:
    """Record sessions in the local store from now on; the first one also has the vanished processes looked for."""
    notices.on_session_start(_started)
    notices.on_session_left(_left)
    # Called for each provider, after its shutdown was registered, so before it at exit.
    atexit.register(finish)


def finish(seconds: float = _EXIT_SECONDS) -> None:
    """Wait for replays that are under way."""
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
    session_started(SessionStart(place.trace_id, place.span_id, name, moment, attributes, event))


def _replay_soon() -> None:
    """Replay in the background if there is a run that may be dead; at exit, where no thread starts any more, at once."""
    from agentops.store import liveness
    from agentops.store.processor import local_store

    files = local_store().files
    if not liveness.runs(files.folder, files.run):
        return
    # Not in the thread: a fork during an import leaves the child without it.
    from agentops.store import replay

    def work() -> None:
        guarded("replaying sessions", replay.replay, files.folder, files.run, _end, local_store().writer.flush)

    try:
        local_store().writer.flush()
        thread = threading.Thread(target=work, name="agentops-replay", daemon=True)
        thread.start()
        _threads[:] = [*(each for each in _threads if each.is_alive()), thread]
    except RuntimeError:
        work()


def _end(missing: MissingRoot) -> bool:
    """Emit the root of a session whose process vanished, through the provider of this one; whether there is nothing left to do."""
    from agentops.sessions import runtime

    if missing.span_id != root_span_id(missing.trace_id):
        # Nested in another trace, or of a provider whose ids do not derive: it cannot be started again.
        return True
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
