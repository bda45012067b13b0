"""Where a decorated call becomes a span, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.context import get_current

from agentops.spans.definition import TOOL
from agentops_instrumentors.core import running_tool
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentops.spans.definition import Definition
    from agentops.spans.scope import Scope
    from agentops.spans.telemetry import SpanTelemetry


def start(telemetry: SpanTelemetry, definition: Definition, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Scope | None:
    """The scope of a call that starts now; None for a call that is part of the one around it, or that cannot be recorded."""
    try:
        owner = 0
        if definition.of_instance and args:
            owner = id(args[0])
            if get_current().get(definition.kind.inside) == owner:
                return None
        if definition.kind is TOOL and _joined(definition):
            return None
        scope = definition.begin(telemetry, definition, owner)
    except Exception as error:
        swallowed("starting a span", error)
        return None
    try:
        scope.took(args, kwargs)
    except Exception as error:
        swallowed("recording arguments", error)
    return scope


def _joined(definition: Definition) -> bool:
    """Whether an SDK called this tool and made its span already, which then tells what the decorator knows too."""
    span = running_tool.join(get_current(), definition.name, definition.captures_input, definition.captures_output)
    if span is None:
        return False
    span.set_attributes(dict(definition.attributes))
    return True
