"""What is known of the machine and the process."""

from __future__ import annotations

from typing import Any

from opentelemetry import trace

from agentops.config import settings

_ENVIRONMENT = ("host.", "os.", "process.", "container.", "service.", "telemetry.")


def get_host_env(opt_out: bool = False) -> dict[str, Any]:
    """The host environment that sessions carry as their resource; empty with `opt_out`, `env_data_opt_out` or before recording."""
    resource = getattr(trace.get_tracer_provider(), "resource", None)
    if opt_out or settings().env_data_opt_out or resource is None:
        return {}
    return {name: value for name, value in resource.attributes.items() if name.startswith(_ENVIRONMENT)}
