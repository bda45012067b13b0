"""GenAI events as log records with an event name: the operation's details, and its exception."""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import LogRecord, SeverityNumber

from agentops_instrumentors.core import content, invocation, semconv

if TYPE_CHECKING:
    from agentops_instrumentors.core.messages import Content
    from agentops_instrumentors.core.operation import Response


def emit(
    done: invocation.Invocation, response: Response, said: Content | None, error: BaseException | None, error_type: str | None
) -> None:
    """Emit what the policy asks for of an operation that has ended.

    `gen_ai.client.inference.operation.details` (DEBUG) when events are on, `gen_ai.client.operation.exception` (WARN)
    for every failure with an exception.
    """
    policy = done.telemetry.policy
    if error is not None:
        _emit(done, semconv.EVENT_OPERATION_EXCEPTION, SeverityNumber.WARN, content.exception_attributes(error, policy))
    if not policy.emit_event or done.request.operation in (semconv.EMBEDDINGS, semconv.FETCH_RESPONSE):
        return
    attributes: dict[str, Any] = dict(invocation.attributes_of(done.request))
    attributes.update(done.timing())
    attributes.update(invocation.response_attributes(done.request, response))
    if error_type is not None:
        attributes[semconv.ERROR_TYPE] = error_type
    if policy.on_event:
        attributes.update(_content(said, response, policy))
    _emit(done, semconv.EVENT_INFERENCE_DETAILS, SeverityNumber.DEBUG, attributes)


def _content(said: Content | None, response: Response, policy: content.Policy) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if said is not None:
        if said.messages:
            found[semconv.INPUT_MESSAGES] = content.to_values(said.messages, policy)
        if said.instructions:
            found[semconv.SYSTEM_INSTRUCTIONS] = content.to_values(said.instructions, policy)
        if said.tools:
            found[semconv.TOOL_DEFINITIONS] = content.to_values(said.tools, policy)
    if response.messages is not None:
        found[semconv.OUTPUT_MESSAGES] = content.to_values(response.messages(), policy)
    return found


def _emit(done: invocation.Invocation, name: str, severity: SeverityNumber, attributes: dict[str, Any]) -> None:
    now = time_ns()
    done.telemetry.logger.emit(
        LogRecord(
            timestamp=now,
            observed_timestamp=now,
            context=done.context,
            severity_number=severity,
            severity_text=severity.name,
            attributes=attributes,
            event_name=name,
        )
    )
