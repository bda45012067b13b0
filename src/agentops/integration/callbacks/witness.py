"""Sees, while a framework calls a model, whether an instrumentor records that call. The only module here that needs the SDK."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.context import get_current
from opentelemetry.sdk.trace import SpanProcessor

from agentops.integration.callbacks.runs import run_in
from agentops_instrumentors.core import semconv
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span

_MODEL_CALLS: Final = frozenset({semconv.CHAT, semconv.TEXT_COMPLETION, "generate_content"})
_OLDER: Final = ("gen_ai.system", "llm.request.type", "llm.model_name")
_attended: Final[weakref.WeakSet[Any]] = weakref.WeakSet()


class Witness(SpanProcessor):
    """Notes on the run in the span's context that its model call is recorded, whoever records it."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        run = run_in(get_current() if parent_context is None else parent_context)
        if run is None or run.request is None or run.counted or run.ended:
            return
        attributes = span.attributes or {}
        run.counted = attributes.get(semconv.OPERATION_NAME) in _MODEL_CALLS or any(name in attributes for name in _OLDER)


def attend(provider: object) -> None:
    """Watch `provider`, once."""
    if provider in _attended:
        return
    add = cast("Callable[[Witness], None] | None", getattr(provider, "add_span_processor", None))
    if add is None:
        return
    try:
        _attended.add(provider)
        add(Witness())
    except Exception as error:
        swallowed("watching model calls", error)
