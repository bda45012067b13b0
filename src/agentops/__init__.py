"""Sessions, and every LLM call in them, as OpenTelemetry spans.

Importing this package loads none of it: each name below is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from opentelemetry.trace import StatusCode, get_current_span

    from agentops.client import Client, get_client
    from agentops.decorators import agent, guardrail, operation, session, task, tool, trace, track_endpoint, workflow
    from agentops.exceptions import ValidationError
    from agentops.integration.callbacks.langchain import AsyncLangchainCallbackHandler as AsyncLangchainCallbackHandler
    from agentops.integration.callbacks.langchain import LangchainCallbackHandler as LangchainCallbackHandler
    from agentops.legacy import ActionEvent, ErrorEvent, LLMEvent, ToolEvent, record, track_agent, track_tool
    from agentops.lifetime import flush, shutdown
    from agentops.logging import logger
    from agentops.metadata import update_trace_metadata
    from agentops.options import Config, Configuration
    from agentops.sdk.core import tracer
    from agentops.semconv import AgentAttributes, CoreAttributes, SpanAttributes, SpanKind, ToolAttributes, WorkflowAttributes
    from agentops.sessions.api import configure, end_all_sessions, end_session, end_trace, init, start_session, start_trace
    from agentops.sessions.session import Session, TraceContext
    from agentops.sessions.states import ERROR, SUCCESS, UNSET, TraceState
    from agentops.validation import print_validation_summary, validate_trace_spans

__all__ = [
    "ERROR",
    "SUCCESS",
    "UNSET",
    "ActionEvent",
    "AgentAttributes",
    "Client",
    "Config",
    "Configuration",
    "CoreAttributes",
    "ErrorEvent",
    "LLMEvent",
    "Session",
    "SpanAttributes",
    "SpanKind",
    "StatusCode",
    "ToolAttributes",
    "ToolEvent",
    "TraceContext",
    "TraceState",
    "ValidationError",
    "WorkflowAttributes",
    "__version__",
    "agent",
    "configure",
    "end_all_sessions",
    "end_session",
    "end_trace",
    "flush",
    "get_client",
    "get_current_span",
    "guardrail",
    "init",
    "logger",
    "operation",
    "print_validation_summary",
    "record",
    "session",
    "shutdown",
    "start_session",
    "start_trace",
    "task",
    "tool",
    "trace",
    "tracer",
    "track_agent",
    "track_endpoint",
    "track_tool",
    "update_trace_metadata",
    "validate_trace_spans",
    "workflow",
]

_NAMES: Final = {
    "opentelemetry.trace": "StatusCode get_current_span",
    "agentops.client": "Client get_client",
    "agentops.decorators": "agent guardrail operation session task tool trace track_endpoint workflow",
    "agentops.exceptions": "ValidationError",
    "agentops.integration.callbacks.langchain": "AsyncLangchainCallbackHandler LangchainCallbackHandler",
    "agentops.legacy": "ActionEvent ErrorEvent LLMEvent ToolEvent record track_agent track_tool",
    "agentops.lifetime": "flush shutdown",
    "agentops.logging": "logger",
    "agentops.metadata": "update_trace_metadata",
    "agentops.options": "Config Configuration",
    "agentops.sdk.core": "tracer",
    "agentops.semconv": "AgentAttributes CoreAttributes SpanAttributes SpanKind ToolAttributes WorkflowAttributes",
    "agentops.sessions.api": "configure end_all_sessions end_session end_trace init start_session start_trace",
    "agentops.sessions.session": "Session TraceContext",
    "agentops.sessions.states": "ERROR SUCCESS UNSET TraceState",
    "agentops.validation": "print_validation_summary validate_trace_spans",
}
_HOMES: Final = {name: home for home, names in _NAMES.items() for name in names.split()}
_MODULES: Final = frozenset(
    ("client", "config", "enums", "exceptions", "helpers", "instrumentation", "integration", "legacy", "sdk", "semconv", "validation")
)
"""Modules that programs reach as attributes without importing them."""


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
