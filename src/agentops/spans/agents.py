"""Which agent a span belongs to: the one in the OpenTelemetry Context, or the session's default one."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

from agentops_instrumentors.core import agent as kernel

if TYPE_CHECKING:
    from opentelemetry.context import Context

AGENT: Final = kernel.AGENT
DEFAULT_NAME: Final = "default"


class Agent:
    """An agent at work: one invocation of it. `own_id` is an id the program gave, `owner` the identity of its instance."""

    __slots__ = ("name", "own_id", "owner", "tool_calls")

    def __init__(self, name: str, own_id: str | None = None, owner: int = 0) -> None:
        self.name = name
        self.own_id = own_id
        self.owner = owner
        self.tool_calls = 0


def agent_in(context: Context) -> Agent | None:
    """The innermost agent at work in `context`."""
    return cast("Agent | None", kernel.at_work(context))


@lru_cache(maxsize=4096)
def agent_id(trace_id: int, name: str) -> str:
    """The id of the agent `name` in a session: the same in every process that takes part in it."""
    return str(uuid.uuid5(uuid.UUID(int=trace_id), name))


def identity(agent: Agent | None, trace_id: int) -> tuple[str, str]:
    """Id and name of `agent`, or of the session's default agent."""
    if agent is None:
        return agent_id(trace_id, DEFAULT_NAME), DEFAULT_NAME
    return agent.own_id or agent_id(trace_id, agent.name), agent.name
