"""Tools that the tool runner runs."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from opentelemetry.trace import SpanKind, StatusCode

from tests.providers.anthropic.test_recording import ASKED
from tests.providers.anthropic.vendor import MODEL

if TYPE_CHECKING:
    from tests.fakes.anthropic_server import FakeAnthropic
    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner
    from tests.providers.anthropic.conftest import AnthropicRecorder

EXAMPLE = Path(__file__).parents[3] / "examples" / "anthropic_messages.py"


@pytest.mark.parametrize("streamed", [False, True])
def test_the_tool_runner(record: AnthropicRecorder, streamed: bool) -> None:
    @anthropic.beta_tool
    def tides(port: str) -> str:
        """Tides of a port."""
        return f"high at noon in {port}"

    runner: Any = record.client.beta.messages.tool_runner(**ASKED, tools=[tides], stream=streamed)
    for turn in runner:
        if streamed:
            turn.get_final_message()
    record.telemetry.assert_balanced(3)
    asked, ran, answered = record.telemetry.spans()
    assert [span.name for span in (asked, ran, answered)] == [f"chat {MODEL}", "execute_tool tides", f"chat {MODEL}"]
    assert (ran.kind, ran.status.status_code) == (SpanKind.INTERNAL, StatusCode.UNSET)
    told: Any = ran.attributes
    assert json.loads(told["gen_ai.tool.call.arguments"]) == {"port": "there"}
    assert json.loads(told["gen_ai.tool.call.result"]) == "high at noon in there"
    assert told["gen_ai.tool.description"] == "Tides of a port."
    (call,) = json.loads(str((asked.attributes or {})["gen_ai.output.messages"]))[0]["parts"]
    assert told.get("gen_ai.tool.call.id", call["id"]) == call["id"]
    assert json.loads(str((answered.attributes or {})["gen_ai.output.messages"]))[0]["parts"][0]["content"].startswith("The result is")


def test_the_tool_runner_asynchronously_with_a_failing_tool(record: AnthropicRecorder) -> None:
    @anthropic.beta_async_tool
    async def tides(port: str) -> str:
        """Tides of a port."""
        raise LookupError(port)

    async def run() -> None:
        async with record.async_client() as client:
            runner: Any = client.beta.messages.tool_runner(**ASKED, tools=[tides])
            async for _turn in runner:
                pass

    logging.getLogger("anthropic.lib.tools._beta_runner").disabled = True
    asyncio.run(run())
    record.telemetry.assert_balanced(3)
    (ran,) = record.telemetry.spans("execute_tool tides")
    assert (ran.status.status_code, (ran.attributes or {})["error.type"]) == (StatusCode.ERROR, "LookupError")


def test_the_example_is_one_session(run_python: PythonRunner, recorded_anthropic: FakeAnthropic, otlp_sink: OtlpSink) -> None:
    """Also where the SDK's own span is around the tool runner's calls."""
    recorded_anthropic.reset()
    environment = {
        "ANTHROPIC_BASE_URL": recorded_anthropic.base_url,
        "ANTHROPIC_API_KEY": "test",
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url,
    }
    done = run_python(EXAMPLE.read_text("utf-8"), env=environment, instrument=True)
    assert (done.stdout, done.stderr) == ("The result is: 6.9 m\nIn short: The result is: 6.9 m\n", "")
    spans = otlp_sink.spans()
    assert len({span.trace_id for span in spans}) == 1
    names = sorted(span.name for span in spans if not span.name.startswith("anthropic."))
    assert names == ["agentops.session", *[f"chat {MODEL}"] * 3, "execute_tool high_water"]
    billed = sum(span.attributes["gen_ai.usage.input_tokens"] for span in spans if "gen_ai.usage.input_tokens" in span.attributes)
    assert billed == recorded_anthropic.tokens()[0]
