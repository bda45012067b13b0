"""Attribute names by the constants that programs use.

A value is the name in OpenTelemetry's conventions or ours, where there is one, else the one AgentOps' backend knows.
"""

from agentops.semconv.agent import AgentAttributes
from agentops.semconv.core import CoreAttributes
from agentops.semconv.enum import LLMRequestTypeValues
from agentops.semconv.instrumentation import InstrumentationAttributes
from agentops.semconv.message import MessageAttributes
from agentops.semconv.meters import Meters
from agentops.semconv.resource import ResourceAttributes
from agentops.semconv.span_attributes import SpanAttributes
from agentops.semconv.span_kinds import AgentOpsSpanKindValues, SpanKind
from agentops.semconv.status import ToolStatus
from agentops.semconv.tool import ToolAttributes
from agentops.semconv.workflow import WorkflowAttributes

__all__ = [
    "AgentAttributes",
    "AgentOpsSpanKindValues",
    "CoreAttributes",
    "InstrumentationAttributes",
    "LLMRequestTypeValues",
    "MessageAttributes",
    "Meters",
    "ResourceAttributes",
    "SpanAttributes",
    "SpanKind",
    "ToolAttributes",
    "ToolStatus",
    "WorkflowAttributes",
]
