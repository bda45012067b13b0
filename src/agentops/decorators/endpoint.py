"""A session a request: what `track_endpoint` makes of a Flask view or a FastAPI handler."""

from __future__ import annotations

import inspect
import re
import sys
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, get_origin, get_type_hints

from agentops.decorators import http
from agentops.decorators.decorator import Decorator
from agentops.decorators.functions import observe
from agentops.decorators.options import Options, define
from agentops.sessions.states import EndState
from agentops.spans.scope import NOTHING
from agentops.spans.sessions import SessionScope
from agentops_instrumentors.core import content, semconv
from agentops_instrumentors.core.guard import guarded, swallowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from agentops.spans.definition import Definition
    from agentops.spans.telemetry import SpanTelemetry

_REQUEST: Final = re.compile(r"\bRequest\b")
INJECTED: Final = "agentops_request"
"""Name of the parameter that has FastAPI hand over the request of a handler that does not ask for it."""


class EndpointDecorator(Decorator):
    """The decorator of request handlers."""

    def _observed(self, function: Callable[..., Any], options: Options) -> Callable[..., Any]:
        definition = define(self.kind, self.begin, options, function)
        parameter = _request_parameter(function)
        made = observe(_taking(function, parameter) if parameter else function, definition, like=function)
        setattr(made, "__wrapped__", function)  # noqa: B010 - a function has any attribute
        return made


def _request_parameter(function: Callable[..., Any]) -> inspect.Parameter | None:
    """The parameter to add for FastAPI, which gives a handler nothing of the request but what its signature asks for."""
    fastapi = sys.modules.get("fastapi")
    if fastapi is None:
        return None
    # FastAPI fills one parameter with the request, so a second one would take it from the handler's own.
    if any(_asks(annotation, fastapi.Request) for annotation in _annotations(function)):
        return None
    return inspect.Parameter(INJECTED, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=fastapi.Request)


def _annotations(function: Callable[..., Any]) -> list[Any]:
    try:
        return list(get_type_hints(function).values())
    except Exception:  # a name that only type checkers know
        return [parameter.annotation for parameter in inspect.signature(function).parameters.values()]


def _asks(annotation: Any, request: type) -> bool:
    # On Python 3.10 `dict[str, int]` is an instance of `type` too.
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return issubclass(annotation, request)
    return _REQUEST.search(str(annotation)) is not None


def _taking(function: Callable[..., Any], parameter: inspect.Parameter) -> Callable[..., Any]:
    @wraps(function)
    def handle(*args: Any, **kwargs: Any) -> Any:
        kwargs.pop(INJECTED, None)
        return function(*args, **kwargs)

    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    at = len(parameters) - (bool(parameters) and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD)
    setattr(handle, "__signature__", signature.replace(parameters=[*parameters[:at], parameter, *parameters[at:]]))  # noqa: B010
    return handle


class EndpointScope(SessionScope):
    """One request as a session: Fail on status 500 and above or an exception that stands for none, Success below.

    It lasts until the answer has been sent where that is a stream.
    """

    __slots__ = ("_exchange", "_status")

    def __init__(self, telemetry: SpanTelemetry, definition: Definition, owner: int = 0) -> None:
        super().__init__(telemetry, definition, owner)
        self._exchange: http.Exchange | None = None
        self._status: int | None = None

    def took(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Record the request's attributes; its content waits until the handler has read what it wants of it."""
        self._exchange = http.exchange(args, kwargs)
        if self._exchange is None:
            super().took(args, kwargs)
        elif self.span.is_recording():
            self.span.set_attributes(self._exchange.attributes())

    def delivered(self, result: Any) -> Any:
        """End with `result`, or when it has been sent; returns what the framework gets."""
        exchange = self._exchange
        if exchange is None:
            return super().delivered(result)
        guarded("recording a request", self._answered, exchange, result)
        try:
            return self._followed(result)
        except Exception as error:
            swallowed("following an answer", error)
        self.finish()
        return result

    def fail(self, error: BaseException) -> None:
        """End with an exception, which may stand for an answer."""
        if self._exchange is not None:
            guarded("recording a request", self._refused, self._exchange, error)
        if self._status is not None and self._status < 500:
            self.finish()
        else:
            super().fail(error)

    def _answered(self, exchange: http.Exchange, result: object) -> None:
        self._status = exchange.status(result)
        if not self.span.is_recording():
            return
        self.span.set_attribute(semconv.HTTP_RESPONSE_STATUS_CODE, self._status)
        policy = content.policy()
        if not policy.on_span:
            return
        self._asked(exchange, policy)
        if self.definition.captures_output:
            answer = exchange.answer(result, policy)
            if answer is not None:
                self.record(self.definition.kind.result, answer, policy)

    def _refused(self, exchange: http.Exchange, error: BaseException) -> None:
        self._status = http.status_of(error)
        if not self.span.is_recording():
            return
        if self._status is not None:
            self.span.set_attribute(semconv.HTTP_RESPONSE_STATUS_CODE, self._status)
        policy = content.policy()
        if policy.on_span:
            self._asked(exchange, policy)

    def _asked(self, exchange: http.Exchange, policy: content.Policy) -> None:
        if self.definition.captures_input:
            self.record(self.definition.kind.arguments, exchange.request(policy), policy)

    def _followed(self, result: Any) -> Any:
        """`result`, with its stream followed to the end; the scope ends here where there is none."""
        chunks = getattr(result, "body_iterator", None)
        if chunks is not None:
            result.body_iterator = _SentAsync(self, chunks)
            return result
        if inspect.isgenerator(result):
            return _Sent(self, result)
        if getattr(result, "is_streamed", False) and not getattr(result, "direct_passthrough", False):
            result.response = _Sent(self, result.response)
            return result
        self.finish(NOTHING)
        return result

    def _close(self, error: BaseException | None) -> None:
        asyncio = sys.modules.get("asyncio")
        if asyncio is not None and isinstance(error, asyncio.CancelledError):
            # The client has gone, or the server stops.
            self.session.close(EndState.INDETERMINATE, "cancelled")
        elif error is None and self._status is not None and self._status >= 500:
            self.session.close(EndState.FAIL, f"HTTP {self._status}")
        else:
            super()._close(error)


class _Sent:
    """The chunks of an answer as they are sent, with the request's session current while each is made."""

    def __init__(self, scope: EndpointScope, chunks: Any) -> None:
        self._scope = scope
        self._chunks = chunks
        self._source: Iterator[Any] = iter(chunks)

    def __iter__(self) -> _Sent:
        return self

    def __next__(self) -> Any:
        token = self._scope.enter()
        try:
            return next(self._source)
        except StopIteration:
            self._scope.finish()
            raise
        except BaseException as error:
            self._scope.fail(error)
            raise
        finally:
            self._scope.leave(token)

    def close(self) -> None:
        """The answer was sent, or nobody wants it any more."""
        try:
            close = getattr(self._chunks, "close", None)
            if close is not None:
                close()
        finally:
            self._scope.finish()

    def __del__(self) -> None:
        self._scope.finish()


class _SentAsync:
    """The same of an asynchronous answer."""

    def __init__(self, scope: EndpointScope, chunks: Any) -> None:
        self._scope = scope
        self._chunks = chunks
        self._source: AsyncIterator[Any] = aiter(chunks)

    def __aiter__(self) -> _SentAsync:
        return self

    async def __anext__(self) -> Any:
        token = self._scope.enter()
        try:
            return await anext(self._source)
        except StopAsyncIteration:
            self._scope.finish()
            raise
        except BaseException as error:
            self._scope.fail(error)
            raise
        finally:
            self._scope.leave(token)

    async def aclose(self) -> None:
        """The answer was sent, or nobody wants it any more."""
        try:
            close = getattr(self._chunks, "aclose", None)
            if close is not None:
                await close()
        finally:
            self._scope.finish()

    def __del__(self) -> None:
        self._scope.finish()
