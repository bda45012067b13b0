"""Attributes of agents."""

from __future__ import annotations

from agentops_instrumentors.core import semconv


class AgentAttributes:
    """Who acts."""

    AGENT_ID = semconv.AGENT_ID
    AGENT_NAME = semconv.AGENT_NAME
    AGENT_ROLE = "agent.role"
    AGENT_TOOLS = "agent.tools"
    AGENT_MODELS = "agent.models"
    AGENT_REASONING = "agent.reasoning"
    FROM_AGENT = "from_agent"
    TO_AGENT = "to_agent"
    HANDOFFS = "handoffs"
