"""A measured process: how fast an exporter hands over spans. `python -m benchmarks.throughput KIND PORT COUNT` prints one JSON value.

The spans are those of chats with content. They are made beforehand and exported in batches of 512, as the `BatchSpanProcessor` does;
the clock stops when everything has been handed over and what the exporter still holds has been sent.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from importlib import import_module
from time import perf_counter_ns, process_time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import TracerProvider

from benchmarks.attributes import CHAT
from benchmarks.worker import answers

if TYPE_CHECKING:
    from collections.abc import Callable

_BATCH = 512


def _otlp(port: int) -> Any:
    module = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    return module.OTLPSpanExporter(endpoint=f"http://127.0.0.1:{port}/v1/traces")


def _ours(port: int) -> Any:
    os.environ["AGENTOPS_API_ENDPOINT"] = f"http://127.0.0.1:{port}"
    module = import_module("agentops.export.backend")
    key = "00000000-0000-0000-0000-000000000000"
    return module.AgentOpsSpanExporter(endpoint=f"http://127.0.0.1:{port}/v1/traces", api_key=key)


def _agentops(port: int) -> Any:
    module = import_module("agentops.sdk.exporters")
    return module.AuthenticatedOTLPExporter(endpoint=f"http://127.0.0.1:{port}/v1/traces", jwt="token")


def _local(port: int) -> Any:
    return import_module("agentops.store.exporter").LocalSpanExporter()


_KINDS: dict[str, Callable[[int], Any]] = {"ours": _ours, "local": _local, "otlp": _otlp, "agentops": _agentops}


def _spans(count: int) -> list[Any]:
    provider = TracerProvider()
    tracer = provider.get_tracer("benchmark", "1")
    made = [tracer.start_span("chat gpt-4o-mini", attributes={**CHAT, "gen_ai.response.id": f"chatcmpl-{n}"}) for n in range(count)]
    for span in made:
        span.end()
    return made


def main(kind: str, port: int, count: int) -> None:
    """Export and print."""
    out = answers()
    exporter = _KINDS[kind](port)
    spans = _spans(count + _BATCH)
    warm, spans = spans[:_BATCH], spans[_BATCH:]
    exporter.export(warm)
    exporter.force_flush()
    gc.collect()
    cpu, wall = process_time_ns(), perf_counter_ns()
    for first in range(0, count, _BATCH):
        exporter.export(spans[first : first + _BATCH])
    exporter.force_flush()
    said = {"wall": perf_counter_ns() - wall, "cpu": process_time_ns() - cpu, "spans": count + _BATCH}
    print(json.dumps(said), file=out)
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
