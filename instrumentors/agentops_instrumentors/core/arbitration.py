"""One counted span for each logical call, whoever emits it.

In this order: suppressed instrumentation is honoured; an operation of ours inside one of the same kind feeds the outer one;
a known GenAI instrumentor around the same method makes ours stand down (AGENTOPS_INSTRUMENTATION_CONFLICT), and its span, where it
is current, gets what the call cost.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, cast

import wrapt
from opentelemetry.context import create_key
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import get_current_span

from agentops_instrumentors.core import environment, semconv
from agentops_instrumentors.core.guard import warn_once
from agentops_instrumentors.core.invocation import CURRENT
from agentops_instrumentors.core.telemetry import provided_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context

    from agentops_instrumentors.core.invocation import Running

CONFLICT_VARIABLE: Final = "AGENTOPS_INSTRUMENTATION_CONFLICT"
_KINDS: Final = {semconv.TEXT_COMPLETION: semconv.CHAT, semconv.GENERATE_CONTENT: semconv.CHAT}
GENAI_INSTRUMENTORS: Final = (
    "opentelemetry.instrumentation.genai",
    "opentelemetry.instrumentation.openai",
    "opentelemetry.instrumentation.openai_v2",
    "opentelemetry.instrumentation.anthropic",
    "opentelemetry.instrumentation.google_genai",
    "opentelemetry.instrumentation.ollama",
    "opentelemetry.instrumentation.botocore",
    "opentelemetry.instrumentation.bedrock",
    "openinference.instrumentation",
    "logfire._internal.integrations.llm_providers",
)
"""Modules whose wrappers emit GenAI spans to the global provider. Wrappers of anyone else never count."""
_OWN_PROVIDER: Final = "logfire."
"""Of these, whose spans go to a provider of their own, which need not be the global one."""
_WITHOUT_METRICS: Final = ("openinference.instrumentation", "logfire.")
"""Of these, who records no tokens and durations as metrics, which then are ours to record."""
_DEEPEST: Final = 16
_NOWHERE: Final[Mapping[str, object]] = {}
_NOT_SEEN: Final = object()
ELSEWHERE: Final = create_key("agentops-counted-elsewhere")
"""Context key: another instrumentor counts the call that is running, whether or not its span is current."""


def suppressed(current: Context) -> bool:
    """Whether the caller asked for no instrumentation in the current context."""
    # An empty context asks for nothing, and most programs' is.
    return bool(current) and not is_instrumentation_enabled()


def nested(current: Context, operation: str) -> bool:
    """Whether an operation of ours of the same kind is running the code that makes this call."""
    outer: Any = current.get(CURRENT)
    return outer is not None and not outer.finished and _kind(outer.operation) == _kind(operation)


def counted(current: Context) -> bool:
    """Whether the code that is running makes a model call that has its span: ours, or another instrumentor's."""
    if current.get(ELSEWHERE):
        return True
    running = cast("Running | None", current.get(CURRENT))
    if running is not None and not running.finished:
        return running.operation != semconv.EXECUTE_TOOL
    span: Any = get_current_span(current)
    attributes: Mapping[str, object] = getattr(span, "attributes", None) or {}
    return span.is_recording() and _kind(str(attributes.get(semconv.OPERATION_NAME))) == semconv.CHAT


def _kind(operation: str) -> str:
    return _KINDS.get(operation, operation)


class Foreigners:
    """Whether foreign GenAI instrumentors wrap a patched method or one beside it, asked at call time: install order must not matter.

    `names` are methods of `owner`, or others given as `module:Class.method`, whose module may not be imported yet. `force` and `off` never
    look.
    """

    __slots__ = ("_methods",)

    def __init__(self, owner: Any, names: tuple[str, ...]) -> None:
        self._methods = [_Method(owner, name) for name in names] if standing_down() else []

    def present(self) -> bool:
        """True when ours should stand down for another instrumentor."""
        # On the path of every call: nothing is called as long as the same objects are bound.
        for method in self._methods:
            if method.names.get(method.name) is not method.seen:
                method.look()
            if method.wrapped:
                return True
        return False

    @property
    def measured(self) -> bool:
        """Whether one of them records metrics of the call."""
        for method in self._methods:
            method.look()
        return any(method.wrapped and method.measured for method in self._methods)


class _Method:
    """One method, and what was found around it when it was last bound anew."""

    __slots__ = ("_owner", "_target", "measured", "name", "names", "seen", "wrapped")

    def __init__(self, owner: Any, name: str) -> None:
        self._target = name if ":" in name else ""
        self._owner: Any = None if self._target else owner
        self.name = name.rpartition(".")[2]
        self.names = _NOWHERE if self._target else cast("Mapping[str, object]", vars(owner))
        self.seen: object = _NOT_SEEN
        self.wrapped = False
        """Whether a foreign GenAI instrumentor wraps it."""
        self.measured = False
        """Whether one of these records metrics of the call."""

    def look(self) -> None:
        """Look again, if the method is there and not the one last seen."""
        if self._owner is None:
            module, _, path = self._target.partition(":")
            self._owner = getattr(sys.modules.get(module), path.partition(".")[0], None)
            if self._owner is None:
                return
            self.names = cast("Mapping[str, object]", vars(self._owner))
        bound = self.names.get(self.name)
        if bound is not self.seen:
            self._find(bound)
            self.seen = bound

    def _find(self, layer: object) -> None:
        found = [module for module in wrapping_modules(layer) if _counts(module)]
        self.wrapped = bool(found)
        self.measured = any(not module.startswith(_WITHOUT_METRICS) for module in found)
        for module in found[:1]:
            warn_once(
                f"foreign:{self.name}:{module}",
                "%s is instrumented by %s too; ours stands down there so that no call counts twice (%s=force records both)",
                f"{getattr(self._owner, '__qualname__', self._owner)}.{self.name}",
                module,
                CONFLICT_VARIABLE,
            )


def innermost(bound: Any) -> Any:
    """The last in a row of other GenAI instrumentors' `wrapt` wrappers, counted from outside; None where that is not what is outside."""
    found = None
    while isinstance(bound, wrapt.FunctionWrapper):
        layer = cast("Any", bound)
        if not wrapping_module(layer).startswith(GENAI_INSTRUMENTORS):
            break
        found, bound = layer, layer.__wrapped__
    return found


def standing_down() -> bool:
    """Whether ours stands down where another GenAI instrumentor counts a call, as it does by default."""
    return environment.choice(CONFLICT_VARIABLE, ("auto", "force", "off"), "auto") == "auto"


def wrapping_modules(layer: object) -> tuple[str, ...]:
    """The modules whose code wraps a function, outermost first, the function's own included."""
    found: list[str] = []
    while layer is not None and len(found) < _DEEPEST:
        found.append(wrapping_module(layer))
        layer = getattr(layer, "__wrapped__", None)
    return tuple(found)


def _counts(module: str) -> bool:
    """Whether wrappers of `module` emit GenAI spans to the global provider."""
    if module.startswith(_OWN_PROVIDER) and not provided_by().startswith(_OWN_PROVIDER):
        return False
    return module.startswith(GENAI_INSTRUMENTORS)


def wrapping_module(layer: object) -> str:
    """The module whose code wraps: of a `wrapt` wrapper's function or callable object, or of a closure's own globals."""
    code: Any = getattr(layer, "_self_wrapper", layer)
    code = getattr(code, "__func__", code)
    names: Mapping[str, object] | None = getattr(code, "__globals__", None)
    return str(names.get("__name__", "")) if names is not None else type(code).__module__
