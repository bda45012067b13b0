"""What a kind of span is called on the wire, and what one decorated callable's spans have in common."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import create_key

from agentops_instrumentors.core import semconv

if TYPE_CHECKING:
    from agentops.spans.scope import Scope
    from agentops.spans.telemetry import SpanTelemetry


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of span: `name` is its `agentops.span.kind`, its span's name is `{prefix} {name of the callable}`.

    `arguments` and `result` are the attributes for inputs and outputs. A session is a root span with a trace of its own; what
    `is_measured` has metrics.
    """

    name: str
    prefix: str
    arguments: str = semconv.ENTITY_INPUT
    result: str = semconv.ENTITY_OUTPUT
    is_session: bool = False
    is_measured: bool = False
    inside: str = field(default_factory=lambda: create_key("agentops-inside"), compare=False)
    """Context key of the identity of the object whose method the innermost span of this kind is."""


AGENT: Final = Kind("agent", semconv.INVOKE_AGENT, is_measured=True)
TOOL: Final = Kind("tool", semconv.EXECUTE_TOOL, semconv.TOOL_CALL_ARGUMENTS, semconv.TOOL_CALL_RESULT, is_measured=True)
TASK: Final = Kind("task", "task")
WORKFLOW: Final = Kind("workflow", "workflow")
OPERATION: Final = Kind("operation", "operation")
GUARDRAIL: Final = Kind("guardrail", "guardrail")
SESSION: Final = Kind("session", semconv.INVOKE_WORKFLOW, is_session=True)
ENDPOINT: Final = Kind("endpoint", semconv.INVOKE_WORKFLOW, is_session=True)


Begin = Callable[["SpanTelemetry", "Definition", int], "Scope"]
"""Starts the scope of one call; the number is the identity of the object whose public method is called, or 0."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What the spans of one decorated callable have in common.

    `begin` starts one, of the low-cardinality name `span_name`; `attributes` are known before any call. `of_instance` says
    that the callable is a public method of a decorated class: while it runs, what it calls on the same object is part of it.
    """

    kind: Kind
    begin: Begin
    name: str
    span_name: str
    function: Callable[..., Any]
    attributes: Mapping[str, Any]
    tags: Any = None
    agent_id: str | None = None
    captures_input: bool = True
    captures_output: bool = True
    of_instance: bool = False

    def inputs(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of one call by parameter name, without the instance or class of a method."""
        function = self.function
        owned = 1 if self.of_instance or _is_method(function) else 0
        try:
            named = inspect.signature(function).bind(*args, **kwargs).arguments
        except Exception:
            # The call itself will fail, it is a builtin without a signature, or an annotation cannot be evaluated.
            return {"args": list(args[owned:]), "kwargs": dict(kwargs)}
        return dict(list(named.items())[owned:])


def _is_method(function: Callable[..., Any]) -> bool:
    names: tuple[str, ...] = getattr(getattr(function, "__code__", None), "co_varnames", ())
    owner = getattr(function, "__qualname__", "").rpartition(".")[0]
    return bool(names) and names[0] in ("self", "cls") and bool(owner) and not owner.endswith("<locals>")
