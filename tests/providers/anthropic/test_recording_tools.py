"""Tools that the tool runner runs."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from opentelemetry.trace import SpanKind, StatusCode

from tests.providers.anthropic.test_recording import ASKED
from tests.providers.anthropic.vendor import MODEL

if TYPE_CHECKING:
    from tests.providers.anthropic.conftest import AnthropicRecorder


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
