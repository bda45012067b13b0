"""A program that is killed loses nothing that ended 200 ms before, whatever its receivers do meanwhile."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.fakes.agentops_backend import FakeAgentOps
from tests.fakes.otlp_sink import OtlpSink
from tests.unit.spool_crashes import KEY, Crashes

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork")


def crashed(folder: Path, rounds: int, seed: int) -> None:
    with OtlpSink() as sink, FakeAgentOps(KEY) as backend:
        crashes = Crashes(folder, sink, backend)
        crashes.run(rounds, seed)
        assert len(crashes.roots) > rounds / 3
        assert len(crashes.expected) > 10 * rounds
        assert crashes.recover() == []
        assert crashes.missing() == {"otlp": set(), "agentops": set()}
        for copies in crashes.copies().values():
            # Again comes what was under way when its process was killed: the receiver had it, and its answer reached nobody.
            assert len(copies) <= len(crashes.expected) / 2
            assert max(copies.values(), default=0) <= 4


def test_killed_at_random_moments(tmp_path: Path) -> None:
    crashed(tmp_path, 10, seed=1)


@pytest.mark.e2e
@pytest.mark.parametrize("seed", range(2, 6))
def test_killed_at_random_moments_very_often(tmp_path: Path, seed: int) -> None:
    crashed(tmp_path, 50, seed)
