"""`session.id` and the agent on every span of a session. The only module of sessions that needs the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from opentelemetry.context import get_current
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import get_current_span

from agentops.sessions.current import carried_id, session_in
from agentops.sessions.ids import session_id_of
from agentops.sessions.registry import registry
from agentops.spans.agents import agent_in, identity
from agentops_instrumentors.core import semconv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span
    from opentelemetry.util.types import AttributeValue

_SESSION_ID: Final = semconv.SESSION_ID
_AGENT_ID: Final = semconv.AGENTOPS_AGENT_ID


class SessionSpanProcessor(SpanProcessor):
    """Stamps spans with the id of the session whose trace they are in, and with the agent at work; what the caller gave stays.

    The session is the one in the parent context (the current context where none is given), the open one whose trace this
    is, or the parent span's. A span in its trace counts even after it has ended; a span in another trace never does.
    The agent is the one in that context, or the session's default one; a session itself belongs to none.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        context = get_current() if parent_context is None else parent_context
        trace_id = span.get_span_context().trace_id
        session = session_in(context)
        if session is None or session.trace_number != trace_id:
            session = registry.of_trace(trace_id)
        session_id = session.session_id if session is not None else _inherited(context, trace_id)
        agent = agent_in(context)
        if session_id is None and agent is None:
            return
        given = span.attributes or {}
        found: dict[str, AttributeValue] = {}
        if session_id is not None and _SESSION_ID not in given:
            found[_SESSION_ID] = session_id
        if _AGENT_ID not in given and given.get(semconv.SPAN_KIND) != "session":
            found[_AGENT_ID], found[semconv.AGENTOPS_AGENT_NAME] = identity(agent, trace_id, session)
        if found:
            span.set_attributes(found)
        if session is not None and session.on_activity is not None:
            session.on_activity()

    def on_end(self, span: ReadableSpan) -> None:
        context = span.context
        session = registry.of_trace(context.trace_id) if context is not None else None
        if session is not None and session.on_activity is not None:
            session.on_activity()

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is held."""
        return True


def _inherited(context: Context, trace_id: int) -> str | None:
    """The session of the parent span, local (of a session that has ended, reached by the span alone) or across HTTP."""
    attributes = cast("Mapping[str, object] | None", getattr(get_current_span(context), "attributes", None))
    session_id = attributes.get(_SESSION_ID) if attributes else None
    return session_id if isinstance(session_id, str) and session_id == session_id_of(trace_id) else carried_id(context, trace_id)
