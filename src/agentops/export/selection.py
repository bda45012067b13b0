"""Which spans go to AgentOps: model calls, agents, tools, sessions and operations, and every span above one of them.

A span that is none of these is left out, unless one below it is sent: the tree stays whole without HTTP and database spans.
An ancestor mostly ends last, and has been marked by then. One that ended before what is below it is kept for a while, and follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

from opentelemetry.sdk.trace import SpanProcessor

from agentops.config import settings
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span

ALL: Final = "all"
GENAI: Final = "genai"
CHOICES: Final = (GENAI, ALL)
"""Values of AGENTOPS_EXPORT."""

_OURS: Final = "agentops"
_CONVENTIONS: Final = "gen_ai."
_MARKERS: Final = frozenset(
    {
        semconv.SPAN_KIND,
        "openinference.span.kind",
        "traceloop.span.kind",
        "llm.request.type",
        "langfuse.observation.type",
        "langsmith.span.kind",
        "mlflow.spanType",
    }
)
"""Attributes by which other vocabularies tell what a span of theirs is."""
_STAMPED: Final = frozenset({semconv.CONVERSATION_ID, semconv.AGENT_ID, semconv.AGENT_NAME, semconv.WORKFLOW_NAME})
"""What some libraries put on every span of a request, whatever it is."""
_MARKS: Final = 1 << 14
_HELD: Final = 1 << 10
"""Spans left out that may still be asked for."""

V = TypeVar("V")


class _Recent(Generic[V]):
    """A dictionary by span id of at most so many entries, the oldest forgotten first.

    Without a lock, which a forked child could find held: each step is one operation of `dict`.
    """

    __slots__ = ("_bound", "_entries")

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._entries: dict[int, V] = {}

    def __contains__(self, span_id: int) -> bool:
        return span_id in self._entries

    def get(self, span_id: int) -> V | None:
        """The entry, or None."""
        return self._entries.get(span_id)

    def put(self, span_id: int, value: V) -> None:
        """Set the entry, as the newest."""
        self._entries.pop(span_id, None)
        self._entries[span_id] = value
        if len(self._entries) > self._bound:
            # Half at once: finding the oldest takes a copy.
            for oldest in list(self._entries)[: self._bound // 2]:
                self._entries.pop(oldest, None)

    def take(self, span_id: int) -> V | None:
        """Remove the entry and return it; None where there is none, also because another thread has taken it."""
        return self._entries.pop(span_id, None)


class Lineage(SpanProcessor):
    """Knows which spans have one below them that is sent: told by `mark`, and of those under way by seeing them start.

    What happens in other processes is not known here: a span whose parent is remote is the uppermost.
    """

    def __init__(self) -> None:
        self._parents: _Recent[int] = _Recent(_MARKS)
        self._marked: _Recent[bool] = _Recent(_MARKS)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Mark what is above a span that is sent, in this process: it may end first."""
        parent = span.parent
        if parent is None or parent.is_remote or settings().export == ALL:
            return
        try:
            self._parents.put(span.get_span_context().span_id, parent.span_id)
            if is_genai(span):
                self.mark(parent.span_id)
        except Exception as error:
            swallowed("choosing spans for AgentOps", error)

    def on_end(self, span: ReadableSpan) -> None:
        """Forget the span; its mark stays for those who export it."""
        if span.context is not None:
            self._parents.take(span.context.span_id)

    def mark(self, span_id: int) -> None:
        """Say that a span below `span_id` is sent and, with it, below every span that is under way above."""
        known = span_id in self._marked
        self._marked.put(span_id, True)
        above = None if known else self._parents.get(span_id)
        while above is not None and above not in self._marked:
            self._marked.put(above, True)
            above = self._parents.get(above)

    def marked(self, span_id: int) -> bool:
        """Whether a span below it is sent, as far as is known."""
        return span_id in self._marked

    def shutdown(self) -> None:
        """Nothing waits here."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits here."""
        return True


lineage: Final = Lineage()
"""This process's: span ids are unique whichever provider they are from."""


class Selection:
    """Chooses for one exporter. Any number of threads may ask."""

    def __init__(self, known: Lineage = lineage) -> None:
        self._lineage = known
        self._held: _Recent[ReadableSpan] = _Recent(_HELD)

    def chosen(self, spans: Sequence[ReadableSpan]) -> Sequence[ReadableSpan]:
        """What is to be sent now: of `spans`, and of those left out before that turn out to be above one of them."""
        if settings().export == ALL:
            return spans
        try:
            return self._chosen(spans)
        except Exception as error:
            swallowed("choosing spans for AgentOps", error)
            return spans

    def _chosen(self, spans: Sequence[ReadableSpan]) -> list[ReadableSpan]:
        sent: list[ReadableSpan] = []
        for span in spans:
            context = span.context
            if context is None or is_genai(span):
                self._send(span, sent)
                continue
            # Held before the mark is looked for, and marked before what is held: whichever comes first, one of the two is seen.
            self._held.put(context.span_id, span)
            if self._lineage.marked(context.span_id) and self._held.take(context.span_id) is not None:
                self._send(span, sent)
        return sent

    def _send(self, span: ReadableSpan, sent: list[ReadableSpan]) -> None:
        next_up: ReadableSpan | None = span
        while next_up is not None:
            sent.append(next_up)
            if next_up.parent is None:
                return
            self._lineage.mark(next_up.parent.span_id)
            next_up = self._held.take(next_up.parent.span_id)


def is_genai(span: ReadableSpan) -> bool:
    """Whether a span is a model call, agent, tool, session or operation: ours, or by the attributes of any known vocabulary."""
    scope = span.instrumentation_scope
    if scope is not None and scope.name.startswith(_OURS):
        return True
    attributes: Mapping[str, object] = span.attributes or {}
    # No generator for any(): every span that starts is asked.
    for name in attributes:  # noqa: SIM110
        if name in _MARKERS or (name.startswith(_CONVENTIONS) and name not in _STAMPED):
            return True
    return False
