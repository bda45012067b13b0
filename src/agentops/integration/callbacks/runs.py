"""The runs a framework tells a callback handler of, as spans: started and ended by id, in any thread or task.

A run's span is current from its start to its end where the framework calls back in the context that the run's code runs
in, so that what the code records is below it. No context token is kept: the end of a run attaches what was current before.
Asynchronous frameworks tell of ends in other tasks, where nothing can be put back: a run that has ended is never a parent, and an
outermost run is not made current in its caller's task, only in the runs below it.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.context import Context, attach, create_key, get_current, set_value
from opentelemetry.trace import SpanKind, Status, StatusCode, get_current_span

from agentops.spans.definition import Definition, Kind
from agentops.spans.scope import NOTHING, Operation
from agentops.spans.telemetry import telemetry
from agentops_instrumentors.core import content, semconv
from agentops_instrumentors.core.restoring import restore
from agentops_instrumentors.core.started import as_started
from agentops_instrumentors.core.telemetry import Telemetry, parent_context
from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from agentops_instrumentors.core.operation import Request, Response

RUN: Final = create_key("agentops-callback-run")
SCOPE: Final = "agentops.integration.callbacks"


class Run:
    """One run: `outer` is what was current before it, `context` what its code runs in."""

    __slots__ = ("context", "counted", "ended", "outer", "request", "scope", "started")

    def __init__(self, outer: Context, scope: Operation | None, request: Request | None) -> None:
        self.outer = outer
        self.scope = scope
        self.request = request
        self.started = time.time_ns()
        self.ended = False
        self.counted = False
        """Whether an instrumentor has recorded this model call."""
        inner = outer if scope is None else scope.context
        self.context = set_value(RUN, self, inner)


class Runs:
    """The open runs of one handler. Ids are the framework's; an id it does not know is passed over."""

    def __init__(self) -> None:
        self._open: dict[Hashable, Run] = {}
        self._telemetry: Telemetry | None = None
        self._provider: object = None

    def start(
        self, run_id: Hashable, parent_id: Hashable | None, kind: Kind, name: str, attributes: Mapping[str, Any], inputs: object
    ) -> None:
        """A run of the program's own work begins."""
        current = telemetry()
        if current is None:
            return
        outer = self._outer(parent_id)
        restored = attach(outer)
        try:
            marked = {semconv.SPAN_KIND: kind.name, **attributes}
            defined = Definition(
                kind=kind, begin=Operation, name=name, span_name=f"{kind.prefix} {name}", function=_unused, attributes=marked
            )
            scope = Operation(current, defined)
        finally:
            restore(restored)
        policy = content.policy()
        if policy.on_span and scope.span.is_recording():
            scope.record(kind.arguments, inputs, policy)
        self._enter(run_id, Run(outer, scope, None))

    def start_model(self, run_id: Hashable, parent_id: Hashable | None, request: Request) -> None:
        """A model is called; whether this becomes a span is known at its end."""
        current = telemetry()
        if current is None:
            return
        if self._provider is not current.provider:
            from agentops.integration.callbacks.witness import attend

            attend(current.provider)
            self._provider = current.provider
            self._telemetry = Telemetry(SCOPE, __version__, current.provider)
        self._enter(run_id, Run(parent_context(self._outer(parent_id)), None, request))

    def end(self, run_id: Hashable, output: object = NOTHING) -> None:
        """A run ended with `output`."""
        run = self._leave(run_id)
        if run is not None and run.scope is not None:
            run.scope.finish(output)

    def fail(self, run_id: Hashable, error: BaseException) -> None:
        """A run, or a call of a model, ended with `error`."""
        run = self._leave(run_id)
        if run is None:
            return
        if run.scope is not None:
            run.scope.fail(error)
        elif run.request is not None:
            self._record(run, run.request, None, error)

    def end_model(self, run_id: Hashable, response: Response) -> None:
        """The model answered."""
        run = self._leave(run_id)
        if run is not None and run.request is not None:
            self._record(run, run.request, response, None)

    def _outer(self, parent_id: Hashable | None) -> Context:
        """The context of the run around it; the current one if that run's is around it."""
        current = _past_ended(get_current())
        parent = self._open.get(parent_id) if parent_id is not None else None
        if parent is None or _inside(current, parent):
            return current
        return parent.context

    def _enter(self, run_id: Hashable, run: Run) -> None:
        self._open[run_id] = run
        if run.request is not None or run_in(run.outer) is not None or not _in_event_loop():
            attach(run.context)

    def _leave(self, run_id: Hashable) -> Run | None:
        run = self._open.pop(run_id, None)
        if run is None:
            return None
        run.ended = True
        current = get_current()
        if _inside(current, run):
            attach(_past_ended(current))
        return run

    def _record(self, run: Run, request: Request, response: Response | None, error: BaseException | None) -> None:
        """The span and metrics of a call that nobody has recorded."""
        if run.counted or self._telemetry is None:
            return
        from agentops_instrumentors.core import attributes, failures
        from agentops_instrumentors.core.metrics import Measured
        from agentops_instrumentors.core.operation import Response as Answer

        answer = response or Answer()
        asked = dict(attributes.of_request(request))
        ended, policy = time.time_ns(), content.policy()
        name = f"{request.operation} {request.model}" if request.model else request.operation
        span = self._telemetry.tracer.start_span(
            name, run.outer, SpanKind.CLIENT, asked, start_time=run.started, record_exception=False, set_status_on_exception=False
        )
        span = as_started(span, asked)
        found: dict[str, Any] = dict(attributes.of_response(request, answer))
        if policy.on_span and request.content is not None:
            found.update(attributes.of_content(request.content(), policy, content.to_json))
        if policy.on_span and answer.messages is not None:
            found[semconv.OUTPUT_MESSAGES] = content.to_json(answer.messages(), policy)
        failed = None
        if error is not None and not isinstance(error, GeneratorExit):
            failed = content.exception_type(error)
            found.update({semconv.ERROR_TYPE: failed, semconv.ERROR_SPAN_KIND: "llm"})
            span.set_status(Status(StatusCode.ERROR, content.status_description(error, policy)))
            failures.record(span, error, run.outer, policy)
        span.set_attributes(found)
        measured = Measured(
            operation=request.operation,
            seconds=(ended - run.started) / 1e9,
            identity=attributes.identity(request),
            details={},
            usage=answer.usage,
            span=span.get_span_context(),
            answered_by=answer.model,
            error_type=failed,
        )
        self._telemetry.instruments.add(measured, [])
        span.end(ended)


def run_in(context: Context) -> Run | None:
    """The innermost run whose code runs in `context`."""
    return cast("Run | None", context.get(RUN))


def _inside(context: Context, run: Run) -> bool:
    inner = run_in(context)
    while inner is not None and inner is not run:
        inner = run_in(inner.outer)
    return inner is run


def _past_ended(context: Context) -> Context:
    """`context` outside runs that have ended; what the program has made current in them since stays."""
    run = run_in(context)
    while run is not None and run.ended:
        if run.scope is not None and get_current_span(context) is run.scope.span:
            context = run.outer
        else:
            context = set_value(RUN, run_in(run.outer), context)
        run = run_in(context)
    return context


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _unused() -> None:
    """Stands where a decorated function does: inputs are given, not bound."""
