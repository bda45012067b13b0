"""The current session lives in the OpenTelemetry Context, and an ended one is never taken for current.

Its id is in the baggage of that context, so that instrumented HTTP clients hand it to the services of one's own.

No context token is kept: a session is made current by attaching its context and left by attaching another one, so
nothing is ever detached in a context (a task, a thread, a generator) that did not attach it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from opentelemetry.baggage import get_baggage, remove_baggage, set_baggage
from opentelemetry.context import attach, create_key, get_current, set_value
from opentelemetry.trace import get_current_span, set_span_in_context

from agentops.sessions.ids import session_id_of
from agentops_instrumentors.core.failures import AROUND
from agentops_instrumentors.core.semconv import SESSION_ID

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from agentops.sessions.session import Session

SESSION_KEY: Final = create_key("agentops-session")


def session_in(context: Context) -> Session | None:
    """The session `context` carries, open or ended."""
    return cast("Session | None", context.get(SESSION_KEY))


def context_of(session: Session, context: Context) -> Context:
    """`context` with `session`'s root as its current span."""
    inside = set_value(AROUND, session.failures, _carrying(session, context))
    return set_value(SESSION_KEY, session, set_span_in_context(session.span, inside))


def carried_id(context: Context, trace_id: int) -> str | None:
    """The id of the session that `context` carries as baggage, from a caller across HTTP, if it is the one of this trace."""
    carried = get_baggage(SESSION_ID, context)
    return carried if isinstance(carried, str) and carried == session_id_of(trace_id) else None


def _carrying(session: Session | None, context: Context) -> Context:
    """`context`, still of the session before, with the id of `session` as baggage; a `session.id` of the application's own stays."""
    carried = get_baggage(SESSION_ID, context)
    if carried is not None:
        before = session_in(context)
        trace_id = get_current_span(context).get_span_context().trace_id
        if carried != (before.session_id if before is not None else session_id_of(trace_id)):
            return context
    if session is not None:
        return set_baggage(SESSION_ID, session.session_id, context)
    return context if carried is None else remove_baggage(SESSION_ID, context)


def current_session() -> Session | None:
    """The open session of the caller's context: its own, or the nearest open one that the ended one was started in."""
    session = session_in(get_current())
    if session is None or session.is_open:
        return session
    return session_in(outer_context(session))


def outer_context(session: Session) -> Context:
    """What was current when `session` started, past the sessions that have ended since.

    Shortens the chain it walks: however many sessions start inside one another and end, each is passed once.
    """
    passed = [session]
    context = session.outer
    ancestor = session_in(context)
    while ancestor is not None and not ancestor.is_open:
        passed.append(ancestor)
        context = ancestor.outer
        ancestor = session_in(context)
    for each in passed:
        each.outer = context
    return context


def resolve_parent(context: Context) -> Context:
    """`context` unless its session has ended; then the same values, but under the nearest session still open.

    Where no session is left, the span that was current before them all is the parent, if there was one. A context whose
    current span is in another trace than its ended session is left alone.
    """
    session = cast("Session | None", context.get(SESSION_KEY))
    if session is None or session.is_open:
        return context
    span_context = get_current_span(context).get_span_context()
    if span_context.is_valid and span_context.trace_id != session.trace_number:
        return context
    outer = outer_context(session)
    session = session_in(outer)
    return set_value(SESSION_KEY, session, set_span_in_context(get_current_span(outer), _carrying(session, context)))


def starting_context() -> Context:
    """The context a session starts in: the current one, past sessions that have ended."""
    context = resolve_parent(get_current())
    session = session_in(context)
    if session is not None:
        # Sessions that overlap in a row would otherwise each keep the one before alive, for ever.
        outer_context(session)
    return context


def leave(session: Session) -> None:
    """Where the ended `session` is current, make current what was so before it and is still open."""
    context = get_current()
    if context.get(SESSION_KEY) is not session:
        return
    span_context = get_current_span(context).get_span_context()
    if not span_context.is_valid or span_context.trace_id == session.trace_number:
        attach(outer_context(session))
