"""A call as a session of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.context import Context

from agentops.config import settings
from agentops.sessions import runtime
from agentops.sessions.current import context_of
from agentops.sessions.states import EndState
from agentops.spans.scope import Scope

if TYPE_CHECKING:
    from agentops.spans.definition import Definition
    from agentops.spans.telemetry import SpanTelemetry


class SessionScope(Scope):
    """A call as a session: Success, Fail on an exception, Indeterminate where it exits or its generator is dropped."""

    __slots__ = ("session",)

    def __init__(self, telemetry: SpanTelemetry, definition: Definition, owner: int = 0) -> None:
        del telemetry
        self.session = runtime.open_session(definition.name, definition.tags, nested=settings().trace_parent == "current")
        if definition.attributes:
            self.session.span.set_attributes(dict(definition.attributes))
        context = context_of(self.session, self.session.outer)
        super().__init__(definition, self.session.span, Context({**context, definition.kind.inside: owner}))

    def _close(self, error: BaseException | None) -> None:
        if error is None:
            self.session.close(EndState.SUCCESS)
        else:
            self.session.__exit__(type(error), error, error.__traceback__)
