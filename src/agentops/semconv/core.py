"""Attributes of any span."""

from __future__ import annotations

from agentops_instrumentors.core import semconv


class CoreAttributes:
    """Errors, identity and tags."""

    ERROR_TYPE = semconv.ERROR_TYPE
    ERROR_MESSAGE = "error.message"
    TRACE_ID = "trace.id"
    SPAN_ID = "span.id"
    PARENT_ID = "parent.id"
    GROUP_ID = "group.id"
    TAGS = semconv.TAGS
