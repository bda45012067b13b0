"""Arize Phoenix, which reads `gen_ai.*` and has names of its own (OpenInference) for what it finds nothing of there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace.export import BatchSpanProcessor

from agentops.receivers.conversations import answer, question
from agentops.receivers.exporter import Attributes, ReceiverSpanExporter, Value, recorded, text
from agentops_instrumentors.core import semconv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.util.types import AttributeValue

_KIND: Final = "openinference.span.kind"
_KINDS: Final = {"session": "CHAIN", "workflow": "CHAIN", "task": "CHAIN", "operation": "CHAIN", "guardrail": "GUARDRAIL"}
"""By `agentops.span.kind`: what Phoenix would call unknown."""
_CACHE_WRITE: Final = "llm.token_count.prompt_details.cache_write"


class PhoenixSpanExporter(ReceiverSpanExporter):
    """Kinds of sessions and operations, what went into every span and came out, and tokens written to a cache."""

    def added(self, given: Mapping[str, AttributeValue], asked: Value | None, answered: Value | None) -> Attributes:
        found: Attributes = {}
        kind = _KINDS.get(str(given.get(semconv.SPAN_KIND))) or _of_workflows(given)
        if kind:
            found[_KIND] = kind
        asked = asked or recorded(given.get(semconv.TOOL_CALL_ARGUMENTS)) or text(question(given))
        for name, value in (("input", asked), ("output", answered or text(answer(given)))):
            if value is not None:
                found |= {f"{name}.value": value.text, f"{name}.mime_type": value.type}
        written = given.get(semconv.USAGE_CACHE_WRITE_INPUT_TOKENS)
        if written is not None:
            found[_CACHE_WRITE] = written
        return found


class PhoenixSpanProcessor(BatchSpanProcessor):
    """Sends spans to Phoenix in batches: `agentops.init(processor=PhoenixSpanProcessor(endpoint=…))`, or on a provider of your own."""

    def __init__(self, *, endpoint: str | None = None, headers: dict[str, str] | None = None, timeout: float | None = None) -> None:
        """`endpoint` is the whole URL, such as http://localhost:6006/v1/traces, `timeout` in seconds; defaults: OTEL_EXPORTER_OTLP_*."""
        super().__init__(PhoenixSpanExporter(endpoint=endpoint, headers=headers, timeout=timeout))


def _of_workflows(given: Mapping[str, AttributeValue]) -> str:
    return "CHAIN" if given.get(semconv.OPERATION_NAME) == semconv.INVOKE_WORKFLOW else ""
