"""Platforms, batches, the tool runner, raw responses; instrumenting and back."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from opentelemetry.trace import SpanKind, StatusCode

from tests.providers.anthropic.test_recording import ASKED
from tests.providers.anthropic.vendor import MODEL, PLATFORM_STREAM, TOOL_RUNNER

if TYPE_CHECKING:
    from tests.fakes.anthropic_server import FakeAnthropic
    from tests.fakes.process import PythonRunner
    from tests.providers.anthropic.conftest import AnthropicRecorder

BEDROCK: dict[str, Any] = {"aws_region": "eu-west-1", "aws_access_key": "a", "aws_secret_key": "s"}
VERTEX: dict[str, Any] = {"region": "europe-west1", "project_id": "p", "access_token": "t"}
PLATFORMS = {
    "bedrock": (anthropic.AnthropicBedrock, BEDROCK, "aws.bedrock"),
    "vertex": (anthropic.AnthropicVertex, VERTEX, "gcp.vertex_ai"),
}


@pytest.mark.parametrize("beta", [False, True])
@pytest.mark.parametrize("how", ["create", "create stream", "stream"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_platforms(record: AnthropicRecorder, platform: str, how: str, beta: bool) -> None:
    if beta and how == "stream" and not PLATFORM_STREAM:
        pytest.skip("this version's platforms have no beta stream()")
    kind, options, provider = PLATFORMS[platform]
    with record.client_at(kind, **options) as client:
        messages = client.beta.messages if beta else client.messages
        if how == "stream":
            with messages.stream(**ASKED) as stream:
                stream.get_final_message()
        elif how == "create stream":
            list(messages.create(**ASKED, stream=True))
        else:
            messages.create(**ASKED)
    assert record.attributes("gen_ai.provider", "gen_ai.request.model", "gen_ai.usage.input", "gen_ai.usage.output") == {
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": MODEL,
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
    }
    assert record.said == [{"type": "text", "content": "You said: hello there"}]


@pytest.mark.parametrize("platform", ["bedrock", "vertex"])
def test_platforms_asynchronously(record: AnthropicRecorder, platform: str) -> None:
    kind: Any = {"bedrock": anthropic.AsyncAnthropicBedrock, "vertex": anthropic.AsyncAnthropicVertex}[platform]

    async def run() -> None:
        async with kind(base_url=record.server.base_url, max_retries=0, **PLATFORMS[platform][1]) as client:
            await client.messages.create(**ASKED)
            async for _event in await client.beta.messages.create(**ASKED, stream=True):
                pass

    asyncio.run(run())
    record.telemetry.assert_balanced(2)
    for span in record.telemetry.spans():
        assert (span.attributes or {})["gen_ai.provider.name"] == PLATFORMS[platform][2]
        assert (span.attributes or {})["gen_ai.usage.output_tokens"] == 5


def test_a_token_count_is_no_usage(record: AnthropicRecorder) -> None:
    counted = record.client.messages.count_tokens(model=MODEL, messages=ASKED["messages"])
    assert record.span.name == f"count_tokens {MODEL}"
    assert record.attributes("gen_ai", "anthropic") == {
        "gen_ai.operation.name": "count_tokens",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": MODEL,
        "anthropic.message.count_tokens.input_tokens": counted.input_tokens,
    }
    assert record.telemetry.points("gen_ai.client.token.usage") == []


@pytest.mark.parametrize("beta", [False, True])
def test_batches(record: AnthropicRecorder, beta: bool) -> None:
    batches: Any = record.client.beta.messages.batches if beta else record.client.messages.batches
    failing = {**ASKED, "model": "error-400"}
    made = batches.create(requests=[{"custom_id": "a", "params": ASKED}, {"custom_id": "b", "params": failing}])
    batches.retrieve(made.id)
    assert [one.result.type for one in batches.results(made.id)] == ["succeeded", "errored"]
    batches.cancel(message_batch_id=made.id)
    with pytest.raises(anthropic.NotFoundError):
        batches.retrieve("msgbatch_none")
    spans = record.telemetry.spans()
    record.telemetry.assert_balanced(5)
    assert [span.name for span in spans] == ["create_batch", "fetch_response", "fetch_response", "cancel_batch", "fetch_response"]
    told: list[Any] = [span.attributes for span in spans]
    assert [one["gen_ai.response.id"] for one in told] == [made.id] * 4 + ["msgbatch_none"]
    assert [one.get("gen_ai.response.status") for one in told] == ["ended", "ended", None, "canceling", None]
    assert told[0]["anthropic.message.batch.requests.succeeded"] == told[0]["anthropic.message.batch.requests.errored"] == 1
    assert told[4]["error.type"] == "not_found_error"
    assert record.telemetry.points("gen_ai.client.token.usage") == []


def test_batches_asynchronously(record: AnthropicRecorder) -> None:
    async def run() -> None:
        async with record.async_client() as client:
            made = await client.messages.batches.create(requests=[{"custom_id": "a", "params": ASKED}])
            await client.messages.batches.retrieve(made.id)
            results = [one async for one in await client.messages.batches.results(made.id)]
            assert len(results) == 1

    asyncio.run(run())
    record.telemetry.assert_balanced(3)


@pytest.mark.skipif(not TOOL_RUNNER, reason="this version has no tool runner")
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


@pytest.mark.skipif(not TOOL_RUNNER, reason="this version has no tool runner")
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


SCRIPT = """
import sys
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from agentops_instrumentors.anthropic import AnthropicInstrumentor

exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
if sys.argv[2] == "after":
    from anthropic.resources.messages import Messages
AnthropicInstrumentor().instrument(tracer_provider=provider)
assert ("anthropic" in sys.modules) == (sys.argv[2] == "after")
from anthropic import Anthropic

with Anthropic(base_url=sys.argv[1], api_key="test") as client:
    client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}])
    AnthropicInstrumentor().uninstrument()
    client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}])
print(*(span.name for span in exporter.get_finished_spans()), sep=",")
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_instrumented_before_or_after_the_import(run_python: PythonRunner, recorded_anthropic: FakeAnthropic, when: str) -> None:
    recorded_anthropic.reset()
    done = run_python(SCRIPT, args=[recorded_anthropic.base_url, when])
    assert (done.stdout.strip(), done.stderr) == ("chat m", "")
