"""The decorators."""

from agentops.decorators import agent, guardrail, operation, session, task, tool, trace, track_endpoint, workflow

__all__ = ["agent", "guardrail", "operation", "session", "task", "tool", "trace", "track_endpoint", "workflow"]
