"""Traces, and the tracer behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry import trace

from agentops import lifetime
from agentops.sessions import api
from agentops.sessions.registry import registry
from agentops.sessions.session import Session, TraceContext
from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Tracer, TracerProvider

    from agentops.sessions.tags import Tags

__all__ = ["TraceContext", "TracingCore", "tracer"]


class TracingCore:
    """What earlier releases offered as `tracer`."""

    @property
    def initialized(self) -> bool:
        """Whether recording was started with `init()`, `start_trace()` or `start_session()`."""
        return api.started()

    @property
    def provider(self) -> TracerProvider:
        """The global tracer provider."""
        return trace.get_tracer_provider()

    def get_tracer(self, name: str = "agentops") -> Tracer:
        """A tracer of scope `name`."""
        return trace.get_tracer(name, __version__)

    def start_trace(self, trace_name: str | None = None, tags: Tags | None = None) -> Session:
        """As `agentops.start_trace`."""
        return api.start_trace(trace_name, tags)

    def end_trace(self, trace_context: Session | None = None, end_state: object = "Success") -> None:
        """As `agentops.end_trace`."""
        api.end_trace(trace_context, end_state)

    def get_active_traces(self) -> Mapping[str, Session]:
        """The open sessions by trace id, 32 hexadecimal digits."""
        return {session.trace_id: session for session in registry.sessions()}

    def get_active_trace_count(self) -> int:
        """How many sessions are open."""
        return len(registry)

    def shutdown(self) -> None:
        """As `agentops.shutdown`."""
        lifetime.shutdown()


tracer: Final = TracingCore()
