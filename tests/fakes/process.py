"""Runs scripts in interpreters of their own, in an environment without telemetry or vendor settings."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["PythonRunner", "clean_environment"]

_SETTINGS: Final = re.compile(r"^(OTEL_|AGENTOPS_|OPENAI_|AZURE_OPENAI_|TRACEPARENT$|PYTHONPATH$|PYTHONSTARTUP$)|_proxy$", re.IGNORECASE)


def clean_environment() -> dict[str, str]:
    """This process's environment without what would configure telemetry, vendors, proxies or the import path."""
    return {name: value for name, value in os.environ.items() if not _SETTINGS.search(name)}


class PythonRunner:
    """Calling it runs a script to its end; `start` leaves it running. Processes still alive at `close` are killed."""

    def __init__(self, folder: Path, local_dir: Path) -> None:
        self._folder = folder
        self._local_dir = local_dir
        self._numbers = itertools.count(1)
        self._running: list[subprocess.Popen[str]] = []

    def __call__(
        self,
        script: str,
        *,
        env: Mapping[str, str] | None = None,
        instrument: bool = False,
        args: Sequence[str] = (),
        pythonpath: Sequence[Path | str] = (),
        python: Path | str = sys.executable,
        stdin: str | None = None,
        timeout: float = 60,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run `script` (source text), under `opentelemetry-instrument` with `instrument`.

        `env` is added to the clean environment, `pythonpath` is its whole PYTHONPATH, `python` another interpreter to use.
        With `check` an exit status other than 0 is an AssertionError that shows the output.
        """
        process = self.start(script, env=env, instrument=instrument, args=args, pythonpath=pythonpath, python=python)
        try:
            output, errors = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired as late:
            process.kill()
            output, errors = process.communicate()
            raise AssertionError(f"still running after {timeout} s\n{output}\n{errors}") from late
        done = subprocess.CompletedProcess(process.args, process.returncode, output, errors)
        assert not check or done.returncode == 0, f"exit status {done.returncode}\n{output}\n{errors}"
        return done

    def start(
        self,
        script: str,
        *,
        env: Mapping[str, str] | None = None,
        instrument: bool = False,
        args: Sequence[str] = (),
        pythonpath: Sequence[Path | str] = (),
        python: Path | str = sys.executable,
    ) -> subprocess.Popen[str]:
        """The script running, with pipes for its three streams."""
        path = self._folder / f"script_{next(self._numbers)}.py"
        path.write_text(script, encoding="utf-8")
        launcher = [str(Path(python).with_name("opentelemetry-instrument"))] if instrument else []
        whole = {**clean_environment(), "AGENTOPS_LOCAL_DIR": str(self._local_dir), **(env or {})}
        if pythonpath:
            whole["PYTHONPATH"] = os.pathsep.join(map(str, pythonpath))
        process = subprocess.Popen(
            [*launcher, str(python), str(path), *args],
            env=whole,
            cwd=self._folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._running.append(process)
        return process

    def close(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.communicate()
