"""Listening from a command line: until a signal, for some seconds, or for as long as a command runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from agentops_conformance.listen import Listener

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import FrameType, TracebackType

    from agentops_conformance.otlp import Collector

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PROTOCOL: Final = "OTEL_EXPORTER_OTLP_PROTOCOL"
_OF_A_SIGNAL: Final = tuple(
    f"OTEL_EXPORTER_OTLP_{signal_name}_{what}" for signal_name in ("TRACES", "METRICS", "LOGS") for what in ("ENDPOINT", "PROTOCOL")
)
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_GRACE_SECONDS: Final = 10
_POLL_SECONDS: Final = 0.1
_BY_SIGNAL: Final = 128
_ERROR: Final = 2


class Session:
    """Receives into `collector`, and into the file `save` where one is given, between `with`. Raises OSError if it cannot."""

    def __init__(self, collector: Collector, save: Path | None, host: str, port: int) -> None:
        self._collector = collector
        self._save = save
        self._address = (host, port)
        self._stop = threading.Event()
        self._received = 0
        self._unsaved = False
        self._signal = 0
        self._open = ExitStack()

    def __enter__(self) -> Session:
        with ExitStack() as opening:
            self._file = opening.enter_context(self._save.open("ab", buffering=0)) if self._save else None
            self._listener = opening.enter_context(Listener(self._keep, *self._address))
            if threading.current_thread() is threading.main_thread():
                for number in _SIGNALS:
                    opening.callback(signal.signal, number, signal.signal(number, self._stopped))
            self._open = opening.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._open.close()

    def wait(self, seconds: float | None) -> int:
        """Receive until SIGINT or SIGTERM, or for so many seconds; 0, or 2 where not all could be saved."""
        say(f"listening for OTLP over HTTP{f' for {seconds:g} s' if seconds else ''}, until Ctrl-C: set {ENDPOINT}={self._listener.url}")
        self._until(seconds, lambda: False)
        return _ERROR if self._unsaved else 0

    def run(self, command: Sequence[str], seconds: float | None) -> int:
        """Receive while a command runs whose exporters send here; its exit code. It is ended after so many seconds, or by a signal."""
        environment = {name: value for name, value in os.environ.items() if name not in _OF_A_SIGNAL}
        environment |= {ENDPOINT: self._listener.url, _PROTOCOL: "http/protobuf"}
        with subprocess.Popen(command, env=environment) as process:
            self._until(seconds, lambda: process.poll() is not None)
            self._end(process)
        code = process.returncode
        if code:
            say(f"{command[0]} ended with {f'signal {-code}' if code < 0 else f'exit code {code}'}")
        if self._unsaved and not code:
            return _ERROR
        return code if code >= 0 else _BY_SIGNAL - code

    def _keep(self, line: bytes) -> bool:
        self._received += 1
        taken = self._collector.add(line, f"export {self._received}")
        if taken and self._file is not None and not self._unsaved:
            try:
                self._file.write(line + b"\n")
            except OSError as error:
                self._unsaved = True
                say(f"nothing more is saved to {self._save}: {error}")
        return taken

    def _stopped(self, number: int, frame: FrameType | None) -> None:
        self._signal = number
        self._stop.set()

    def _until(self, seconds: float | None, done: Callable[[], bool]) -> None:
        deadline = None if seconds is None else time.monotonic() + seconds
        # In short waits, because one without an end cannot be interrupted everywhere.
        while not done() and not self._stop.wait(_POLL_SECONDS):
            if deadline is not None and time.monotonic() > deadline:
                return

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End a command that outlives us; Ctrl-C at a terminal has reached it already."""
        endings: list[Callable[[], None]] = [process.terminate, process.kill]
        if self._signal == signal.SIGINT:
            endings.insert(0, lambda: None)
        for end in endings:
            if process.poll() is not None:
                return
            end()
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                continue


def say(text: str) -> None:
    """Tell the user, beside the report."""
    print(text, file=sys.stderr, flush=True)
