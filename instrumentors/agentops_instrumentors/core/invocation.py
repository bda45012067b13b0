"""The lifecycle of one GenAI operation: started once, finished exactly once; span, metrics and event in one place.

While the vendor's code runs, the operation's span is current (`enter`/`leave`); between the reads of a stream it is not,
so no context token ever crosses a yield.
"""

from __future__ import annotations

from _thread import LockType
from contextvars import Token
from functools import partial
from threading import Lock, current_thread, get_ident
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct
from opentelemetry.baggage import get_baggage, remove_baggage
from opentelemetry.context import Context, attach, create_key
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from agentops_instrumentors.core import attributes, content, cost, events, failures, semconv
from agentops_instrumentors.core.guard import swallowed
from agentops_instrumentors.core.metrics import Measured
from agentops_instrumentors.core.operation import Response
from agentops_instrumentors.core.restoring import restore
from agentops_instrumentors.core.started import as_started
from agentops_instrumentors.core.telemetry import parent_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from agentops_instrumentors.core.messages import Content
    from agentops_instrumentors.core.operation import AttributeValue, Request
    from agentops_instrumentors.core.telemetry import Telemetry

CURRENT: Final = create_key("agentops-genai-invocation")
_NOTHING: Final = Response()
_WITH_DETAILS: Final = (semconv.CHAT, semconv.TEXT_COMPLETION, semconv.GENERATE_CONTENT)
Passage: TypeAlias = "tuple[Callable[[], Token[Context]], Callable[[Token[Context]], None]]"
_NO_ATTRIBUTES: Final[dict[str, AttributeValue]] = {}


class Running(Struct, frozen=True, gc=False):
    """What code run by an operation can see of it. Not the invocation, which holds the context: a cycle would outlive every call."""

    operation: str
    claim: LockType

    @property
    def finished(self) -> bool:
        """Whether the operation has ended."""
        return self.claim.locked()


class Invocation:
    """One operation in flight. Every method may be called from any thread or task; the first `finish`/`fail` wins."""

    __slots__ = (
        "_claim",
        "_content",
        "_identity",
        "_input",
        "_recording",
        "_started",
        "_thread",
        "arrivals",
        "context",
        "policy",
        "request",
        "settle",
        "span",
        "telemetry",
    )

    def __init__(self, telemetry: Telemetry, request: Request, current: Context) -> None:
        parent = parent_context(current)
        self.telemetry = telemetry
        self.request = request
        self.settle: Callable[[], Response] | None = None
        """What the answer is as far as it came: asked when a stream ends, is closed or is dropped."""
        self._claim = Lock()
        self.arrivals: list[float] = []
        """When each chunk of a stream arrived, by `perf_counter()`."""
        self._content: Content | None = None
        self._input: dict[str, AttributeValue] | None = None
        subject = request.model if request.subject is None else request.subject
        name = f"{request.operation} {subject}" if subject else request.operation
        self._identity = identity = attributes.identity(request)
        named = attributes.of_sampling(request) if request.stream else identity
        self.span = telemetry.tracer.start_span(name, parent, SpanKind.CLIENT, named, record_exception=False, set_status_on_exception=False)
        inside = _for_vendor(parent) if parent else parent
        self.context = set_span_in_context(self.span, Context({**inside, CURRENT: Running(request.operation, self._claim)}))
        self.policy = policy = telemetry.policy
        self._recording = recording = self.span.is_recording()
        if recording:
            as_started(self.span, named, semconv.PROVIDER_NAME)
            cost.expect(request.provider, request.model)
            self._thread = (get_ident(), current_thread().name)
        if policy.captures and request.content is not None and (recording or policy.emit_event):
            self._capture_input(request.content, policy)
        self._started = perf_counter()

    def _capture_input(self, build: Callable[[], Content], policy: content.Policy) -> None:
        # Now rather than at the end: the caller may change its message list while a stream is read.
        try:
            said = build()
            if policy.on_span and self._recording:
                self._input = attributes.of_content(said, policy, content.to_json)
            if policy.on_event and policy.emit_event:
                self._content = said
        except Exception as error:
            swallowed("request content", error)

    def enter(self) -> Token[Context]:
        """Make the operation's span current, until `leave`."""
        return attach(self.context)

    leave = staticmethod(restore)

    def passage(self) -> Passage:
        """`enter` and `leave` for who uses them again and again in one thread or task: straight to the variable that holds the context."""
        token = self.enter()
        self.leave(token)
        # Another vendor's context has tokens of its own.
        return (partial(token.var.set, self.context), token.var.reset) if type(token) is Token else (self.enter, self.leave)

    def finish(self, response: Response | None = None) -> None:
        """End the operation with `response`, or with what `settle` says of it."""
        if self._claim.acquire(False):
            self._end(response if response is not None else self._settled(), None)

    def fail(self, error: BaseException) -> None:
        """End the operation with `error`, keeping what had arrived; being dropped half-way (GeneratorExit) is no error."""
        if isinstance(error, GeneratorExit):
            self.finish()
        elif self._claim.acquire(False):
            self._end(self._settled() if self.settle else _NOTHING, error)

    @property
    def finished(self) -> bool:
        """Whether the operation has ended."""
        return self._claim.locked()

    def _settled(self) -> Response:
        if self.settle is None:
            return _NOTHING
        try:
            return self.settle()
        except Exception as error:
            swallowed("response", error)
            return _NOTHING

    def _end(self, response: Response, error: BaseException | None) -> None:
        ended = perf_counter()
        try:
            error_type = attributes.error_type(self.request, response, error)
            self._record_metrics(response, error_type, ended)
            if self._recording and self.span.is_recording():
                self._describe(response, error, error_type)
            if error is not None:
                events.exception(self.telemetry, self.context, error)
            if self.policy.emit_event and self.request.operation in _WITH_DETAILS:
                self._emit(response, error_type)
        except Exception as failure:
            swallowed("finish", failure)
        finally:
            self.span.end()

    def _record_metrics(self, response: Response, error_type: str | None, ended: float) -> None:
        arrivals = self.arrivals
        measured = Measured(
            # By place: names double what it takes to make one.
            self.request.operation,
            ended - self._started,
            self._identity,
            response.metric_attributes,
            response.usage,
            self.span.get_span_context(),
            arrivals[0] - self._started if arrivals else None,
            response.model,
            error_type,
        )
        self.telemetry.instruments.add(measured, arrivals)

    def _timing(self) -> dict[str, AttributeValue]:
        """Seconds to the first chunk of a stream that had one."""
        return {semconv.RESPONSE_TIME_TO_FIRST_CHUNK: self.arrivals[0] - self._started} if self.arrivals else {}

    def _describe(self, response: Response, error: BaseException | None, error_type: str | None) -> None:
        described: dict[str, AttributeValue] = {
            semconv.THREAD_ID: self._thread[0],
            semconv.THREAD_NAME: self._thread[1],
            **self.request.attributes,
            **(self._input or _NO_ATTRIBUTES),
            **(self._timing() if self.arrivals else _NO_ATTRIBUTES),
            **attributes.of_response(self.request, response),
        }
        policy = self.policy
        if response.messages is not None and policy.on_span:
            described[semconv.OUTPUT_MESSAGES] = content.to_json(response.messages(), policy)
        if response.documents is not None and policy.on_span:
            described[semconv.RETRIEVAL_DOCUMENTS] = content.to_json(response.documents(), policy)
        if error_type is not None:
            described[semconv.ERROR_TYPE] = error_type
            described[semconv.ERROR_SPAN_KIND] = "llm"
            self.span.set_status(Status(StatusCode.ERROR, content.status_description(error, policy) if error else None))
            if error is not None:
                described.update(attributes.of_error(self.request, error))
                failures.record(self.span, error, self.context, policy)
        self.span.set_attributes(described)

    def _emit(self, response: Response, error_type: str | None) -> None:
        policy = self.policy
        told: dict[str, Any] = {
            **attributes.of_request(self.request),
            **self._timing(),
            **attributes.of_response(self.request, response),
        }
        if error_type is not None:
            told[semconv.ERROR_TYPE] = error_type
        if self._content is not None:
            told.update(attributes.of_content(self._content, policy, content.to_values))
        if policy.on_event and response.messages is not None:
            told[semconv.OUTPUT_MESSAGES] = content.to_values(response.messages(), policy)
        events.details(self.telemetry, self.context, told)


def _for_vendor(context: Context) -> Context:
    """`context` as the vendor's code sees it: an instrumented HTTP client would send the session's id to the vendor as baggage."""
    if get_baggage(semconv.SESSION_ID, context) is None:
        return context
    return remove_baggage(semconv.SESSION_ID, context)
