"""Memory stays where it is over thousands of calls, abandoned streams and sessions: the benchmark's own processes, fewer times."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from benchmarks.adapters import OURS
from benchmarks.environments import ROOT
from benchmarks.process import environment
from benchmarks.shape import CONTENT
from benchmarks.targets import MEGABYTE, growth

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("what", "count"), [("calls", 10_000), ("streams", 4_000), ("sessions", 10_000)])
def test_memory_is_flat(what: str, count: int, tmp_path: Path) -> None:
    variables = environment({**OURS.variables(CONTENT), "AGENTOPS_LOCAL_DIR": str(tmp_path)})
    command = [sys.executable, "-m", "benchmarks.growth", OURS.module, what, str(count)]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    samples: list[int] = json.loads(done.stdout)
    assert growth(samples) <= MEGABYTE, samples
