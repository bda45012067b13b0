"""A tool that an SDK runs for its user, as a span: `execute_tool {name}`, INTERNAL, current while the tool runs.

Named and filled like the spans of the distribution's `@tool`; a function that is decorated too is one span, not two (`running_tool`).
"""

from __future__ import annotations

from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

from opentelemetry.context import Context, attach, get_current
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from agentops_instrumentors.core import agent, arbitration, content, failures, running_tool, semconv, waiting
from agentops_instrumentors.core.guard import swallowed
from agentops_instrumentors.core.invocation import CURRENT, Invocation, Running
from agentops_instrumentors.core.started import as_started
from agentops_instrumentors.core.telemetry import parent_context

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextvars import Token

    from agentops_instrumentors.core.operation import AttributeValue
    from agentops_instrumentors.core.telemetry import Telemetry

FUNCTION: Final = "function"
_KIND: Final = "tool"
_NOTHING: Final = object()


class ToolCall(NamedTuple):
    """One call of a tool. `arguments` are recorded by the content policy, None is left out; `type` is function, extension or datastore."""

    name: str
    arguments: object = None
    id: str | None = None
    description: str | None = None
    type: str = FUNCTION
    attributes: Mapping[str, AttributeValue] = {}


class ToolRun:
    """One tool call in flight: between `enter` and `leave` its span is current; the first `finish` or `fail` ends it."""

    __slots__ = ("_agent", "_arguments", "_around", "_call", "_claim", "_inside", "_joinable", "_started", "_telemetry", "context", "span")

    def __init__(self, telemetry: Telemetry, call: ToolCall) -> None:
        around = parent_context(get_current())
        self._telemetry = telemetry
        self._call = call
        self._around = around
        self._claim = Lock()
        self._inside = failures.Failures()
        self._agent = agent.at_work(around)
        name, named = f"{semconv.EXECUTE_TOOL} {call.name}", self._named()
        started = telemetry.tracer.start_span(name, around, SpanKind.INTERNAL, named, record_exception=False, set_status_on_exception=False)
        self.span = as_started(started, named)
        self._joinable = running_tool.Joinable(call.name, self.span)
        # A model call of the tool's own is no part of the operation around the tool.
        running = Running(semconv.EXECUTE_TOOL, self._claim)
        inside = {failures.AROUND: self._inside, CURRENT: running, running_tool.RUNNING: self._joinable}
        self.context = set_span_in_context(self.span, Context({**around, **inside}))
        # Written now, because the tool may change them; recorded at the end, when a decorated one has said whether they may be.
        self._arguments = None if call.arguments is None else self._written(call.arguments)
        self._started = perf_counter()

    def _named(self) -> dict[str, AttributeValue]:
        call = self._call
        found: dict[str, AttributeValue] = {
            semconv.OPERATION_NAME: semconv.EXECUTE_TOOL,
            semconv.TOOL_NAME: call.name,
            semconv.TOOL_TYPE: call.type,
            semconv.SPAN_KIND: _KIND,
            **call.attributes,
        }
        if call.id:
            found[semconv.TOOL_CALL_ID] = call.id
        if call.description:
            found[semconv.TOOL_DESCRIPTION] = call.description
        if self._agent is not None:
            found[semconv.AGENT_NAME] = self._agent.name
            self._agent.tool_calls += 1
        return found

    def _written(self, value: object) -> str | None:
        policy = self._telemetry.policy
        if not policy.on_span or not self.span.is_recording():
            return None
        try:
            return content.to_json(value, policy)
        except Exception as error:
            swallowed("a tool's arguments or result", error)
            return None

    def _record(self, result: str | None) -> None:
        found = {semconv.TOOL_CALL_ARGUMENTS: self._arguments} if self._joinable.captures_input else {}
        if self._joinable.captures_output:
            found[semconv.TOOL_CALL_RESULT] = result
        self.span.set_attributes({name: text for name, text in found.items() if text is not None})

    def enter(self) -> Token[Context]:
        """Make the span current, until `leave`."""
        return attach(self.context)

    leave = staticmethod(Invocation.leave)

    @property
    def finished(self) -> bool:
        """Whether the call has ended."""
        return self._claim.locked()

    def finish(self, result: object = _NOTHING, error_type: str | None = None) -> None:
        """End a call that returned `result`; `error_type` says that the result is an error all the same."""
        if self._claim.acquire(blocking=False):
            self._end(None, error_type, None if result is _NOTHING else self._written(result))

    def fail(self, error: BaseException) -> None:
        """End a call that raised `error`; being dropped half-way (GeneratorExit) is no error."""
        if isinstance(error, GeneratorExit):
            self.finish()
        elif self._claim.acquire(blocking=False):
            self._end(error, content.exception_type(error))

    def _end(self, error: BaseException | None, error_type: str | None, result: str | None = None) -> None:
        try:
            self._measure(error_type)
            self._record(result)
            if error_type is not None and self.span.is_recording():
                policy = self._telemetry.policy
                self.span.set_attributes({semconv.ERROR_TYPE: error_type, semconv.ERROR_SPAN_KIND: _KIND})
                self.span.set_status(Status(StatusCode.ERROR, content.status_description(error, policy) if error else None))
                if error is not None:
                    failures.record(self.span, error, self._around, policy, self._inside)
        except Exception as failure:
            swallowed("ending a tool's span", failure)
        finally:
            self.span.end()

    def _measure(self, error_type: str | None) -> None:
        labels: dict[str, AttributeValue] = {semconv.TOOL_NAME: self._call.name, semconv.TOOL_TYPE: self._call.type}
        if self._agent is not None:
            labels[semconv.AGENT_NAME] = self._agent.name
        if error_type is not None:
            labels[semconv.ERROR_TYPE] = error_type
        seconds, span = perf_counter() - self._started, self.span.get_span_context()
        waiting.later(waiting.on_histogram, self._telemetry.instruments.tool_duration, seconds, labels, span)


def begin(telemetry: Telemetry, call: ToolCall) -> ToolRun | None:
    """Start the span of a tool call; None where instrumentation is suppressed or telemetry failed."""
    try:
        return None if arbitration.suppressed(get_current()) else ToolRun(telemetry, call)
    except Exception as error:
        swallowed(f"{semconv.EXECUTE_TOOL} {call.name}", error)
        return None
