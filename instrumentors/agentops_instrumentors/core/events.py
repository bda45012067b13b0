"""GenAI events as log records with an event name: an operation's details, and its exception."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LogRecord, SeverityNumber

from agentops_instrumentors.core import content, semconv

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from agentops_instrumentors.core.telemetry import Telemetry


def details(telemetry: Telemetry, context: Context, attributes: dict[str, Any]) -> None:
    """Emit `gen_ai.client.inference.operation.details` (DEBUG); content among `attributes` is structured, not JSON text."""
    _emit(telemetry, context, semconv.EVENT_INFERENCE_DETAILS, SeverityNumber.DEBUG, attributes)


def exception(telemetry: Telemetry, context: Context, error: BaseException) -> None:
    """Emit `gen_ai.client.operation.exception` (WARN)."""
    attributes = content.exception_attributes(error, telemetry.policy)
    _emit(telemetry, context, semconv.EVENT_OPERATION_EXCEPTION, SeverityNumber.WARN, attributes)


def _emit(telemetry: Telemetry, context: Context, name: str, severity: SeverityNumber, attributes: dict[str, Any]) -> None:
    now = time_ns()
    telemetry.logger.emit(
        LogRecord(
            timestamp=now,
            observed_timestamp=now,
            context=context,
            severity_number=severity,
            severity_text=severity.name,
            attributes=attributes,
            event_name=name,
        )
    )
