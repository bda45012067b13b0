"""Platforms, token counts, batches; instrumented before and after the import."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anthropic
import pytest

from tests.providers.anthropic.test_recording import ASKED
from tests.providers.anthropic.vendor import MODEL, PLATFORM_STREAM

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


WAYS = ["create", "create stream", "stream", "beta create", "beta create stream", *(["beta stream"] if PLATFORM_STREAM else [])]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_platforms(record: AnthropicRecorder, platform: str, how: str) -> None:
    kind, options, provider = PLATFORMS[platform]
    with record.client_at(kind, **options) as client:
        messages = client.beta.messages if how.startswith("beta") else client.messages
        if how.endswith("create stream"):
            list(messages.create(**ASKED, stream=True))
        elif how.endswith("stream"):
            with messages.stream(**ASKED) as stream:
                stream.get_final_message()
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
