"""Names of metrics."""

from __future__ import annotations

from agentops_instrumentors.core import semconv


class Meters:
    """Metrics of model calls."""

    LLM_TOKEN_USAGE = semconv.METRIC_TOKEN_USAGE
    LLM_OPERATION_DURATION = semconv.METRIC_OPERATION_DURATION
    LLM_STREAMING_TIME_TO_FIRST_TOKEN = semconv.METRIC_TIME_TO_FIRST_CHUNK
