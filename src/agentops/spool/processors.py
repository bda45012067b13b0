"""Span and log processors that hand what ends to a spool; each costs the program one append."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor

from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import ReadWriteLogRecord
    from opentelemetry.sdk.trace import ReadableSpan, Span

    from agentops.spool.spool import Spool

    Choose = Callable[[Sequence[ReadableSpan]], Sequence[ReadableSpan]]


class SpoolSpanProcessor(SpanProcessor):
    """For one provider; several may share a spool. `choose` says which of the spans that end are to be sent: all where it is None."""

    def __init__(self, spool: Spool, choose: Choose | None = None) -> None:
        self._spool = spool
        self._choose = choose

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Note a session's root."""
        try:
            self._spool.started(span)
        except Exception as error:
            swallowed("spool", error)

    def on_end(self, span: ReadableSpan) -> None:
        """Enqueue the span."""
        try:
            if self._choose is None:
                self._spool.ended(span)
                return
            for chosen in self._choose((span,)):
                self._spool.ended(chosen)
        except Exception as error:
            swallowed("spool", error)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Write and send everything; False where it was not taken, in time or after 5 s: it is kept."""
        return self._spool.flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Flush only: other providers may share the spool, and it closes with the process."""
        self._spool.flush(30.0)


class SpoolLogProcessor(LogRecordProcessor):
    """For one provider; several may share a spool."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Enqueue the record."""
        try:
            resource = log_record.resource or Resource({})
            record = log_record.log_record
            self._spool.logged(ReadableLogRecord(record, resource, log_record.instrumentation_scope, log_record.limits))
        except Exception as error:
            swallowed("spool", error)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """As `SpoolSpanProcessor`."""
        return self._spool.flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Flush only."""
        self._spool.flush(30.0)
