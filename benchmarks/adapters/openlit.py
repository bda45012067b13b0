"""OpenLIT, which takes up the providers that are there and instruments whatever it finds."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import openlit
from opentelemetry import _logs, metrics, trace

if TYPE_CHECKING:
    from collections.abc import Callable

_OF_HTTP = ["asgi", "httpx", "requests", "urllib", "urllib3", "aiohttp-client"]
"""Not what is compared."""


def instrument(pipeline: Any) -> None:
    """Make the pipeline global and initialise; prices from an empty file, because it fetches them from the network."""
    trace.set_tracer_provider(pipeline.tracers)
    metrics.set_meter_provider(pipeline.meters)
    _logs.set_logger_provider(pipeline.loggers)
    prices = Path(mkdtemp(), "prices.json")
    prices.write_text("{}", encoding="utf-8")
    openlit.init(pricing_json=str(prices), disabled_instrumentors=_OF_HTTP, capture_message_content=pipeline.content)


def decorators(function: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """The function with a span a call."""
    return {"operation": openlit.trace(function)}
