"""All of this project's instrumentors, found by their entry points as OpenTelemetry's loader finds them."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any


def instrument(pipeline: Any) -> None:
    """Instrument with the given pipeline."""
    for point in entry_points(group="opentelemetry_instrumentor"):
        if point.name.startswith("agentops_"):
            point.load()().instrument(
                tracer_provider=pipeline.tracers, meter_provider=pipeline.meters, logger_provider=pipeline.loggers, skip_dep_check=True
            )
