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


def foreigners(owner: Any, names: tuple[str, ...]) -> Foreigners | _AnyForeigners:
    """Who else wraps the methods `names` of `owner`, the first of which is the patched one, or others given as `module:Class.method`."""
    each = [_Elsewhere(name) if ":" in name else Foreigners(owner, name) for name in names]
    return each[0] if len(each) == 1 else _AnyForeigners(each)


class Foreigners:
    """Whether a foreign GenAI instrumentor wraps one patched method, asked at call time: install order must not matter.

    The answer is kept for as long as the same object is bound there.
    """

    __slots__ = ("_answer", "_name", "_names", "_owner", "_seen", "measured")

    def __init__(self, owner: Any, name: str) -> None:
        self._owner = owner
        self._name = name
        self._names: Mapping[str, object] = vars(owner) if owner is not None and standing_down() else _NOWHERE
        self._seen: object = None
        self._answer = False
        self.measured = False
        """Whether one of them records metrics of the call, as of the last answer."""

    def present(self) -> bool:
        """True when ours should stand down for another instrumentor. `force` and `off` never look."""
        bound = self._names.get(self._name)
        if bound is not self._seen:
            self._answer = self._look(bound)
            self._seen = bound
        return self._answer

    def _look(self, layer: object) -> bool:
        found = [module for module in wrapping_modules(layer) if _counts(module)]
        self.measured = any(not module.startswith(_WITHOUT_METRICS) for module in found)
        for module in found[:1]:
            warn_once(
                f"foreign:{self._name}:{module}",
                "%s is instrumented by %s too; ours stands down there so that no call counts twice (%s=force records both)",
                f"{getattr(self._owner, '__qualname__', self._owner)}.{self._name}",
                module,
                CONFLICT_VARIABLE,
            )
        return bool(found)


class _Elsewhere(Foreigners):
    """The same for `module:Class.method` in a module that may not be imported yet."""

    __slots__ = ("_class", "_module")

    def __init__(self, target: str) -> None:
        self._module, _, path = target.partition(":")
        self._class, _, name = path.partition(".")
        super().__init__(None, name)

    def present(self) -> bool:
        """True when ours should stand down for another instrumentor."""
        if self._owner is None:
            owner = getattr(sys.modules.get(self._module), self._class, None)
            if owner is None:
                return False
            Foreigners.__init__(self, owner, self._name)
        return Foreigners.present(self)


class _AnyForeigners:
    """Whether a foreign GenAI instrumentor wraps any of several methods."""

    __slots__ = ("_each",)

    def __init__(self, each: list[Foreigners]) -> None:
        self._each = each

    @property
    def measured(self) -> bool:
        """Whether one of them records metrics of the call."""
        return any(one.present() and one.measured for one in self._each)

    def present(self) -> bool:
        """True when ours should stand down."""
        # No generator for any(): this is on the path of every call.
        for one in self._each:  # noqa: SIM110
            if one.present():
                return True
        return False


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
