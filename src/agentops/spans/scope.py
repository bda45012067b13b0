"""One call of a decorated callable as a span: current while the callable runs, ended exactly once."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context, attach, get_current
from opentelemetry.trace import SpanKind, Status, StatusCode, get_current_span, set_span_in_context

from agentops.sessions.current import session_in
from agentops.spans import agents
from agentops.spans.definition import AGENT, TOOL
from agentops_instrumentors.core import content, failures, semconv, waiting
from agentops_instrumentors.core.guard import swallowed
from agentops_instrumentors.core.restoring import restore
from agentops_instrumentors.core.started import as_started
from agentops_instrumentors.core.telemetry import parent_context

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextvars import Token

    from opentelemetry.trace import Span

    from agentops.spans.definition import Definition
    from agentops.spans.telemetry import SpanTelemetry

NOTHING: Final = object()
"""The result of a call that returned none: it failed, or its stream was dropped."""


class Scope:
    """What every decorated call has. Between `enter` and `leave` its span is current; the first `finish` or `fail` ends it."""

    __slots__ = ("_ended", "_yielded", "context", "definition", "span")

    def __init__(self, definition: Definition, span: Span, context: Context) -> None:
        self.definition = definition
        self.span = span
        self.context = context
        self._ended = False
        self._yielded: _Yielded | None = None

    def enter(self) -> Token[Context]:
        """Make the span current, until `leave`."""
        return attach(self.context)

    @staticmethod
    def leave(token: Token[Context]) -> None:
        """Restore what was current before `enter`; silent where another context finalises a dropped generator."""
        restore(token)

    def took(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Record the arguments, as the content policy has it; now, because the callable may change them."""
        policy = content.policy()
        if policy.on_span and self.definition.captures_input and self.span.is_recording():
            self.record(self.definition.kind.arguments, self.definition.inputs(args, kwargs), policy)

    def record(self, key: str, value: object, policy: content.Policy) -> None:
        """Set the attribute `key` to `value` as JSON."""
        try:
            self.span.set_attribute(key, content.to_json(value, policy))
        except Exception as error:
            swallowed(f"recording {key}", error)

    def yielded(self, item: object) -> None:
        """A generator yielded `item`."""
        if self._yielded is None:
            if not (self.definition.captures_output and self.span.is_recording()):
                return
            policy = content.policy()
            if not policy.on_span:
                return
            self._yielded = _Yielded(policy)
        self._yielded.add(item)

    def finish(self, result: object = NOTHING) -> None:
        """End the span of a call that returned `result`."""
        if self._ended:
            return
        self._ended = True
        try:
            self._returned(result)
        except Exception as error:
            swallowed("recording a result", error)
        self._close(None)

    def delivered(self, result: Any) -> Any:
        """End the span of a call that returned `result`; returns what the caller gets."""
        self.finish(result)
        return result

    def fail(self, error: BaseException) -> None:
        """End the span of a call that raised `error`; a generator dropped half-way (GeneratorExit) has not failed."""
        if self._ended:
            return
        self._ended = True
        try:
            self._returned(NOTHING)
        except Exception as failure:
            swallowed("recording a result", failure)
        self._close(error)

    def _returned(self, result: object) -> None:
        if self._yielded is not None:
            text = self._yielded.text()
            self.span.set_attribute(self.definition.kind.result, text)
            return
        policy = content.policy()
        if policy.on_span and result is not NOTHING and self.definition.captures_output and self.span.is_recording():
            self.record(self.definition.kind.result, result, policy)

    def _close(self, error: BaseException | None) -> None:
        raise NotImplementedError


class Operation(Scope):
    """A call as a child of the current span, or of the default session's root."""

    __slots__ = ("_agent", "_around", "_inside", "_started", "_telemetry")

    def __init__(self, telemetry: SpanTelemetry, definition: Definition, owner: int = 0) -> None:
        around = parent_context(get_current())
        kind = definition.kind
        inside = failures.Failures()
        agent = agents.agent_in(around)
        if kind is AGENT:
            agent = agents.Agent(definition.name, definition.agent_id)
            starting = Context({**around, failures.AROUND: inside, kind.inside: owner, agents.AGENT: agent})
        else:
            starting = Context({**around, failures.AROUND: inside, kind.inside: owner})
        # Given at the start, where samplers see them and they cost half of what they cost the span processor.
        attributes = {**_belonging(around, agent), **definition.attributes}
        if kind is TOOL and agent is not None:
            attributes[semconv.AGENT_NAME] = agent.name
            agent.tool_calls += 1
        span = telemetry.tracer.start_span(
            definition.span_name, starting, SpanKind.INTERNAL, attributes, record_exception=False, set_status_on_exception=False
        )
        span = as_started(span, attributes, semconv.SPAN_KIND)
        super().__init__(definition, span, set_span_in_context(span, starting))
        self._agent = agent
        self._around = around
        self._inside = inside
        self._telemetry = telemetry
        self._started = perf_counter()

    def _close(self, error: BaseException | None) -> None:
        try:
            if isinstance(error, GeneratorExit):
                error = None
            if self.definition.kind.is_measured:
                self._measure(error)
            if error is not None and self.span.is_recording():
                policy = content.policy()
                failed = {semconv.ERROR_TYPE: content.exception_type(error), semconv.ERROR_SPAN_KIND: self.definition.kind.name}
                self.span.set_attributes(failed)
                self.span.set_status(Status(StatusCode.ERROR, content.status_description(error, policy)))
                failures.record(self.span, error, self._around, policy, self._inside)
        except Exception as failure:
            swallowed("ending a span", failure)
        finally:
            self.span.end()

    def _measure(self, error: BaseException | None) -> None:
        kind, telemetry = self.definition.kind, self._telemetry
        seconds, span = perf_counter() - self._started, self.span.get_span_context()
        labels: dict[str, Any] = {} if self._agent is None else {semconv.AGENT_NAME: self._agent.name}
        if kind is AGENT and telemetry.tool_calls is not None and self._agent is not None:
            waiting.later(waiting.on_histogram, telemetry.tool_calls, self._agent.tool_calls, dict(labels), span)
        if error is not None:
            labels[semconv.ERROR_TYPE] = content.exception_type(error)
        if kind is AGENT:
            waiting.later(waiting.on_histogram, telemetry.agent_duration, seconds, labels, span)
            return
        labels[semconv.TOOL_NAME] = self.definition.name
        labels[semconv.TOOL_TYPE] = "function"
        waiting.later(waiting.on_histogram, telemetry.tool_duration, seconds, labels, span)


def _belonging(around: Context, agent: agents.Agent | None) -> dict[str, str]:
    """What a child of the current span carries of its session and agent, where that span is in the current session."""
    session = session_in(around)
    if session is None or get_current_span(around).get_span_context().trace_id != session.trace_number:
        return {}
    own_id, name = agents.identity(agent, session.trace_number, session)
    return {semconv.SESSION_ID: session.session_id, semconv.AGENTOPS_AGENT_ID: own_id, semconv.AGENTOPS_AGENT_NAME: name}


class _Yielded:
    """What a generator yielded, as JSON, up to the byte budget; no item is kept alive."""

    __slots__ = ("_left", "_more", "_policy", "_texts")

    def __init__(self, policy: content.Policy) -> None:
        self._policy = policy
        self._texts: list[str] = []
        self._left = policy.max_bytes - 64
        self._more = 0

    def add(self, item: object) -> None:
        if self._more:
            self._more += 1
            return
        try:
            text = content.to_json(item, self._policy)
        except Exception as error:
            swallowed("recording an item", error)
            return
        self._left -= len(text.encode()) + 1
        if self._left < 0:
            self._more = 1
        else:
            self._texts.append(text)

    def text(self) -> str:
        rest = [f'{{"type":"agentops.elided","items":{self._more}}}'] if self._more else []
        return f"[{','.join(self._texts + rest)}]"
