"""Programs killed at random moments while they record, one after the other on the same spools, and what must have arrived by then.

Each round's process takes over what those before it left, and may be killed while it does.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.fakes.otlp_sink import Behaviour
from tests.fakes.process import clean_environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.agentops_backend import FakeAgentOps
    from tests.fakes.otlp_sink import OtlpSink

KEY: Final = "0f6f0e3a-61f1-4c2f-9a58-1d7a3a0f7b11"
TICK_SECONDS: Final = 0.02
TICKS: Final = 10
"""A span counts that ended before the last ten ticks: 200 ms in which the interpreter ran threads."""
TEMPLATE: Final = """
import json, os, sys, threading, time
import agentops, agentops.spool.attach, agentops.distro, agentops.wiring
from opentelemetry import trace

def work(plan):
    journal = os.open(plan["journal"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    def note(text):
        os.write(journal, text.encode() + b"\\n")
    agentops.init(auto_start_session=False)
    agentops.start_trace(f"root {plan['round']}")
    note(f"root {plan['round']}")
    tracer = trace.get_tracer("crash")
    def record(number):
        for count in range(10**9):
            name = f"{plan['round']}.{number}.{count}"
            with tracer.start_as_current_span(name, attributes={"filling": "x" * plan["filling"]}):
                pass
            note(name)
            time.sleep(plan["pause"])
    for number in range(plan["threads"]):
        threading.Thread(target=record, args=(number,), daemon=True).start()
    while True:
        time.sleep(%r)
        note("tick")

for line in sys.stdin:
    plan = json.loads(line)
    pid = os.fork()
    if pid == 0:
        work(plan)
    print(pid, flush=True)
    os.waitpid(pid, 0)
    print("dead", flush=True)
""" % (TICK_SECONDS,)  # noqa: UP031
AFTER: Final = "import agentops\nagentops.init(auto_start_session=False)\n"
WAYS: Final = (
    Behaviour(),
    Behaviour(delay=0.05),
    Behaviour(status=503),
    Behaviour(status=500),
    Behaviour(status=429, retry_after=1),
    Behaviour(drop=True),
    Behaviour(hang=True),
)


@dataclass(slots=True)
class Crashes:
    """Rounds against both kinds of receivers. `expected` are names of spans that must arrive at each of them."""

    folder: Path
    sink: OtlpSink
    backend: FakeAgentOps
    expected: set[str] = field(default_factory=set)
    roots: set[str] = field(default_factory=set)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **clean_environment(),
            **self.backend.env,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.sink.url,
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "AGENTOPS_LOCAL_DIR": str(self.folder / "local"),
            "AGENTOPS_SPOOL": "true",
            "AGENTOPS_EXPORT": "all",
        }

    def run(self, rounds: int, seed: int) -> None:
        """Kill so many programs."""
        rolled = random.Random(seed)
        template = subprocess.Popen(
            [sys.executable, "-c", TEMPLATE], env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert template.stdin is not None
        assert template.stdout is not None
        try:
            for number in range(rounds):
                for receiver in (self.sink, self.backend):
                    receiver.release()
                    receiver.behave(rolled.choice(WAYS), path="/v1/traces")
                    receiver.hold()
                journal = self.folder / f"journal-{number}"
                plan = {
                    "round": number,
                    "journal": str(journal),
                    "threads": rolled.randint(1, 4),
                    "filling": rolled.choice([0, 100, 5000]),
                    "pause": rolled.choice([0.001, 0.005, 0.03]),
                }
                print(json.dumps(plan), file=template.stdin, flush=True)
                pid = int(template.stdout.readline())
                until = time.monotonic() + 60
                ticks, rest = rolled.randint(1, 40), rolled.uniform(0, TICK_SECONDS)
                while not journal.exists() or journal.read_text().count("tick") < ticks:
                    assert time.monotonic() < until
                    time.sleep(0.005)
                time.sleep(rest)
                os.kill(pid, signal.SIGKILL)
                assert template.stdout.readline() == "dead\n"
                self._read(journal)
        finally:
            template.kill()
            template.communicate()

    def recover(self) -> list[str]:
        """Let the receivers take everything, and programs that record nothing run until nothing is left; the files that stay."""
        for receiver in (self.sink, self.backend):
            receiver.release()
            receiver.behave(Behaviour())
        left: list[str] = []
        for _ in range(10):
            done = subprocess.run(
                [sys.executable, "-c", AFTER], env=self.environment, capture_output=True, text=True, timeout=60, check=True
            )
            left = [str(path) for path in (self.folder / "local").rglob("*") if path.is_file() and path.name != "place.json"]
            if not left:
                break
            assert "Traceback" not in done.stderr, done.stderr
        return left

    def missing(self) -> dict[str, set[str]]:
        """What did not arrive, by receiver."""
        names = {
            "otlp": {span.name for span in self.sink.spans()},
            "agentops": {span.name.removesuffix(".session") for span in self.backend.spans()},
        }
        workflows = {f"invoke_workflow {root}" for root in self.roots}
        return {
            "otlp": (self.expected | workflows) - names["otlp"],
            "agentops": (self.expected | self.roots) - names["agentops"],
        }

    def copies(self) -> dict[str, Counter[str]]:
        """How often what came more than once did, by receiver."""
        found = {"otlp": self.sink, "agentops": self.backend}
        counted = {name: Counter(span.name for span in receiver.spans()) for name, receiver in found.items()}
        return {name: Counter({span: count for span, count in counts.items() if count > 1}) for name, counts in counted.items()}

    def _read(self, journal: Path) -> None:
        lines = journal.read_text().splitlines() if journal.exists() else []
        ticks = [place for place, line in enumerate(lines) if line == "tick"]
        if len(ticks) >= TICKS:
            settled = lines[: ticks[-TICKS]]
            self.expected.update(line for line in settled if line != "tick" and not line.startswith("root "))
            self.roots.update(line for line in settled if line.startswith("root "))
