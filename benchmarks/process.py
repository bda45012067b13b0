"""Measured processes: their environment, and talking to one that answers a line of JSON for a line of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any

from benchmarks.environments import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


class FailedError(RuntimeError):
    """A measured process ended before it was asked to; the text is the last line it said."""


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The variables of a measured process: nothing of the caller's that could configure telemetry."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", **settings}


class Worker:
    """A measured process, answering one line for each line. Raises `FailedError` where it answers no more."""

    def __init__(self, python: Path, module: str, arguments: Sequence[str], variables: Mapping[str, str]) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [str(python), "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            cwd=ROOT,
            env=environment(variables),
            text=True,
            bufsize=1,
        )
        self.versions = self.read()

    def ask(self, **what: Any) -> dict[str, Any]:
        """One question and its answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(what) + "\n")
        except OSError as error:
            raise FailedError(self._last_words()) from error
        return self.read()

    def close(self) -> None:
        """End it; what it still had to export at its exit is of no interest."""
        self._process.kill()
        self._process.communicate()
        self._said.close()

    def read(self) -> dict[str, Any]:
        """Its next answer."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise FailedError(self._last_words())
        return json.loads(line)

    def _last_words(self) -> str:
        self._process.wait()
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip()
        return said.rpartition("\n")[2] or f"ended with {self._process.returncode}, saying nothing"
