"""Sessions of this process: which provider they start on, and what happens around them."""

from __future__ import annotations

import atexit
import os
import threading
import time
import uuid
from typing import TYPE_CHECKING, Final, cast

from opentelemetry import trace
from opentelemetry.context import Context, attach
from opentelemetry.trace import INVALID_SPAN, Link, NoOpTracerProvider, ProxyTracerProvider, get_current_span

from agentops.config import settings
from agentops.notebook import sessions_start_by_themselves
from agentops.sessions import tags as tagging
from agentops.sessions import workers
from agentops.sessions.current import context_of, current_session, resolve_parent, starting_context
from agentops.sessions.default import DefaultSession
from agentops.sessions.exit import SIGTERM_SECONDS, Terminator, end_open_sessions, flush_signals
from agentops.sessions.ids import session_id_of
from agentops.sessions.inherit import JoinedSession, locate
from agentops.sessions.notices import on_session_start, tell_left, tell_started
from agentops.sessions.registry import registry
from agentops.sessions.session import Session
from agentops.sessions.states import normalise
from agentops.sessions.tracer import UNNAMED, Home, SessionTracer
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.guard import swallowed
from agentops_instrumentors.core.telemetry import set_default_parent

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.trace import Span, SpanContext, TracerProvider
    from opentelemetry.util.types import AttributeValue

    from agentops.sessions.tags import Tags

__all__ = ["current_session", "default_parent", "end_all", "install", "on_session_start", "open_session", "resolve_parent", "start_session"]


_lock = threading.RLock()
_homes: dict[int, Home] = {}
_home: Home | None = None
_nowhere: Final = Home(NoOpTracerProvider())


def install(provider: TracerProvider | None = None) -> None:
    """Let sessions start on `provider` (the global one by default), whose spans get `session.id` from now on.

    Once per provider; the last one installed is the one new sessions start on. Also has GenAI spans without a parent ask
    for a session, and takes over SIGTERM where nobody handles it. Never raises.
    """
    try:
        _install(trace.get_tracer_provider() if provider is None else provider)
    except Exception as error:
        swallowed("installing sessions", error)


def _install(provider: TracerProvider) -> None:
    global _home
    if isinstance(provider, ProxyTracerProvider):
        # It stands for a provider still to come, which will be installed in its turn.
        return
    with _lock:
        home = _homes.get(id(provider))
        if home is None:
            home = Home(provider)
            add_span_processor = cast("Callable[[object], None] | None", getattr(provider, "add_span_processor", None))
            if add_span_processor is not None:
                from agentops.sessions.processor import SessionSpanProcessor

                add_span_processor(SessionSpanProcessor())
            if not _homes:
                _install_once()
            _homes[id(provider)] = home
        _home = home
        set_default_parent(default_parent)


def _install_once() -> None:
    terminator.watch()
    workers.watch(_at_worker_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)


def session_tracer() -> SessionTracer:
    """The tracer that new sessions start on."""
    return (_home or _nowhere).tracer


def installed() -> bool:
    """Whether sessions have a provider to start on."""
    return _home is not None


def provider() -> TracerProvider | None:
    """The provider that new sessions start on, once there is one."""
    return None if _home is None else _home.provider


def start_session(name: str | None = None, tags: Tags | None = None, *, nested: bool = False, inherited: object = None) -> Session:
    """Open a session and make it current; see `open_session`.

    `inherited` names one that another process started, by its id or a W3C traceparent: it is joined, and has its name
    already. Where it cannot be joined, which is said once, a session of its own is opened.
    """
    session = (_join(inherited, tags) if inherited is not None else None) or open_session(name, tags, nested=nested)
    attach(context_of(session, session.outer))
    return session


def _join(inherited: object, tags: Tags | None) -> Session | None:
    if _home is None:
        install()
    home = _home or _nowhere
    try:
        place = locate(inherited, home.tracer)
        if place is None:
            return None
        session = JoinedSession(place, starting_context(), tell_left)
        session.note_tags(*tagging.split(tags))
        _opened(session, home)
        return session
    except Exception as error:
        swallowed("joining a session", error)
        return None


def open_session(name: str | None = None, tags: Tags | None = None, *, nested: bool = False) -> Session:
    """Open a session without making it current: a new trace, linked to the current span where there is one.

    It carries the settings' default tags before its own `tags`. With a `name` it is the workflow `invoke_workflow {name}`,
    without one `agentops.session`. `nested` makes it a child of the current span instead, where there is one.
    Where its root cannot be started or is not sampled, the session is as usable and records nothing.
    """
    if _home is None:
        install()
    home = _home or _nowhere
    outer = starting_context()
    current = get_current_span(outer).get_span_context()
    nested = nested and current.is_valid
    plain, keyed = tagging.split(tags)
    plain = list(dict.fromkeys((*settings().default_tags, *plain)))
    attributes: dict[str, AttributeValue] = {semconv.SPAN_KIND: "session", **tagging.attributes(plain, keyed)}
    span_name = UNNAMED
    if name is not None:
        span_name = f"{semconv.INVOKE_WORKFLOW} {name}"
        attributes[semconv.OPERATION_NAME] = semconv.INVOKE_WORKFLOW
        attributes[semconv.WORKFLOW_NAME] = str(name)
    started = time.time_ns()
    span = _start_span(home, span_name, outer, attributes, started, current if current.is_valid else None, nested)
    trace_number = span.get_span_context().trace_id or uuid.uuid4().int
    session = Session(
        span,
        trace_number=trace_number,
        session_id=session_id_of(trace_number),
        name=span_name if name is None else str(name),
        span_name=span_name,
        start_attributes=attributes,
        start_time_unix_nano=started,
        outer=outer,
        is_root=not nested,
    )
    session.note_tags(plain, keyed)
    _opened(session, home)
    return session


def _start_span(
    home: Home,
    name: str,
    outer: Context,
    attributes: dict[str, AttributeValue],
    started: int,
    current: SpanContext | None,
    nested: bool,
) -> Span:
    try:
        if nested and current is not None:
            attributes[semconv.SESSION_ID] = session_id_of(current.trace_id)
            return home.tracer.start_nested(name, outer, attributes, started)
        return home.tracer.start_root(name, outer, attributes, () if current is None else (Link(current),), started)
    except Exception as error:
        swallowed("starting a session", error)
        return INVALID_SPAN


def _opened(session: Session, home: Home) -> None:
    registry.add(session)
    if not (session.span.get_span_context().trace_flags.sampled if session.joined else session.span.is_recording()):
        return
    if semconv.SESSION_ID not in session.start_attributes:
        session.span.set_attribute(semconv.SESSION_ID, session.session_id)
    tell_started(session)
    if not home.ends_at_exit:
        home.ends_at_exit = True
        # Exit runs in reverse: after the provider's shutdown and whatever the callbacks registered, so before them at exit.
        atexit.register(_at_exit)
    terminator.prepare()


def end_all(end_state: object = "Success", end_state_reason: str | None = None) -> None:
    """End every open session."""
    state, reason = normalise(end_state, end_state_reason)
    for session in registry.sessions():
        session.close(state, reason)


def default_parent(context: Context) -> Context:
    """The context a GenAI span starts in, for `agentops_instrumentors.core.telemetry.set_default_parent`: `context` unless
    its session has ended or it has no parent span, else one with an open session where there is or should be one."""
    return defaults.parent(context)


def _at_exit() -> None:
    defaults.stop()
    end_open_sessions()


def _at_worker_exit() -> None:
    _at_exit()
    flush(SIGTERM_SECONDS)


def flush(seconds: float) -> None:
    """Have every provider that sessions started on, and the global ones of metrics and logs, send what they hold."""
    flush_signals([home.provider for home in _homes.values()], seconds)


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()
    terminator.forget()
    defaults.forget()
    workers.watch(_at_worker_exit)
    for session in registry.sessions():
        session.joined = True
    if len(registry):
        terminator.prepare()


defaults: Final = DefaultSession(open_session, sessions_start_by_themselves)
terminator: Final = Terminator(flush)
