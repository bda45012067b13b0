"""End states."""

from agentops.sessions.states import ERROR, SUCCESS, UNSET, EndState, TraceState

__all__ = ["ERROR", "SUCCESS", "UNSET", "EndState", "TraceState"]
