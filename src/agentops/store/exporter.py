"""The local store as a span exporter, for `OTEL_TRACES_EXPORTER=agentops_local,...`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from agentops.store.processor import local_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan


class LocalSpanExporter(SpanExporter):
    """Writes to the process's local store. A span that the store's processor has already written is not written again."""

    def __init__(self) -> None:
        self._store = local_store()
        self._store.writer.deduplicate()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """SUCCESS once the batch is written; FAILURE where some of it could not be."""
        writer = self._store.writer
        dropped = writer.dropped
        for span in spans:
            self._store.ended(span)
        return SpanExportResult.SUCCESS if writer.flush() and writer.dropped == dropped else SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """True once everything enqueued has been written."""
        return self._store.writer.flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Flush only: the store closes with the process."""
        self._store.writer.flush()
