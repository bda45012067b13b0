"""Attributes of messages."""

from __future__ import annotations

from agentops_instrumentors.core import semconv


class MessageAttributes:
    """What was said to a model and by it."""

    PROMPTS = semconv.INPUT_MESSAGES
    COMPLETIONS = semconv.OUTPUT_MESSAGES
    SYSTEM_INSTRUCTIONS = semconv.SYSTEM_INSTRUCTIONS
    TOOL_DEFINITIONS = semconv.TOOL_DEFINITIONS
