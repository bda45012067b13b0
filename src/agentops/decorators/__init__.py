"""Decorators that make spans of the program's own functions, methods and classes.

All of them are used bare or with arguments, on functions, coroutines, generators, asynchronous generators, methods
(static and class methods in either order) and classes, and change neither signature nor type of what they decorate.
Where nothing records, a decorated function is just called.
"""

from __future__ import annotations

from agentops.decorators.decorator import Decorator
from agentops.decorators.endpoint import EndpointDecorator, EndpointScope
from agentops.spans import definition
from agentops.spans.scope import Operation
from agentops.spans.sessions import SessionScope

__all__ = ["agent", "guardrail", "operation", "session", "task", "tool", "trace", "track_endpoint", "workflow"]

trace = Decorator(
    "trace",
    definition.SESSION,
    SessionScope,
    """A session a call: a root span `invoke_workflow {name}` in a trace of its own, linked to the current span where there is
    one. It ends with Success, or with Fail and the exception. On a class, each call of a public method is a session.""",
)
session = Decorator("session", definition.SESSION, SessionScope, "The older name of `trace`.", instead="trace")
agent = Decorator(
    "agent",
    definition.AGENT,
    Operation,
    """A span `invoke_agent {name}` a call, whose spans inside belong to the agent. On a class, each call of a public method.""",
)
tool = Decorator(
    "tool",
    definition.TOOL,
    Operation,
    """A span `execute_tool {name}` a call, with `cost` in US dollars a call where it is given. The docstring's first line describes
    the tool.""",
)
operation = Decorator(
    "operation", definition.OPERATION, Operation, "A span `operation {name}` a call, of `operation_type` (default `function`)."
)
task = Decorator("task", definition.TASK, Operation, "A span `task {name}` a call.")
workflow = Decorator(
    "workflow",
    definition.WORKFLOW,
    Operation,
    "A span `workflow {name}` a call: a part of the current session, not a session of its own (`trace`).",
)
guardrail = Decorator(
    "guardrail", definition.GUARDRAIL, Operation, "A span `guardrail {name}` a call; `spec` says what it guards: `input` or `output`."
)
track_endpoint = EndpointDecorator(
    "track_endpoint",
    definition.ENDPOINT,
    EndpointScope,
    """A session a request of a Flask view or a FastAPI handler, with method, path, route and status code; query, body and answer
    by the content policy, and never a credential header.""",
)
