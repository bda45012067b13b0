"""The counted process: runs under valgrind and says what it had counted, as JSON lines of `[case, setting, clock, process, part, units]`.

Before each call of `os.getpgrp()` valgrind writes what it has counted since the last one; `part` is the number of such a file. Each
setting has a process of its own, forked when all is imported: importing is what takes long under valgrind.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, DEFAULT_ON, ParentBased

from benchmarks.instructions.workload import CASES, CONTENT, NO_CONTENT, SAMPLED_OUT, answer_at_once

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.instructions.workload import Case

CALL, COLLECTION = "call", "collection"
_WARM, _COUNTED = 2, 3
"""How often the calls are made before, so that the interpreter has specialised and caches are warm, and how often counted."""
_NEVER_MS = 3_600_000
_QUEUE = 2048
_CAPTURE = {CONTENT: "SPAN_ONLY", NO_CONTENT: "NO_CONTENT", SAMPLED_OUT: "SPAN_ONLY"}
_parts = count(1)


class Pipeline(NamedTuple):
    """Providers as adapters take them. Nothing happens in the background while calls are counted: what is recorded stays in the queue."""

    tracers: TracerProvider
    meters: MeterProvider
    loggers: LoggerProvider


def main(adapter: str) -> None:
    """Count every setting, each in a forked process."""
    instrument = import_module(adapter).instrument
    answer_at_once()
    for setting, capture in _CAPTURE.items():
        child = os.fork()
        if child == 0:
            os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = capture
            _count(setting, instrument)
            sys.stdout.flush()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            sys.exit(f"counting {setting} failed")


def _count(setting: str, instrument: Callable[[Any], None]) -> None:
    tracers = TracerProvider(sampler=ParentBased(ALWAYS_OFF) if setting == SAMPLED_OUT else DEFAULT_ON)
    tracers.add_span_processor(BatchSpanProcessor(InMemorySpanExporter(), _QUEUE, _NEVER_MS, _QUEUE))
    reader = InMemoryMetricReader()
    loggers = LoggerProvider()
    loggers.add_log_record_processor(BatchLogRecordProcessor(InMemoryLogRecordExporter(), _NEVER_MS, _QUEUE))
    instrument(Pipeline(tracers, MeterProvider([reader]), loggers))
    if "agentops_instrumentors" in sys.modules:
        import_module("agentops_instrumentors.core.cost").ready(600.0)
    for case in CASES:
        if case.setting == setting:
            _count_case(case, reader)


def _count_case(case: Case, reader: InMemoryMetricReader) -> None:
    run = case.prepare()
    for attempt in range(_WARM + _COUNTED):
        gc.collect()
        gc.disable()
        for clock, work in ((CALL, lambda: run(case.times)), (COLLECTION, reader.get_metrics_data)):
            _mark()
            work()
            part = _mark()
            if attempt >= _WARM:
                print(json.dumps([case.name, case.setting, clock, os.getpid(), part, case.times * case.units]))
        gc.enable()


def _mark() -> int:
    os.getpgrp()
    return next(_parts)


if __name__ == "__main__":
    main(sys.argv[1])
