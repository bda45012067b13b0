"""Sessions that another process started: joined by their id alone, or by a W3C traceparent."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from agentops.sessions.ids import session_id_of
from agentops.sessions.session import Session
from agentops.sessions.tracer import UNNAMED
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.guard import swallowed, warn_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentops.sessions.states import EndState
    from agentops.sessions.tags import Tags
    from agentops.sessions.tracer import SessionTracer

_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}")
_ACCEPTED: Final = "a session's id (a UUID or 32 hexadecimal digits) or a W3C traceparent (00-<trace id>-<span id>-<flags>)"


class JoinedSession(Session):
    """A session whose root another process ends: spans started in it are in its trace, and ending it here only leaves it.

    `on_left` is called once, when it is left. Tags given here are not recorded: the root that carries them is elsewhere.
    """

    __slots__ = ("on_left",)

    def __init__(self, place: SpanContext, outer: Context, on_left: Callable[[JoinedSession], None]) -> None:
        """`place` is the span of the other process that spans started here are children of."""
        session_id = session_id_of(place.trace_id)
        super().__init__(
            NonRecordingSpan(place),
            trace_number=place.trace_id,
            session_id=session_id,
            name=UNNAMED,
            span_name=UNNAMED,
            start_attributes={semconv.SESSION_ID: session_id},
            start_time_unix_nano=time.time_ns(),
            outer=outer,
        )
        self.joined = True
        self.on_left = on_left

    def close(
        self, state: EndState, reason: str | None = None, error: BaseException | None = None, end_time_unix_nano: int | None = None
    ) -> bool:
        """Leave it; True for the one caller that did."""
        left = super().close(state, reason, error, end_time_unix_nano)
        if left:
            try:
                self.on_left(self)
            except Exception as telemetry_error:
                swallowed("leaving a session", telemetry_error)
        return left


def join(inherited: object, tags: Tags | None = None) -> Session:
    """Join the session that another process started and make it current; see `runtime.start_session`."""
    from agentops.sessions import runtime

    return runtime.start_session(tags=tags, inherited=inherited)


def names(inherited: object, session: Session) -> bool:
    """Whether `inherited`, an id or a traceparent, names `session`."""
    return session.trace_id in str(inherited).replace("-", "").lower()


def locate(inherited: object, tracer: SessionTracer) -> SpanContext | None:
    """The span that `inherited` names: a session's root by its id, or any span of it by a traceparent.

    None, said once, for what is neither, and for an id alone where `tracer`'s provider does not derive roots' ids.
    """
    text = str(inherited).strip().lower()
    if _ID.fullmatch(text):
        trace_id = int(text.replace("-", ""), 16)
        if trace_id:
            return _root(trace_id, tracer)
    place = get_current_span(TraceContextTextMapPropagator().extract({"traceparent": text}, Context())).get_span_context()
    if place.is_valid:
        return place
    warn_once(f"inherited:{text}", "inherited_session_id=%r is not accepted: expected %s; a session of its own is started", text, _ACCEPTED)
    return None


def _root(trace_id: int, tracer: SessionTracer) -> SpanContext | None:
    place = tracer.remote_root(trace_id)
    if place is None:
        warn_once(
            "inherited:provider",
            "The tracer provider is not the OpenTelemetry SDK's: a session cannot be joined by its id alone. "
            "Hand over a W3C traceparent instead; a session of its own is started",
        )
    return place
