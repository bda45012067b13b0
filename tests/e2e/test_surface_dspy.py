"""The DSPy handler with real DSPy, whose dependencies are too many and too narrow for the test environment: in one of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
PROGRAM = """
import asyncio
import agentops, dspy
from dspy.utils import DummyLM
from agentops.integration.callbacks.dspy import DSPyCallbackHandler

def add(a: int, b: int) -> int:
    return a + b

def fail() -> None:
    raise LookupError("x")

agentops.init(auto_start_session=False)
with agentops.start_trace("w"):
    lm = DummyLM([{"answer": "blue", "reasoning": "it is"}] * 2)
    dspy.configure(lm=lm, callbacks=[DSPyCallbackHandler(auto_session=False)])
    thought = dspy.ChainOfThought("question -> answer")
    assert thought(question="sky?").answer == "blue"
    assert asyncio.run(thought.acall(question="sky?")).answer == "blue"
    assert dspy.Tool(add)(a=1, b=2) == 3
    try:
        dspy.Tool(fail)()
    except LookupError:
        pass
"""


@pytest.fixture(scope="module")
def python_with_dspy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dspy")
    python = folder / "bin" / "python"
    for command in (
        ["venv", "--quiet", "--python", sys.executable, folder],
        ["pip", "install", "--quiet", "--python", python, "dspy", ROOT],
    ):
        done = subprocess.run([str(UV), *map(str, command)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return python


@pytest.mark.e2e
def test_modules_tools_and_model_calls(run_python: PythonRunner, otlp_sink: OtlpSink, python_with_dspy: Path) -> None:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    run_python(PROGRAM, env=env, python=python_with_dspy, timeout=120)
    spans = {span.span_id: span for span in otlp_sink.wait_for_spans(9)}

    def path(span_id: str) -> str:
        span = spans[span_id]
        return f"{path(span.parent_span_id)} > {span.name}" if span.parent_span_id else span.name

    thought = ["invoke_workflow w > operation ChainOfThought"]
    predicted = [f"{thought[0]} > operation Predict"]
    called = [f"{predicted[0]} > chat dummy"]
    tools = ["invoke_workflow w > execute_tool add", "invoke_workflow w > execute_tool fail"]
    assert sorted(map(path, spans)) == sorted(["invoke_workflow w", *tools, *2 * (thought + predicted + called)])
    (failed,) = [span for span in spans.values() if span.name == "execute_tool fail"]
    assert (failed.status_code, failed.attributes["error.type"]) == ("ERROR", "LookupError")
