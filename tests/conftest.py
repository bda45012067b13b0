"""Fixtures for the whole suite: real servers on loopback, in-memory providers, subprocesses in a clean environment."""

from __future__ import annotations

import logging
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.fakes.agentops_backend import FakeAgentOps
from tests.fakes.in_memory import InMemory
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.otlp_sink import OtlpSink
from tests.fakes.process import PythonRunner, clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A shell that runs the suite in the background has interrupts ignored, and every program the tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def agentops_local_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test and its subprocesses keep their local store under `tmp_path`; settings of the outer shell do not count."""
    folder = tmp_path / "agentops-local"
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("AGENTOPS_LOCAL_DIR", str(folder))
    return folder


@pytest.fixture
def openai_server() -> Iterator[FakeOpenAI]:
    """A fake OpenAI service; `OpenAI(base_url=openai_server.base_url, api_key="test", max_retries=0)`."""
    with FakeOpenAI() as server:
        yield server


@pytest.fixture
def otlp_sink() -> Iterator[OtlpSink]:
    """A real OTLP/HTTP receiver; its `url` is the endpoint."""
    with OtlpSink() as sink:
        yield sink


@pytest.fixture
def agentops_backend() -> Iterator[FakeAgentOps]:
    """A fake AgentOps that knows one key; `env` is what a program needs to send there."""
    with FakeAgentOps("0f6f0e3a-61f1-4c2f-9a58-1d7a3a0f7b11") as backend:
        yield backend


@pytest.fixture
def in_memory() -> Iterator[InMemory]:
    """Tracer, meter and logger providers that export into memory."""
    with InMemory() as telemetry:
        yield telemetry


class _Keeping(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture
def otel_context_log() -> Iterator[list[str]]:
    """What `opentelemetry.context` logs during the test; anything at all fails it."""
    handler, logger = _Keeping(), logging.getLogger("opentelemetry.context")
    level, disabled = logger.level, logger.disabled
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.disabled = False
    yield handler.messages
    logger.removeHandler(handler)
    logger.setLevel(level)
    logger.disabled = disabled
    assert handler.messages == []


@pytest.fixture
def run_python(tmp_path: Path, agentops_local_dir: Path) -> Iterator[PythonRunner]:
    """`run_python(script, env=..., instrument=True)` runs a script to its end; `run_python.start(...)` leaves it running."""
    runner = PythonRunner(tmp_path, agentops_local_dir)
    yield runner
    runner.close()
