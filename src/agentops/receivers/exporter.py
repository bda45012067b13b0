"""The base of what is named after a receiver: OTLP/HTTP, with that receiver's own attributes on a copy of the spans that need them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter

from agentops.receivers.conversations import Conversations, has_messages
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.sdk.trace.export import SpanExportResult
    from opentelemetry.util.types import AttributeValue

Attributes = dict[str, "AttributeValue"]
TEXT: Final = "text/plain"
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Value:
    """What went into a span or came out of it: a text, or JSON."""

    text: str
    type: str = TEXT


class ReceiverSpanExporter(SpanExporter):
    """Sends over OTLP/HTTP by OTEL_EXPORTER_OTLP_* like the exporter `otlp`; subclasses say what is added."""

    def __init__(self, *, endpoint: str | None = None, headers: dict[str, str] | None = None, timeout: float | None = None) -> None:
        """`endpoint` is the whole URL, `timeout` in seconds; each defaults to its variable."""
        self._otlp = OTLPSpanExporter(endpoint=endpoint, headers=headers, timeout=timeout)
        self._conversations = Conversations()

    def added(self, given: Mapping[str, AttributeValue], asked: Value | None, answered: Value | None) -> Attributes:
        """What the receiver needs beside `given`, and how it calls what went in and came out, where that is known."""
        raise NotImplementedError

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the batch; the spans themselves stay as they are."""
        for span in spans:
            try:
                self._conversations.hear(span)
            except Exception as error:
                swallowed("reading messages for a receiver", error)
        return self._otlp.export([self._prepared(span) for span in spans])

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """True: nothing waits here."""
        return self._otlp.force_flush(timeout_millis)

    def shutdown(self) -> None:
        """Send no more."""
        self._otlp.shutdown()

    def _prepared(self, span: ReadableSpan) -> ReadableSpan:
        try:
            given = span.attributes or {}
            asked, answered = recorded(given.get(semconv.ENTITY_INPUT)), recorded(given.get(semconv.ENTITY_OUTPUT))
            if span.parent is None:
                first, last = self._conversations.end(span)
                if not has_messages(given):
                    asked, answered = asked or text(first), answered or text(last)
            more = {name: value for name, value in self.added(given, asked, answered).items() if name not in given}
            return _Copy(span, {**given, **more}) if more else span
        except Exception as error:
            swallowed("preparing a span for a receiver", error)
            return span


class _Copy(ReadableSpan):
    """The span with other attributes."""

    def __init__(self, span: ReadableSpan, attributes: Attributes) -> None:
        super().__init__(
            name=span.name,
            context=span.get_span_context(),
            parent=span.parent,
            resource=span.resource,
            attributes=attributes,
            events=span.events,
            links=span.links,
            kind=span.kind,
            status=span.status,
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )
        self.original = span

    @property
    def dropped_attributes(self) -> int:
        return self.original.dropped_attributes

    @property
    def dropped_events(self) -> int:
        return self.original.dropped_events

    @property
    def dropped_links(self) -> int:
        return self.original.dropped_links


def recorded(value: object) -> Value | None:
    """Arguments or a result as they are recorded, as JSON; a text loses its quotes."""
    if not isinstance(value, str):
        return None
    try:
        decoded = msgspec.json.decode(value)
    except msgspec.DecodeError:
        return Value(value)
    return Value(decoded) if isinstance(decoded, str) else Value(value, JSON)


def text(value: str) -> Value | None:
    """`value`, or None where it is empty."""
    return Value(value) if value else None
