"""This project's OpenAI instrumentor, as OpenTelemetry's loader or a user instruments it, and its API for sessions and decorators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agentops_instrumentors.openai import OpenAIInstrumentor

if TYPE_CHECKING:
    from collections.abc import Callable


def instrument(pipeline: Any) -> None:
    """Instrument with the given pipeline."""
    OpenAIInstrumentor().instrument(tracer_provider=pipeline.tracers, meter_provider=pipeline.meters, logger_provider=pipeline.loggers)


def decorators(function: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """The function with a span a call."""
    import agentops

    return {"operation": agentops.operation(function), "tool": agentops.tool(function), "agent": agentops.agent(function)}


def initialise(pipeline: Any) -> None:
    """What `agentops.init()` does on the program's own providers, of an environment that sends nowhere else."""
    from opentelemetry import metrics, trace

    import agentops

    trace.set_tracer_provider(pipeline.tracers)
    metrics.set_meter_provider(pipeline.meters)
    agentops.init(auto_start_session=False, instrument_llm_calls=False)


def session() -> None:
    """Start a session and end it."""
    import agentops

    agentops.end_trace(agentops.start_trace("session"), "Success")


def open_session() -> object:
    """A session that stays open."""
    import agentops

    return agentops.start_trace("session")
