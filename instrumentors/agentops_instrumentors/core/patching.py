"""Patches of vendor methods: lazy, one by one, and removed to identity.

Nothing here imports a vendor SDK. An endpoint's module is patched when it is imported, or at once if it already is; a
method that an SDK version lacks is left out alone, with one warning that names it.
"""

from __future__ import annotations

import inspect
from functools import reduce
from typing import TYPE_CHECKING, Any, cast

import wrapt
from opentelemetry.context import get_current
from opentelemetry.trace import INVALID_SPAN, get_current_span

from agentops_instrumentors.core import arbitration, dropped, versions, waiting
from agentops_instrumentors.core.adoption import Adopted
from agentops_instrumentors.core.frames import unseen
from agentops_instrumentors.core.guard import guarded, swallowed, warn_once
from agentops_instrumentors.core.invocation import Invocation
from agentops_instrumentors.core.lazy import on_import
from agentops_instrumentors.core.operation import Call

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from types import ModuleType

    from agentops_instrumentors.core.endpoint import Endpoint
    from agentops_instrumentors.core.telemetry import Telemetry


class Patches:
    """The patches of one instrumentor, from `install` to `remove`."""

    def __init__(self, telemetry: Telemetry, distribution: str = "") -> None:
        """`distribution` is the SDK's, whose version decides which endpoints there should be."""
        self._telemetry = telemetry
        self._distribution = distribution
        self._patches: list[Patch] = []
        self._active = True
        self.missing: list[str] = []
        """Targets this SDK version does not have."""

    @property
    def installed(self) -> list[str]:
        """Targets patched so far; a module that is not imported yet is not among them."""
        return [patch.endpoint.target for patch in self._patches]

    @property
    def standing_down(self) -> list[str]:
        """Targets whose calls another instrumentor records now, so that ours does not."""
        return [patch.endpoint.target for patch in self._patches if patch.foreigners.present()]

    def install(self, endpoints: Sequence[Endpoint]) -> None:
        """Patch each endpoint when, or as soon as, its module is imported."""
        by_module: dict[str, list[Endpoint]] = {}
        for endpoint in endpoints:
            by_module.setdefault(endpoint.target.partition(":")[0], []).append(endpoint)
        for module, group in by_module.items():
            on_import(module, self._patcher(group))

    def remove(self) -> None:
        """Restore every method to the object that was there before, also from under another wrapper."""
        self._active = False
        while self._patches:
            self._patches.pop().remove()
        waiting.record_waiting()

    def _patcher(self, group: list[Endpoint]) -> Callable[[ModuleType], None]:
        def patch(module: ModuleType) -> None:
            for endpoint in group if self._active else ():
                try:
                    self._patches.append(Patch(endpoint, module, self._telemetry))
                except (AttributeError, KeyError):
                    self._not_there(endpoint)

        return patch

    def _not_there(self, endpoint: Endpoint) -> None:
        if not endpoint.versions or versions.conflict([f"{self._distribution} {endpoint.versions}"]) is None:
            self.missing.append(endpoint.target)
            warn_once(f"missing:{endpoint.target}", "%s is not in this SDK version: its calls are not recorded", endpoint.target)


class Patch:
    """One patched method."""

    __slots__ = ("_active", "_name", "_original", "_owner", "_telemetry", "_wrapper", "endpoint", "foreigners")

    def __init__(self, endpoint: Endpoint, module: ModuleType, telemetry: Telemetry) -> None:
        *path, name = endpoint.target.partition(":")[2].split(".")
        self.endpoint = endpoint
        self._telemetry = telemetry
        self._owner: Any = reduce(getattr, path, cast("Any", module))
        self._name = name
        bound: Any = cast("dict[str, Any]", vars(self._owner))[name]
        # Below another GenAI instrumentor, where its span is current and can be told what the call cost.
        theirs = arbitration.innermost(bound)
        self._original: Any = bound if theirs is None else theirs.__wrapped__
        self._active = True
        asynchronous = inspect.iscoroutinefunction(inspect.unwrap(self._original))
        own = endpoint.around(telemetry, asynchronous)
        method = self._run_deferred if endpoint.deferred else self._run_async if asynchronous else self._run
        self._wrapper = _wrapper(self._original, method if own is None else self._while_active(own))
        self.foreigners = arbitration.Foreigners(self._owner, () if endpoint.dispatcher else (name, *endpoint.beside))
        if theirs is None:
            setattr(self._owner, name, self._wrapper)
        else:
            theirs.__wrapped__ = self._wrapper

    def remove(self) -> None:
        self._active = False
        bound: Any = cast("dict[str, Any]", vars(self._owner)).get(self._name)
        if bound is self._wrapper:
            setattr(self._owner, self._name, self._original)
            return
        layer, ours, original = map(_function, (bound, self._wrapper, self._original))
        while isinstance(layer, wrapt.FunctionWrapper):
            inner: Any = cast("Any", layer).__wrapped__
            if inner is ours:
                layer.__wrapped__ = original
                return
            layer = inner

    def _begin(self, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Invocation | None:
        current = get_current()
        if not self._active or (current and arbitration.suppressed(current)):
            return None
        theirs = self.foreigners.present()
        try:
            call = Call(args, kwargs)
            request = self.endpoint.request(instance, call)
            if request is not None and (theirs or (self.endpoint.dispatcher and self.endpoint.elsewhere(instance, call))):
                span = get_current_span(current) if arbitration.counted(current) else INVALID_SPAN
                measuring = theirs and not (self.foreigners.measured or current.get(arbitration.ELSEWHERE))
                return cast("Invocation", Adopted(span, request, self._telemetry if measuring else None))
            if request is None or (current and arbitration.nested(current, request.operation)):
                return None
            return Invocation(self._telemetry, request, current)
        except Exception as error:
            swallowed(self.endpoint.target, error)
            return None

    def _while_active(self, own: Callable[..., Any]) -> Callable[..., Any]:
        @unseen
        def run(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            return own(wrapped, instance, args, kwargs) if self._active else wrapped(*args, **kwargs)

        return run

    def _deliver(self, invocation: Invocation, returned: Any) -> Any:
        try:
            return self.endpoint.deliver(invocation, returned)
        except Exception as error:
            swallowed(self.endpoint.target, error)
            invocation.finish()
            return returned

    @unseen
    def _run(self, wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        invocation = self._begin(instance, args, kwargs)
        if invocation is None:
            return wrapped(*args, **kwargs)
        token = invocation.enter()
        try:
            returned = wrapped(*args, **kwargs)
        except BaseException as error:
            invocation.leave(token)
            invocation.fail(error)
            raise
        invocation.leave(token)
        return self._deliver(invocation, returned)

    @unseen
    def _run_async(self, wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        # Called now, awaited later: arguments the vendor refuses raise here, where they do without us.
        coroutine = wrapped(*args, **kwargs)
        return self._driven(coroutine, instance, args, kwargs) if self._active else coroutine

    def _driven(self, coroutine: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        driven = self._drive(_Unawaited(coroutine), instance, args, kwargs)
        driven.__name__, driven.__qualname__ = coroutine.__name__, coroutine.__qualname__
        return driven

    @unseen
    def _run_deferred(self, wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        def start(call: Any) -> Any:
            if not callable(call):
                return self._driven(call, instance, args, kwargs)
            return lambda: self._run(lambda *_args, **_kwargs: call(), instance, args, kwargs)

        prepared = wrapped(*args, **kwargs)
        if self._active:
            guarded(self.endpoint.target, self.endpoint.defer, prepared, start)
        return prepared

    @unseen
    async def _drive(self, pending: _Unawaited, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        coroutine = pending.take()
        invocation = self._begin(instance, args, kwargs)
        if invocation is None:
            return await coroutine
        drop = dropped.prepare()
        token = invocation.enter()
        try:
            returned = await coroutine
        except GeneratorExit:
            # The caller was dropped half-way, perhaps by the garbage collector.
            invocation.leave(token)
            drop(invocation)
            raise
        except BaseException as error:
            invocation.leave(token)
            invocation.fail(error)
            raise
        invocation.leave(token)
        return self._deliver(invocation, returned)


def _function(bound: Any) -> Any:
    """What is called: a property's getter, or what is bound itself."""
    return bound.fget if isinstance(bound, property) else bound


def _wrapper(original: Any, run: Callable[..., Any]) -> Any:
    """`original` with `run` around it: around its getter, where it is a property."""
    if not isinstance(original, property):
        return wrapt.FunctionWrapper(original, run)
    getter: Any = wrapt.FunctionWrapper(cast("Any", original.fget), run)
    return property(getter, original.fset, original.fdel, original.__doc__)


class _Unawaited:
    """The vendor's coroutine until ours is first awaited; if it never is, only ours warns about that."""

    __slots__ = ("_coroutine",)

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine: Coroutine[Any, Any, Any] | None = coroutine

    def take(self) -> Coroutine[Any, Any, Any]:
        coroutine, self._coroutine = self._coroutine, None
        assert coroutine is not None
        return coroutine

    def __del__(self) -> None:
        if self._coroutine is not None:
            self._coroutine.close()
