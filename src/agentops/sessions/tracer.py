"""The tracer that starts session roots: scope `agentops.session`, one per provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, SpanContext, SpanKind, TraceFlags, set_span_in_context

from agentops.sessions.ids import IdSource, SessionIds, root_span_id, session_id_of
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.started import as_started
from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.trace import Link, Span, TracerProvider
    from opentelemetry.util.types import AttributeValue

SCOPE: Final = "agentops.session"
UNNAMED: Final = "agentops.session"
"""The name of the root span of a session without a name."""


class SessionTracer:
    """Starts session roots on one provider.

    Where the tracer has the SDK's public `id_generator`, roots get a derived span id (`ids.root_span_id`) and carry
    `session.id` from their start, so that samplers see it; under another provider both ids are the provider's.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer(SCOPE, __version__)
        self._ids = _derive_ids(self._tracer)

    @property
    def derives(self) -> bool:
        """Whether the ids of roots follow from their trace ids."""
        return self._ids is not None

    def start_root(
        self,
        name: str,
        context: Context,
        attributes: dict[str, AttributeValue],
        links: Sequence[Link],
        start_time: int,
        trace_id: int = 0,
    ) -> Span:
        """Start a span in a new trace, whatever span is current in `context`. `start_time` is in ns since the epoch.

        Adds the session's id to `attributes` when it is known beforehand. `trace_id` is that of a root to be started again,
        for a tracer that derives.
        """
        context = set_span_in_context(INVALID_SPAN, context)
        if self._ids is None:
            return self._start(name, context, attributes, links, start_time)
        trace_id = self._ids.reserve(trace_id)
        try:
            attributes[semconv.SESSION_ID] = session_id_of(trace_id)
            return self._start(name, context, attributes, links, start_time)
        finally:
            self._ids.release()

    def remote_root(self, trace_id: int) -> SpanContext | None:
        """Where the root of a session of another process is, from its trace id alone; None where that cannot be derived.

        It is sampled if this provider's sampler would sample such a root.
        """
        sampler = cast("Sampler | None", getattr(self._tracer, "sampler", None))
        if self._ids is None or sampler is None:
            return None
        attributes: dict[str, AttributeValue] = {semconv.SPAN_KIND: "session", semconv.SESSION_ID: session_id_of(trace_id)}
        context = set_span_in_context(INVALID_SPAN, Context())
        result = sampler.should_sample(context, trace_id, UNNAMED, SpanKind.INTERNAL, attributes, ())
        flags = TraceFlags.SAMPLED if result.decision.is_sampled() else TraceFlags.DEFAULT
        if self._ids.is_trace_id_random():
            # A flag that older releases of the API do not know.
            flags |= getattr(TraceFlags, "RANDOM_TRACE_ID", 0)
        return SpanContext(trace_id, root_span_id(trace_id), True, TraceFlags(flags), result.trace_state)

    def start_nested(self, name: str, context: Context, attributes: dict[str, AttributeValue], start_time: int) -> Span:
        """Start a child of the span that is current in `context`. `start_time` is in ns since the epoch."""
        return self._start(name, context, attributes, (), start_time)

    def _start(self, name: str, context: Context, attributes: dict[str, AttributeValue], links: Sequence[Link], start_time: int) -> Span:
        span = self._tracer.start_span(
            name,
            context=context,
            kind=SpanKind.INTERNAL,
            attributes=attributes,
            links=links,
            start_time=start_time,
            record_exception=False,
            set_status_on_exception=False,
        )
        return as_started(span, attributes)


class Home:
    """A provider that sessions start on. `ends_at_exit`: the end of its sessions is arranged to come before its own."""

    __slots__ = ("ends_at_exit", "provider", "tracer")

    def __init__(self, provider: TracerProvider) -> None:
        self.provider = provider
        self.tracer = SessionTracer(provider)
        self.ends_at_exit = False


def _derive_ids(tracer: object) -> SessionIds | None:
    source = getattr(tracer, "id_generator", None)
    if isinstance(source, SessionIds):
        return source
    if source is None:
        return None
    ids = SessionIds(cast(IdSource, source))
    try:
        setattr(tracer, "id_generator", ids)  # noqa: B010 - the attribute is the SDK's, not the API's
    except AttributeError:
        return None
    return ids
