"""Events: what earlier releases recorded where spans are now."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Final

from opentelemetry.trace import get_current_span

from agentops.parameters import deprecated
from agentops_instrumentors.core import content
from agentops_instrumentors.core.guard import guarded

EXCEPTION: Final = "exception"


class Event:
    """Whatever it is given by name becomes an attribute; `init_timestamp` and, once recorded, `end_timestamp` are ISO 8601 in UTC."""

    def __init__(self, *details: object, **named: object) -> None:
        kind = type(self).__name__
        deprecated(kind, f"{kind} is kept for older programs and recorded nowhere: decorate functions, and LLM calls record themselves")
        self.init_timestamp = _now()
        self.end_timestamp: str | None = None
        self.details = details
        for name, value in named.items():
            setattr(self, name, value)


class ActionEvent(Event):
    """An action of an agent."""


class LLMEvent(Event):
    """A call of a model; instrumented SDKs record theirs."""


class ToolEvent(Event):
    """A use of a tool."""


class ErrorEvent(Event):
    """A failure. `exception` is put on the current span when the event is recorded."""


def finish(event: Event) -> None:
    """Set its end; an exception it names goes on the current span, by the content policy."""
    event.end_timestamp = event.end_timestamp or _now()
    error = getattr(event, EXCEPTION, None)
    if isinstance(error, BaseException):
        guarded("recording an error event", _record, error)


def _record(error: BaseException) -> None:
    get_current_span().add_event(EXCEPTION, dict(content.exception_attributes(error)))


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()
