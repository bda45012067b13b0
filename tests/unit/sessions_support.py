"""Sessions on in-memory providers, with the context and the open sessions put back after each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry.context import Context, attach, detach

from agentops.config import configure_settings, settings
from agentops.sessions import runtime
from agentops.sessions.ids import root_span_id, session_id_of
from agentops_instrumentors.core.telemetry import set_default_parent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

    from agentops.sessions.session import Session
    from tests.fakes.in_memory import InMemory


@pytest.fixture
def recorded(in_memory: InMemory, otel_context_log: list[str]) -> Iterator[InMemory]:
    """Sessions start on these providers, in an empty context; none is made by itself."""
    token = attach(Context())
    by_itself = settings().auto_start_session
    configure_settings(auto_start_session=False)
    runtime.install(in_memory.tracer_provider)
    yield in_memory
    runtime.end_all()
    set_default_parent(None)
    configure_settings(auto_start_session=by_itself)
    detach(token)


def root_of(recorded: InMemory, session: Session) -> ReadableSpan:
    """The one exported root of `session`."""
    (root,) = [span for span in recorded.spans() if span.context.span_id == session.span.get_span_context().span_id]
    return root


def assert_roots_are_sound(recorded: InMemory, sessions: list[Session]) -> None:
    """Every session has a trace of its own and exactly one exported root, whose ids follow from the trace id."""
    roots = {span.context.span_id: span for span in recorded.spans() if span.attributes.get("agentops.span.kind") == "session"}
    assert len(roots) == len(sessions) == len({session.trace_id for session in sessions})
    for session in sessions:
        root = roots[session.span.get_span_context().span_id]
        assert root.parent is None
        assert root.context.trace_id == session.trace_number
        assert root.context.span_id == root_span_id(session.trace_number)
        assert root.attributes["session.id"] == str(session) == session_id_of(session.trace_number)
