"""Attributes of tools."""

from __future__ import annotations

from agentops_instrumentors.core import semconv


class ToolAttributes:
    """What was called, with what, and what came of it."""

    TOOL_ID = semconv.TOOL_CALL_ID
    TOOL_NAME = semconv.TOOL_NAME
    TOOL_DESCRIPTION = "gen_ai.tool.description"
    TOOL_PARAMETERS = semconv.TOOL_CALL_ARGUMENTS
    TOOL_RESULT = semconv.TOOL_CALL_RESULT
    TOOL_STATUS = "tool.status"
