"""Real receivers as processes on loopback, and the programs whose telemetry they are read back for."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.process import PythonRunner, clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

DEMO = Path(__file__).parents[2] / "examples" / "agent.py"
CREW = Path(__file__).with_name("receiver_crew.py")
QUESTION = "What is the weather like in Paris?"
_READY_SECONDS = 240


class UnansweredError(RuntimeError):
    """A receiver did not come up; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What the services billed a program for."""

    requests: int
    input_tokens: int
    output_tokens: int


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Sequence[object], folder: Path, ready: Callable[[], bool], env: Mapping[str, str] | None = None) -> Iterator[None]:
    """The receiver while it runs, once `ready()` is true, with settings of nobody but the test. Raises UnansweredError."""
    log = folder / "receiver.log"
    with log.open("wb") as output:
        whole = {**clean_environment(), "HOME": str(folder), **(env or {})}
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=whole,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + _READY_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise UnansweredError(f"{command[0]} (exit status {process.poll()})\n{log.read_text('utf-8', 'replace')[-4000:]}")
            time.sleep(0.1)
        yield
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """The process and what it started: a group of its own."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, 9)
    except ProcessLookupError:
        pass
    process.wait()


def answers(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, seconds: float = 60) -> bool:
    """Whether a request is answered with success."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, dict(headers or {})), timeout=seconds):
            return True
    except OSError:
        return False


def asked(url: str, body: Any = None) -> Any:
    """The JSON that a GET, or a POST of `body` as JSON, is answered with. AssertionError with the answer where it is refused."""
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, {"content-type": "application/json"}), timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{url}: {error.code} {error.read().decode('utf-8', 'replace')[:2000]}") from error


def eventually(look: Callable[[], Any], seconds: float = 60) -> Any:
    """What `look()` finds once it finds something: receivers store what they acknowledge a little later."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"nothing after {seconds} s"
        time.sleep(0.2)
    return found


def record(folder: Path, program: Path, env: Mapping[str, str]) -> Bill:
    """Run a program as its user does, `opentelemetry-instrument python …`, against services on loopback."""
    runner = PythonRunner(folder, folder / "local")
    with FakeOpenAI() as openai, FakeAnthropic() as anthropic:
        services = {"OPENAI_BASE_URL": openai.base_url, "ANTHROPIC_BASE_URL": anthropic.base_url}
        # Receivers on a busy machine take longer than exporters wait by default.
        keys = {"OPENAI_API_KEY": "key", "ANTHROPIC_API_KEY": "key", "OTEL_SERVICE_NAME": program.stem, "OTEL_EXPORTER_OTLP_TIMEOUT": "60"}
        done = runner(program.read_text("utf-8"), env={**services, **keys, **env}, args=[QUESTION], instrument=True, timeout=120)
        assert not re.search("fail|agentops:", done.stderr, re.IGNORECASE), done.stderr
        served = [each for server in (openai, anthropic) for each in server.served()]
    return Bill(len(served), sum(each.input_tokens for each in served), sum(each.output_tokens for each in served))
