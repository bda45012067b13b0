"""Values of `agentops.span.kind`."""

from __future__ import annotations

from enum import Enum


class AgentOpsSpanKindValues(Enum):
    """What a span stands for."""

    WORKFLOW = "workflow"
    TASK = "task"
    OPERATION = "operation"
    AGENT = "agent"
    TOOL = "tool"
    LLM = "llm"
    TEAM = "team"
    CHAIN = "chain"
    TEXT = "text"
    GUARDRAIL = "guardrail"
    HTTP = "http"
    SESSION = "session"
    UNKNOWN = "unknown"


class SpanKind:
    """The same values as plain text."""

    WORKFLOW = "workflow"
    WORKFLOW_STEP = "workflow.step"
    TASK = "task"
    OPERATION = "operation"
    AGENT = "agent"
    AGENT_ACTION = "agent.action"
    AGENT_THINKING = "agent.thinking"
    AGENT_DECISION = "agent.decision"
    TOOL = "tool"
    LLM = "llm"
    LLM_CALL = "llm.call"
    TEAM = "team"
    CHAIN = "chain"
    TEXT = "text"
    GUARDRAIL = "guardrail"
    HTTP = "http"
    SESSION = "session"
    UNKNOWN = "unknown"
