"""Measured processes: their environment, how long they may take, and talking to one that answers a line of JSON for a line of JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from threading import Event, Timer
from typing import IO, TYPE_CHECKING, Any

from benchmarks.environments import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
ANSWER_S = 120.0
"""How long an answer, or a process that answers once, may take; many times what any does."""


class FailedError(RuntimeError):
    """A measured process ended before it was asked to, or did not answer in time; the text says so, or is the last line it said."""


def environment(settings: Mapping[str, str], seed: int = 0) -> dict[str, str]:
    """The variables of a measured process: nothing of the caller's that could configure telemetry. `seed` is that of its hashes."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(seed), **settings}


@contextmanager
def bounded(process: subprocess.Popen[Any], seconds: float) -> Iterator[None]:
    """End `process` where the block fails or takes longer; its `FailedError` says the latter."""
    late = Event()

    def end() -> None:
        late.set()
        _kill(process)

    timer = Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except BaseException as error:
        _kill(process)
        if late.is_set() and isinstance(error, FailedError):
            raise FailedError(f"no answer within {seconds:g} s") from error
        raise
    finally:
        timer.cancel()


def _kill(process: subprocess.Popen[Any]) -> None:
    """End it, and what it forked where it leads a group of its own, even if it is gone itself."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        if process.returncode is None:
            # Not `process.kill()`: that would take the exit status from whoever waits for it.
            os.kill(process.pid, signal.SIGKILL)


def finished(command: Sequence[str], variables: Mapping[str, str], within: float = ANSWER_S) -> str:
    """What a process prints until it ends. Raises `FailedError` where it fails or takes more than `within` seconds."""
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, cwd=ROOT, env=dict(variables), text=True) as process,
        bounded(process, within),
    ):
        assert process.stdout is not None
        printed = process.stdout.read()
        if process.wait():
            raise FailedError(last_words(process, said))
    return printed


def last_words(process: subprocess.Popen[Any], said: IO[bytes]) -> str:
    """The last line of what an ended process said on stderr."""
    said.seek(0)
    text = said.read().decode(errors="replace").strip()
    return text.rpartition("\n")[2] or f"ended with {process.returncode}, saying nothing"


class Worker:
    """A measured process, answering one line for each line. Raises `FailedError` where it answers no more, or not in time."""

    def __init__(
        self, python: Path, module: str, arguments: Sequence[str], variables: Mapping[str, str], *, seed: int = 0, within: float = ANSWER_S
    ) -> None:
        self._within = within
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [str(python), "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            cwd=ROOT,
            env=environment(variables, seed),
            text=True,
            bufsize=1,
            # A group of its own, so that what it forks ends with it.
            start_new_session=True,
        )
        with bounded(self._process, within):
            self.versions = self._read()

    def ask(self, **what: Any) -> dict[str, Any]:
        """One question and its answer."""
        assert self._process.stdin is not None
        with bounded(self._process, self._within):
            try:
                self._process.stdin.write(json.dumps(what) + "\n")
            except OSError as error:
                raise FailedError(self._last_words()) from error
            return self._read()

    def close(self) -> None:
        """End it; what it still had to export at its exit is of no interest."""
        _kill(self._process)
        self._process.communicate()
        self._said.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise FailedError(self._last_words())
        return json.loads(line)

    def _last_words(self) -> str:
        self._process.wait()
        return last_words(self._process, self._said)
