"""`session.id` on every span of a session. The only module of sessions that needs the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.context import get_current
from opentelemetry.sdk.trace import SpanProcessor

from agentops.sessions.current import session_in
from agentops.sessions.registry import registry
from agentops_instrumentors.core import semconv

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span

_SESSION_ID: Final = semconv.SESSION_ID


class SessionSpanProcessor(SpanProcessor):
    """Stamps spans with the id of the session whose trace they are in; a `session.id` given by the caller stays.

    The session is the one in the parent context (the current context where none is given). A span in its trace counts
    even after it has ended; a span in another trace never does, unless that is the trace of an open session.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        session = session_in(get_current() if parent_context is None else parent_context)
        trace_id = span.get_span_context().trace_id
        if session is None or session.trace_number != trace_id:
            session = registry.of_trace(trace_id)
            if session is None:
                return
        if _SESSION_ID not in (span.attributes or ()):
            span.set_attribute(_SESSION_ID, session.session_id)
        if session.on_activity is not None:
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
