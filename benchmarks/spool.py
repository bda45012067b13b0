"""What a span costs the program with a spool, beside the SDK's batch processor in front of an exporter: `python -m benchmarks.spool`.

Microseconds of the ending thread's own CPU time for each span, the best of several runs; the threads behind write and send meanwhile.
"""

from __future__ import annotations

import os
import tempfile
import time
from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from tests.fakes.otlp_sink import OtlpSink

if TYPE_CHECKING:
    from collections.abc import Callable

SPANS = 200
RUNS = 30
ATTRIBUTES: dict[str, Any] = {
    **{f"gen_ai.request.parameter_{number}": number for number in range(10)},
    "gen_ai.operation.name": "chat",
    "gen_ai.input.messages": "x" * 1000,
    "gen_ai.output.messages": "x" * 1000,
}


class Nothing(SpanProcessor):
    """Does nothing."""


def batched(url: str) -> SpanProcessor:
    return BatchSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces"))


def spooled(url: str) -> SpanProcessor:
    from agentops.export.otlp import Target
    from agentops.spool.place import Place
    from agentops.spool.processors import SpoolSpanProcessor
    from agentops.spool.receivers import SpooledOtlp
    from agentops.spool.spool import Spool

    target = Target("traces", f"{url}/v1/traces")
    return SpoolSpanProcessor(Spool(Place("otlp", "traces", target.url, ""), SpooledOtlp(target, "the benchmark", keeps=True)))


def measured(processor: SpanProcessor) -> float:
    """Microseconds of this thread for a span."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("benchmark")
    best = float("inf")
    for _ in range(RUNS):
        began = time.thread_time()
        for _ in range(SPANS):
            tracer.start_span("chat gpt-4o", attributes=ATTRIBUTES).end()
        best = min(best, time.thread_time() - began)
        provider.force_flush()
    return best / SPANS * 1e6


def main() -> None:
    made: dict[str, Callable[[str], SpanProcessor]] = {"nothing": lambda _: Nothing(), "batch processor": batched, "spool": spooled}
    with OtlpSink() as sink, tempfile.TemporaryDirectory() as folder:
        sink.recording = False
        os.environ["AGENTOPS_LOCAL_DIR"] = folder
        costs = {name: measured(make(sink.url)) for name, make in made.items()}
    for name, cost in costs.items():
        print(f"{name:16} {cost:6.2f} µs a span, {cost - costs['nothing']:5.2f} above a processor that does nothing")


if __name__ == "__main__":
    main()
