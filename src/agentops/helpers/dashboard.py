"""Where AgentOps shows a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentops.config import settings
from agentops.sessions.session import Session
from agentops_instrumentors.core.guard import logger

if TYPE_CHECKING:
    from opentelemetry.trace import Span


def get_trace_url(span: Span | Session) -> str:
    """The page of the trace that `span` is in."""
    if isinstance(span, Session):
        return span.session_url
    return f"{settings().app_url}/sessions?trace_id={span.get_span_context().trace_id:032x}"


def log_trace_url(span: Span | Session, title: str | None = None) -> None:
    """Log that page at INFO."""
    logger.info("Session replay%s: %s", f" for {title}" if title else "", get_trace_url(span))
