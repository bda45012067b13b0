"""Decorated functions on in-memory providers, with content recorded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from agentops_instrumentors.core import content
from tests.unit.sessions_support import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan

    from tests.fakes.in_memory import InMemory

__all__ = ["children", "events", "one", "recorded", "said", "tree", "with_content"]


@pytest.fixture
def with_content(recorded: InMemory) -> Iterator[InMemory]:
    """`recorded`, with content on spans."""
    content.set_default_mode(content.ContentMode.SPAN_ONLY)
    yield recorded
    content.set_default_mode(content.ContentMode.NO_CONTENT)


def one(recorded: InMemory, name: str) -> ReadableSpan:
    """The only span of that name."""
    (span,) = recorded.spans(name)
    return span


def said(span: ReadableSpan, name: str) -> Any:
    """The JSON in one of its attributes."""
    return json.loads(span.attributes[name])


def events(span: ReadableSpan) -> list[str]:
    """Names of its events."""
    return [event.name for event in span.events]


def children(recorded: InMemory, parent: ReadableSpan) -> list[ReadableSpan]:
    """The spans right below `parent`, in the order they started."""
    below = [span for span in recorded.spans() if span.parent is not None and span.parent.span_id == parent.context.span_id]
    return sorted(below, key=lambda span: span.start_time)


def tree(recorded: InMemory) -> list[Any]:
    """Span names as `[name, [children…]]`, of spans without a parent."""

    def grown(span: ReadableSpan) -> Any:
        below = [grown(child) for child in children(recorded, span)]
        return [span.name, below] if below else span.name

    roots = [span for span in recorded.spans() if span.parent is None]
    return [grown(span) for span in sorted(roots, key=lambda span: span.start_time)]
