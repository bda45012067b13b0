"""AgentOps' own SDK: the distribution `agentops`, never in one environment with this project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, trace

import agentops
from agentops.instrumentation import instrument_all
from agentops.sdk.core import tracer

if TYPE_CHECKING:
    from collections.abc import Callable

_NOWHERE = "http://127.0.0.1:9"


def instrument(pipeline: Any) -> None:
    """Initialise on the global pipeline; the provider it makes by itself, with exporters that nobody answers, idles."""
    trace.set_tracer_provider(pipeline.tracers)
    metrics.set_meter_provider(pipeline.meters)
    agentops.init(
        api_key="00000000-0000-0000-0000-000000000000",
        endpoint=_NOWHERE,
        exporter_endpoint=f"{_NOWHERE}/v1/traces",
        auto_start_session=False,
        instrument_llm_calls=False,
        log_level="CRITICAL",
    )
    tracer.provider = pipeline.tracers
    instrument_all()


def decorators(function: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """The function with a span a call."""
    return {"operation": agentops.operation(function)}


def session() -> None:
    """Start a session and end it."""
    agentops.end_trace(agentops.start_trace("session"), "Success")
