"""Metadata of a trace, set while it runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, cast

from opentelemetry.trace import get_current_span

from agentops.semconv import AgentAttributes, CoreAttributes, SpanAttributes, ToolAttributes, WorkflowAttributes
from agentops.sessions import runtime
from agentops.sessions.registry import registry
from agentops_instrumentors.core.guard import warn_once

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Span

    from agentops.sessions.session import Session
    from agentops.sessions.tags import Tags

DEFAULT_PREFIX: Final = "trace.metadata"
_LLM: Final = "gen_ai."
_known: dict[str, str] | None = None


def update_trace_metadata(metadata: Mapping[str, object], prefix: str = DEFAULT_PREFIX) -> bool:
    """Set attributes on the current session's root span; outside any session on the current span, else the latest session's.

    A key that is, or stands for, an attribute we know (`agent_name`, `error.type`) sets that one, `tags` adds tags, and any
    other key sets `{prefix}.{key}`. Values are text, numbers, booleans, or lists of these (as JSON text); None is left out,
    anything else too, with a warning. True if anything was set.
    """
    session, span = _target()
    if span is None or not span.is_recording():
        warn_once("metadata", "update_trace_metadata(): there is no open session or span to set it on")
        return False
    done = False
    for key, value in metadata.items():
        if key == "tags" and session is not None and value is not None:
            session.add_tags(cast("Tags", value))
            done = True
            continue
        encoded = _encoded(key, value)
        if encoded is not None:
            span.set_attribute(_attributes().get(key) or f"{prefix}.{key}", encoded)
            done = True
    return done


def _target() -> tuple[Session | None, Span | None]:
    session = runtime.current_session()
    if session is None and not get_current_span().is_recording():
        session = next(reversed(registry.sessions()), None)
    if session is None or not session.span.is_recording():
        return None, get_current_span()
    return session, session.span


def _encoded(key: str, value: object) -> str | bool | int | float | None:
    kind = type(value).__name__
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, list | tuple):
        items = list(cast("tuple[object, ...]", value))
        if all(isinstance(item, (str, bool, int, float)) for item in items):
            return json.dumps(items, ensure_ascii=False)
    warn_once(
        f"metadata:{key}",
        "update_trace_metadata(): %s is left out: a %s is not text, a number, a boolean or a list of these",
        key,
        kind,
    )
    return None


def _attributes() -> dict[str, str]:
    """Attributes by their names and by the names of their constants in lower case; a root has no attributes of an LLM call."""
    global _known
    if _known is None:
        _known = {}
        for group in (AgentAttributes, ToolAttributes, WorkflowAttributes, CoreAttributes, SpanAttributes):
            for name, value in vars(group).items():
                if name.isupper() and isinstance(value, str) and not (group is SpanAttributes and value.startswith(_LLM)):
                    _known.setdefault(name.lower(), value)
                    _known.setdefault(value, value)
    return _known
