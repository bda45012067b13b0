"""A callable that records its calls: of the same signature, the same kind of function, and transparent to its caller."""

from __future__ import annotations

import inspect
from functools import partial, wraps
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, cast

from agentops.spans.start import start
from agentops.spans.telemetry import telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator

    from agentops.spans.definition import Definition
    from agentops.spans.scope import Scope

_OF_CACHES: Final = ("cache_info", "cache_clear", "cache_parameters")


def observe(function: Callable[..., Any], definition: Definition, like: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """`function` with a span a call; for a generator function, a span from the first item asked for to the end.

    The result is a function of the same kind (asynchronous, generator) as `like`, which is `function` by default.
    """
    target = _innermost(like or function)
    if inspect.isasyncgenfunction(target):
        made = _async_generator(function, definition)
    elif inspect.isgeneratorfunction(target):
        made = _generator(function, definition)
    elif inspect.iscoroutinefunction(target):
        made = _coroutine(function, definition)
    else:
        made = _plain(function, definition)
    for name in _OF_CACHES:
        if hasattr(function, name):
            setattr(made, name, getattr(function, name))
    return made


def _innermost(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, partial):
        function = cast("Callable[..., Any]", function.func)
    return function


def _plain(function: Callable[..., Any], definition: Definition) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        current = telemetry()
        scope = None if current is None else start(current, definition, args, kwargs)
        if scope is None:
            return function(*args, **kwargs)
        token = scope.enter()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            scope.leave(token)
            scope.fail(error)
            raise
        scope.leave(token)
        if type(result) is CoroutineType:
            # An asynchronous function behind another decorator: its work is still to come.
            return _awaited(scope, _Ending(scope), cast("Coroutine[Any, Any, Any]", result))
        return scope.delivered(result)

    return call


def _coroutine(function: Callable[..., Any], definition: Definition) -> Callable[..., Any]:
    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        current = telemetry()
        scope = None if current is None else start(current, definition, args, kwargs)
        if scope is None:
            return await function(*args, **kwargs)
        token = scope.enter()
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            scope.leave(token)
            scope.fail(error)
            raise
        scope.leave(token)
        return scope.delivered(result)

    return call


async def _awaited(scope: Scope, _ending: _Ending, work: Coroutine[Any, Any, Any]) -> Any:
    token = scope.enter()
    try:
        result = await work
    except BaseException as error:
        scope.leave(token)
        scope.fail(error)
        raise
    scope.leave(token)
    return scope.delivered(result)


def _generator(function: Callable[..., Any], definition: Definition) -> Callable[..., Any]:
    @wraps(function)
    def generate(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        current = telemetry()
        scope = None if current is None else start(current, definition, args, kwargs)
        source: Generator[Any, Any, Any] = function(*args, **kwargs)
        return (yield from source if scope is None else observed(scope, source))

    return generate


def observed(scope: Scope, source: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """`source`, with the span current while it runs and not while it is suspended, until it ends, fails or is closed."""
    resume: Callable[[Any], Any] = source.send
    value: Any = None
    while True:
        token = scope.enter()
        try:
            item = resume(value)
        except StopIteration as stop:
            scope.leave(token)
            scope.finish(stop.value)
            return stop.value
        except BaseException as error:
            scope.leave(token)
            scope.fail(error)
            raise
        finally:
            value = None
        scope.leave(token)
        scope.yielded(item)
        try:
            value = yield item
            resume = source.send
        except GeneratorExit as dropped:
            token = scope.enter()
            try:
                source.close()
            except BaseException as error:
                scope.leave(token)
                scope.fail(error)
                raise
            scope.leave(token)
            scope.fail(dropped)
            raise
        except BaseException as thrown:
            resume, value = source.throw, thrown


def _async_generator(function: Callable[..., Any], definition: Definition) -> Callable[..., Any]:
    @wraps(function)
    async def generate(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        current = telemetry()
        scope: Scope | _Unrecorded = (None if current is None else start(current, definition, args, kwargs)) or _UNRECORDED
        _ending = _Ending(scope)
        source: AsyncGenerator[Any, Any] = function(*args, **kwargs)
        resume: Callable[[Any], Any] = source.asend
        value: Any = None
        while True:
            token = scope.enter()
            try:
                item = await resume(value)
            except StopAsyncIteration:
                scope.leave(token)
                scope.finish()
                return
            except BaseException as error:
                scope.leave(token)
                scope.fail(error)
                raise
            finally:
                value = None
            scope.leave(token)
            scope.yielded(item)
            try:
                value = yield item
                resume = source.asend
            except GeneratorExit as dropped:
                await _closed(scope, source, dropped)
                raise
            except BaseException as thrown:
                resume, value = source.athrow, thrown

    return generate


async def _closed(scope: Scope | _Unrecorded, source: AsyncGenerator[Any, Any], dropped: GeneratorExit) -> None:
    token = scope.enter()
    try:
        await source.aclose()
    except BaseException as error:
        scope.leave(token)
        scope.fail(error)
        raise
    scope.leave(token)
    scope.fail(dropped)


class _Ending:
    """Ends a scope whose coroutine or asynchronous generator is dropped without being run to any end."""

    __slots__ = ("scope",)

    def __init__(self, scope: Scope | _Unrecorded) -> None:
        self.scope = scope

    def __del__(self) -> None:
        self.scope.finish()


class _Unrecorded:
    """The scope of an asynchronous generator that is not recorded."""

    def enter(self) -> Any:
        """Nothing becomes current."""

    def leave(self, token: Any) -> None:
        """Nothing was current."""

    def yielded(self, item: object) -> None:
        """Nothing is kept."""

    def finish(self) -> None:
        """Nothing ends."""

    def fail(self, error: BaseException) -> None:
        """Nothing ends."""


_UNRECORDED: Final = _Unrecorded()
