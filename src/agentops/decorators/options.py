"""What decorators are given, and the attributes it makes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from agentops.sessions import tags as tagging
from agentops.spans.definition import AGENT, GUARDRAIL, TOOL, Begin, Definition, Kind
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.guard import swallowed, warn_once

if TYPE_CHECKING:
    from agentops.sessions.tags import Tags

FUNCTION: Final = "function"


@dataclass(frozen=True, slots=True)
class Options:
    """The keyword arguments of a decorator."""

    name: str | None = None
    version: object = None
    tags: Tags | None = None
    cost: float | None = None
    spec: str | None = None
    attributes: Mapping[str, object] | None = None
    operation_type: str | None = None
    capture_request: bool = True
    capture_response: bool = True


def define(kind: Kind, begin: Begin, options: Options, function: Callable[..., Any], owner: type | None = None) -> Definition:
    """The definition of `function`'s spans; those of a public method of the decorated class `owner` are named after it."""
    name = str(options.name or _name(owner or function))
    attributes = {} if kind.is_session else _attributes(kind, options, name, owner or function)
    if owner is not None:
        attributes[semconv.CODE_FUNCTION_NAME] = f"{function.__module__}.{function.__qualname__}"
    if options.version is not None:
        attributes[semconv.ENTITY_VERSION] = str(options.version)
    for key, value in (options.attributes or {}).items():
        if value is not None:
            attributes[str(key)] = _accepted(value)
    own_id = attributes.pop(semconv.AGENTOPS_AGENT_ID, None) if kind is AGENT else None
    return Definition(
        kind=kind,
        begin=begin,
        name=name,
        span_name=f"{kind.prefix} {name}",
        function=function,
        attributes=attributes,
        tags=options.tags if kind.is_session else None,
        agent_id=None if own_id is None else str(own_id),
        captures_input=options.capture_request,
        captures_output=options.capture_response,
        of_instance=owner is not None,
    )


def _name(target: Any) -> str:
    while not hasattr(target, "__name__") and hasattr(target, "func"):
        target = target.func
    return getattr(target, "__name__", None) or type(target).__name__


def _attributes(kind: Kind, options: Options, name: str, target: object) -> dict[str, Any]:
    found: dict[str, Any] = {semconv.SPAN_KIND: kind.name, **tagging.attributes(*tagging.split(options.tags))}
    if kind is AGENT:
        found.update({semconv.OPERATION_NAME: semconv.INVOKE_AGENT, semconv.AGENT_NAME: name})
        return found
    if kind is TOOL:
        found.update({semconv.OPERATION_NAME: semconv.EXECUTE_TOOL, semconv.TOOL_NAME: name, semconv.TOOL_TYPE: FUNCTION})
        description = (inspect.getdoc(target) or "").partition("\n")[0].strip()
        if description:
            found[semconv.TOOL_DESCRIPTION] = description
        found.update(_cost(options.cost))
        return found
    found[semconv.OPERATION_TYPE] = str(options.operation_type or FUNCTION)
    if kind is GUARDRAIL and options.spec is not None:
        if options.spec in ("input", "output"):
            found[semconv.GUARDRAIL_SPEC] = options.spec
        else:
            warn_once(f"spec:{options.spec}", "guardrail(spec=%r) is not accepted: expected 'input' or 'output'", options.spec)
    return found


def _cost(cost: object) -> dict[str, Any]:
    if cost is None:
        return {}
    try:
        amount = float(cast("float", cost))
    except (TypeError, ValueError) as error:
        swallowed("tool(cost=…)", error)
        return {}
    return {semconv.COST_AMOUNT: amount, semconv.COST_CURRENCY: "USD", semconv.COST_SOURCE: "user"}


def _accepted(value: object) -> Any:
    """`value` if it can be an attribute, else its text."""
    if isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        items = cast("Sequence[object]", value)
        kinds = {type(item) for item in items}
        if len(kinds) <= 1 and kinds <= {str, bool, int, float}:
            return list(items)
        return [str(item) for item in items]
    return str(value)
