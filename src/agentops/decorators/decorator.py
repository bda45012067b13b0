"""The one factory behind every decorator."""

from __future__ import annotations

from dataclasses import fields
from functools import cached_property, partial
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, overload

from agentops.decorators.classes import observe_class
from agentops.decorators.functions import observe
from agentops.decorators.options import Options, define
from agentops.parameters import deprecated, unknown_parameter
from agentops_instrumentors.core.guard import swallowed, warn_once

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agentops.sessions.tags import Tags
    from agentops.spans.definition import Begin, Kind

T = TypeVar("T")

_KNOWN: Final = tuple(field.name for field in fields(Options))
_SIGNATURE: Final = Signature(
    [
        Parameter("target", Parameter.POSITIONAL_ONLY, default=None),
        *(Parameter(field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type) for field in fields(Options)),
    ]
)


class Decorator:
    """A decorator: `@tool` or `@tool(name=…)`. What it decorates keeps its type, for type checkers too.

    `name` is the callable's own by default. `tags` are text, a list of text, or a mapping of keyed tags; `attributes` are set on
    every span. `capture_request` and `capture_response` leave inputs or outputs out. `cost` counts for tools, `spec` for
    guardrails and `operation_type` for operations, tasks, workflows and guardrails; elsewhere they are ignored.
    """

    def __init__(self, name: str, kind: Kind, begin: Begin, doc: str, instead: str = "") -> None:
        """`begin` starts the scope of a call; `instead` names the decorator to use in place of a deprecated one."""
        self.__name__ = self.__qualname__ = name
        self.__doc__ = doc
        self.__signature__ = _SIGNATURE
        self.kind: Final = kind
        self.begin: Final = begin
        self._instead = instead

    @overload
    def __call__(self, target: T, /) -> T: ...

    @overload
    def __call__(
        self,
        target: None = None,
        /,
        *,
        name: str | None = None,
        version: object = None,
        tags: Tags | None = None,
        cost: float | None = None,
        spec: str | None = None,
        attributes: Mapping[str, object] | None = None,
        operation_type: str | None = None,
        capture_request: bool = True,
        capture_response: bool = True,
    ) -> Callable[[T], T]: ...

    def __call__(self, target: Any = None, /, **given: Any) -> Any:
        unknown = given.keys() - _KNOWN
        if unknown:
            raise unknown_parameter(self.__name__, min(unknown), _KNOWN)
        if self._instead:
            deprecated(f"decorator:{self.__name__}", f"@{self.__name__} is deprecated: use @{self._instead}")
        options = Options(**given)
        if target is None:
            return partial(self._decorate, options=options)
        return self._decorate(target, options)

    def __repr__(self) -> str:
        return f"<decorator agentops.{self.__name__}>"

    def _decorate(self, target: Any, options: Options) -> Any:
        try:
            return self._decorated(target, options)
        except Exception as error:
            swallowed(f"@{self.__name__}", error)
            return target

    def _decorated(self, target: Any, options: Options) -> Any:
        if isinstance(target, type):
            observe_class(target, self.kind, self.begin, options)
            return target
        if isinstance(target, (staticmethod, classmethod)):
            method = cast("staticmethod[..., Any] | classmethod[Any, ..., Any]", target)
            return type(method)(self._observed(method.__func__, options))
        if isinstance(target, property):
            return target if target.fget is None else target.getter(self._observed(target.fget, options))
        if isinstance(target, cached_property):
            lazy = cast("cached_property[Any]", target)
            return cached_property(self._observed(lazy.func, options))
        if callable(target):
            return self._observed(target, options)
        warn_once(f"decorated:{type(target)}", "@%s cannot decorate a %s: it is left as it is", self.__name__, type(target).__qualname__)
        return target

    def _observed(self, function: Callable[..., Any], options: Options) -> Callable[..., Any]:
        return observe(function, define(self.kind, self.begin, options, function))
