"""Programs run under every way of starting, and what arrived where: shared by the tests of wiring and of the environment."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fakes.agentops_backend import FakeAgentOps
from tests.fakes.otlp_sink import OtlpSink
from tests.fakes.process import PythonRunner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.fakes.otlp_sink import SinkSpan

KEY = "00000000-1111-2222-3333-444444444444"
OTLP = {"OTEL_EXPORTER_OTLP_ENDPOINT": "{otlp}"}
BOTH = {**OTLP, "AGENTOPS_API_KEY": KEY}
PROGRAM = """
from opentelemetry import trace
with trace.get_tracer("program").start_as_current_span("work"):
    pass
print("done")
"""

ALL_SIGNALS = """
from opentelemetry import _logs, metrics, trace
with trace.get_tracer("program").start_as_current_span("work"):
    metrics.get_meter("program").create_counter("things").add(1)
    _logs.get_logger("program").emit(_logs.LogRecord(body="said", severity_number=_logs.SeverityNumber.INFO))
"""

IN_A_SESSION = """
import agentops
from opentelemetry import trace
session = agentops.init()
with trace.get_tracer("program").start_as_current_span("work"):
    pass
session.end()
from agentops.wiring import destinations
print(destinations().content, session.session_id)
"""


@dataclass(frozen=True)
class Start:
    """How a program is started. `{otlp}` in a value stands for the OTLP receiver's URL."""

    env: Mapping[str, str] = field(default_factory=dict)
    instrument: bool = True
    sitecustomize: bool = False
    pythonpath: Sequence[Path] = ()
    program: str = PROGRAM


@dataclass(frozen=True)
class Outcome:
    """What a program left behind."""

    output: str
    errors: str
    agentops: FakeAgentOps
    otlp: OtlpSink
    stored: list[dict]

    def copies(self, name: str = "work") -> tuple[int, int, int]:
        """How often a span arrived at AgentOps, at the OTLP receiver and in the local store."""
        return len(self.agentops.spans(name)), len(self.otlp.spans(name)), sum(span["name"] == name for span in self.stored)

    def span(self, name: str = "work") -> SinkSpan:
        """The one span of that name at the OTLP receiver."""
        (found,) = self.otlp.spans(name)
        return found


def run(start: Start, folder: Path) -> Outcome:
    """Run to the end with receivers of its own; a status other than 0 is an AssertionError."""
    folder.mkdir(parents=True, exist_ok=True)
    local = folder / "local"
    runner = PythonRunner(folder, local)
    with FakeAgentOps(KEY) as agentops, OtlpSink() as otlp:
        env = dict(agentops.places)
        env |= {name: value.format(otlp=otlp.url) for name, value in start.env.items()}
        pythonpath = [*([loader_folder()] if start.sitecustomize else []), *start.pythonpath]
        done = runner(start.program, env=env, instrument=start.instrument and not start.sitecustomize, pythonpath=pythonpath)
    return Outcome(done.stdout, done.stderr, agentops, otlp, stored_spans(local))


def loader_folder() -> Path:
    """The folder whose `sitecustomize` starts auto-instrumentation."""
    return Path(str(distribution("opentelemetry-instrumentation").locate_file("opentelemetry/instrumentation/auto_instrumentation")))


def listed_first(name: str, folder: Path) -> Path:
    """A folder that, first on the import path, makes the distribution `name` the first whose entry points are seen."""
    installed = Path(str(distribution(name).locate_file("")))
    (metadata,) = installed.glob(f"{name.replace('-', '_')}-*.dist-info")
    shutil.copytree(metadata, folder / metadata.name, dirs_exist_ok=True)
    return folder


def stored_spans(folder: Path) -> list[dict]:
    """Every span in the local store, in the JSON of OTLP."""
    lines = [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text(encoding="utf-8").splitlines()]
    return [
        span for line in lines for resource in line.get("resourceSpans", ()) for scope in resource["scopeSpans"] for span in scope["spans"]
    ]


def started(tmp_path: Path, program: str, env: Mapping[str, str], **how: object) -> Outcome:
    return run(Start(env, program=program, **how), tmp_path)  # type: ignore[arg-type]


def same_session(outcome: Outcome) -> str:
    """The content mode the program printed, after checking that every copy of `work` is in the session it printed."""
    mode, session_id = outcome.output.split()
    for span in (*outcome.agentops.spans("work"), *outcome.otlp.spans("work")):
        assert span.attributes["session.id"] == session_id
        assert span.trace_id == session_id.replace("-", "")
    return mode
