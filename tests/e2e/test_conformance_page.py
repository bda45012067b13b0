"""The samples of `docs/conformance.md` do what the page says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentops_conformance.cli import main
from tests.fakes.process import clean_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
APP, CHECKING = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
TRANSCRIPT, *CONSOLES = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
(DECLARATION,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
BIN = Path(sys.executable).parent


def run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**clean_environment(), "PATH": f"{BIN}:/usr/bin:/bin"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, env=environment, check=False)


def test_the_first_command_prints_what_the_page_shows(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    command, _, shown = TRANSCRIPT.partition("\n")
    done = run(shlex.split(command.removeprefix("$ ")), tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == (shown, "", 1)


def test_the_checker_is_used_from_python_as_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    run(["agentops", "conformance", "--save", "telemetry.jsonl", "--", "python", "app.py"], tmp_path)
    done = run(["python", "-c", CHECKING], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "deprecated" in done.stdout


def test_a_declared_name_is_no_violation(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP.replace('"gen_ai.system"', '"acme.tenant"'), encoding="utf-8")
    (tmp_path / "own.json").write_text(DECLARATION, encoding="utf-8")
    undeclared = run(["agentops", "conformance", "--", "python", "app.py"], tmp_path)
    declared = run(["agentops", "conformance", "--declare", "own.json", "--", "python", "app.py"], tmp_path)
    assert "acme.tenant is not in the registry" in undeclared.stdout
    assert (undeclared.returncode, declared.returncode) == (1, 0)


@pytest.mark.parametrize("line", [line for console in CONSOLES for line in console.splitlines()])
def test_every_command_of_the_page_is_one(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arguments that parse get as far as a file or an address that is not there."""
    *_, arguments = line.removeprefix("$ ").split("agentops conformance ")
    if "--listen" not in arguments:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "folder").mkdir()
        monkeypatch.setattr("sys.stdin", (tmp_path / "stdin").open("w+"))
        assert main(shlex.split(arguments)) == 2
    else:
        words = [word.replace("0.0.0.0:4318", "127.0.0.1:0").replace("60", "0.1") for word in shlex.split(arguments)]
        words += [] if "--for" in words else ["127.0.0.1:0", "--for", "0.1"]
        monkeypatch.chdir(tmp_path)
        assert main(words) == 2


def test_the_page_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    options = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert options == set(re.findall(r"--[a-z][a-z-]+", PAGE))


def test_what_the_page_links_to_exists() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).resolve().exists(), target
