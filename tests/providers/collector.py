"""A garbage collector that runs inside a lock of the OpenTelemetry SDK, as it may at any time."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics import MeterProvider, SimpleFixedSizeExemplarReservoir
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import View

from agentops_instrumentors.core import dropped

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.providers.laboratory import Laboratory


def _collecting(_aggregation: object) -> Callable[..., Any]:
    """A reservoir made with a collection: the SDK makes it inside the lock of the instrument's view."""

    def make(**_options: Any) -> SimpleFixedSizeExemplarReservoir:
        gc.collect()
        return SimpleFixedSizeExemplarReservoir(size=1)

    return make


def run_collecting(laboratory: Laboratory, program: Callable[[], None]) -> None:
    """Run `program`, instrumented, where garbage is collected inside such a lock and nowhere else; fail where it stands still."""
    views = [View(instrument_name="gen_ai.client.operation.duration", exemplar_reservoir_factory=_collecting)]
    meters = MeterProvider([InMemoryMetricReader()], views=views, shutdown_on_exit=False)
    gc.collect()
    gc.disable()
    try:
        with laboratory.instrumented(meter_provider=meters):
            running = threading.Thread(target=program, daemon=True)
            running.start()
            running.join(10)
    finally:
        gc.enable()
    assert not running.is_alive(), "the program stands still"
    gc.collect()
    dropped.flush(10)
