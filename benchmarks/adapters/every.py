"""All of this project's instrumentors, as OpenTelemetry's loader finds them."""

from __future__ import annotations

from typing import Any

from opentelemetry.util._importlib_metadata import entry_points


def instrument(tracers: Any, meters: Any, loggers: Any) -> None:
    """Instrument with the given providers."""
    for point in entry_points(group="opentelemetry_instrumentor"):
        if point.name.startswith("agentops_"):
            point.load()().instrument(tracer_provider=tracers, meter_provider=meters, logger_provider=loggers)
