"""The agent at work, as far as the kernel knows it: whoever runs agents puts theirs into the OpenTelemetry Context."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, cast

from opentelemetry.context import create_key

if TYPE_CHECKING:
    from opentelemetry.context import Context

AGENT: Final = create_key("agentops-agent")
"""Context key of the agent at work."""


class Agent(Protocol):
    """One invocation of an agent; `tool_calls` counts the tools it called."""

    name: str
    tool_calls: int


def at_work(context: Context) -> Agent | None:
    """The innermost agent at work in `context`."""
    return cast("Agent | None", context.get(AGENT))
