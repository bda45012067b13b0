"""A measured process: one adapter, one setting. JSON lines in, JSON lines out.

`{"case": NAME, "times": N}` answers `{"wall": ns, "cpu": ns, "total": ns}`: CPU of every thread while the calls ran, so that exporting in
the background counts, and with the collection of their metrics, which the reader's thread does once a minute, after them;
`{"recorded": true}` answers what reached the exporters. The first line out says that it is ready, with versions.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from importlib import import_module
from importlib.metadata import version
from time import perf_counter_ns, process_time_ns
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from benchmarks.cases import CASES, SAMPLED_OUT
from benchmarks.pipeline import Pipeline
from benchmarks.transport import Service

if TYPE_CHECKING:
    from collections.abc import Callable


def main(adapter: str, setting: str) -> None:
    """Serve until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints must not look like an answer
    pipeline = Pipeline(sampled=setting != SAMPLED_OUT)
    import_module(adapter).instrument(pipeline.tracers, pipeline.meters, pipeline.loggers)
    client = openai.OpenAI(api_key="none", max_retries=0, http_client=httpx2.Client(transport=Service()))
    actions = {case.name: case.prepare(client) for case in CASES if case.setting == setting}
    print(json.dumps({"openai": openai.__version__, "opentelemetry-sdk": version("opentelemetry-sdk")}), file=answers)
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        said = pipeline.recorded() if "recorded" in asked else _timed(actions[asked["case"]], asked["times"], pipeline)
        print(json.dumps(said), file=answers)


def _timed(action: Callable[[], object], times: int, pipeline: Pipeline) -> dict[str, int]:
    gc.collect()
    cpu, wall = process_time_ns(), perf_counter_ns()
    for _ in range(times):
        action()
    took = {"wall": perf_counter_ns() - wall, "cpu": process_time_ns() - cpu}
    pipeline.collect()
    return {**took, "total": process_time_ns() - cpu}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
