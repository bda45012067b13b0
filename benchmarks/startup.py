"""Start-up: fresh interpreters with and without the instrumentor, in the same environment, alternating.

`wall` runs from the interpreter's launch to the line after the last import; `cpu` is the whole process with its exit, threads included.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.adapters import EVERY, FOUND
from benchmarks.environments import ROOT
from benchmarks.process import ANSWER_S, FailedError, bounded, last_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SDK = "from benchmarks.pipeline import Pipeline\npipeline = Pipeline()\n"
_LOADER = "import opentelemetry.instrumentation.auto_instrumentation._load\n"
_OPENAI = """
import openai
client = openai.OpenAI(api_key="none")
client.chat.completions, client.embeddings, client.responses
"""
_READY = "\nimport sys, time; sys.stdout.write(str(time.monotonic_ns())); sys.stdout.flush()\n"


@dataclass(frozen=True, slots=True)
class Program:
    """A program's imports before and after the line that instruments it."""

    name: str
    before: str
    after: str = ""

    def source(self, module: str | None) -> str:
        """The program, instrumented by the adapter's `module` unless that is None."""
        line = f"from {module} import instrument\ninstrument(pipeline)\n" if module else ""
        # Both load what finds the adapter, so that only the adapter itself differs.
        return f"import benchmarks.adapters\n{self.before}{line}{self.after}{_READY}"


PROGRAMS = (
    Program("OpenTelemetry SDK, no openai", _SDK),
    Program("OpenTelemetry SDK, then openai", _SDK, _OPENAI),
)

EVERY_PROVIDER = (
    (EVERY, Program("every provider, by hand", _SDK)),
    (FOUND, Program("every provider, by entry points", _SDK)),
    (EVERY, Program("every provider, by hand, after OpenTelemetry's loader", f"{_LOADER}{_SDK}")),
)
"""All instrumentors in an environment with all vendors' SDKs, none of them imported. The loader is what `opentelemetry-instrument` runs
beforehand: most of what the first instrumentor brings, OpenTelemetry's base class of it, is there already."""


def launch(python: Path, source: str, environment: Mapping[str, str], within: float = ANSWER_S) -> tuple[int, int]:
    """Run `source` in a fresh interpreter; wall nanoseconds until it is ready, CPU nanoseconds of the whole process.

    Raises `FailedError`.
    """
    command = [str(python), "-c", source]
    with tempfile.TemporaryFile() as said:
        began = time.monotonic_ns()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, cwd=ROOT, env=dict(environment))
        with process, bounded(process, within):
            assert process.stdout is not None
            ready = process.stdout.read()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise FailedError(last_words(process, said))
    return int(ready) - began, int((used.ru_utime + used.ru_stime) * 1e9)
