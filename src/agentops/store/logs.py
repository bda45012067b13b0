"""The log records of sessions' spans in the local store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord
from opentelemetry.sdk.resources import Resource

from agentops.logs.correlation import in_session
from agentops.store.processor import local_store
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadWriteLogRecord


class LocalStoreLogProcessor(LogRecordProcessor):
    """Hands log records made in a session's span to the local store; costs the program one append."""

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Enqueue the record, whoever made it."""
        try:
            record = log_record.log_record
            if not in_session(record.context or Context()):
                return
            resource = log_record.resource or Resource({})
            local_store().logged(ReadableLogRecord(record, resource, log_record.instrumentation_scope, log_record.limits))
        except Exception as error:
            swallowed("store.logs", error)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """True once everything enqueued has been written."""
        return local_store().writer.flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Flush only: the store closes with the process."""
        local_store().writer.flush()
