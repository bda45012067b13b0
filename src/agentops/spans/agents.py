"""Which agent a span belongs to: the one in the OpenTelemetry Context, or the session's default one."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final, cast

from agentops_instrumentors.core import agent as kernel

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from agentops.sessions.session import Session

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


_KEPT: Final = 64
"""Agents of one session whose ids are kept with it; programs name few, and who makes names up pays for each call."""


def agent_id(trace_id: int, name: str) -> str:
    """The id of the agent `name` in a session: the same in every process that takes part in it."""
    return str(uuid.uuid5(uuid.UUID(int=trace_id), name))


def identity(agent: Agent | None, trace_id: int, session: Session | None) -> tuple[str, str]:
    """Id and name of `agent`, or of the default agent, in the session of this trace: `session`, where it is open here."""
    name = DEFAULT_NAME
    if agent is not None:
        name = agent.name
        if agent.own_id:
            return agent.own_id, name
    if session is None:
        return agent_id(trace_id, name), name
    known = session.agent_ids.get(name)
    if known is None:
        known = agent_id(trace_id, name)
        if len(session.agent_ids) < _KEPT:
            session.agent_ids[name] = known
    return known, name
