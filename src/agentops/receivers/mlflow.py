"""MLflow, which reads `gen_ai.*` of model calls and tools, and has names of its own for what goes into other spans and comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace.export import BatchSpanProcessor

from agentops.receivers.exporter import Attributes, ReceiverSpanExporter, Value
from agentops_instrumentors.core import semconv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.util.types import AttributeValue

_TYPE: Final = "mlflow.spanType"
_TYPES: Final = {"session": "WORKFLOW", "workflow": "WORKFLOW", "task": "TASK", "operation": "CHAIN", "guardrail": "GUARDRAIL"}
"""By `agentops.span.kind`: what MLflow would call unknown."""


class MLflowSpanExporter(ReceiverSpanExporter):
    """Types of sessions and operations, what went into them, agents and roots and came out. The request and response of a trace in
    MLflow's list are those of its root."""

    def added(self, given: Mapping[str, AttributeValue], asked: Value | None, answered: Value | None) -> Attributes:
        found: Attributes = {}
        kind = _TYPES.get(str(given.get(semconv.SPAN_KIND))) or _of_workflows(given)
        if kind:
            found[_TYPE] = kind
        if asked is not None:
            found["mlflow.spanInputs"] = asked.text
        if answered is not None:
            found["mlflow.spanOutputs"] = answered.text
        return found


class MLflowSpanProcessor(BatchSpanProcessor):
    """Sends spans to MLflow in batches: `agentops.init(processor=MLflowSpanProcessor(endpoint=…))`, or on a provider of your own."""

    def __init__(self, *, endpoint: str | None = None, headers: dict[str, str] | None = None, timeout: float | None = None) -> None:
        """`endpoint` is the whole URL, such as http://localhost:5000/v1/traces; `headers` tell the experiment, `x-mlflow-experiment-id`;
        `timeout` in seconds; defaults: OTEL_EXPORTER_OTLP_*."""
        super().__init__(MLflowSpanExporter(endpoint=endpoint, headers=headers, timeout=timeout))


def _of_workflows(given: Mapping[str, AttributeValue]) -> str:
    return "WORKFLOW" if given.get(semconv.OPERATION_NAME) == semconv.INVOKE_WORKFLOW else ""
