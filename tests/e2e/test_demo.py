"""`make demo`'s program records the example agent and shows it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.fakes.process import clean_environment

ROOT = Path(__file__).parents[2]


def agentops(*arguments: str) -> str:
    command = [sys.executable, "-m", "agentops", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout


def test_the_demo_records_four_sessions_and_shows_the_latest(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples.demo", str(tmp_path)],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    sessions = json.loads(agentops("sessions", "--json", "--dir", str(tmp_path)))["sessions"]
    assert sorted(session["name"] for session in sessions) == ["default", "default", "museum", "weather"]
    assert {session["llm_calls"] for session in sessions} == {5}
    assert {session["errors"] for session in sessions} == {1}
    assert "$ agentops show latest" in done.stdout
    assert done.stdout.count("chat gpt-4o-mini") == 3
    assert "openai.NotFoundError" in done.stdout


def test_the_demo_says_what_real_needs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "examples.demo", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env={**clean_environment(), "REAL": "1"}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "OPENAI_API_KEY" in done.stderr
