"""Instrumenting the real clients: lazily, to identity and back, beside other wrappers; other services at no cost."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING, Any, Final

import aiobotocore.client
import botocore.client
import pytest
import wrapt
from botocore.eventstream import EventStream
from botocore.response import StreamingBody
from opentelemetry.instrumentation.utils import suppress_instrumentation

from agentops_instrumentors.bedrock import BedrockInstrumentor
from agentops_instrumentors.bedrock.endpoints import ENDPOINTS
from agentops_instrumentors.core import guard
from tests.providers.bedrock.vendor import MODEL, SAID, async_clients

if TYPE_CHECKING:
    from tests.fakes.aws_bedrock import FakeBedrock
    from tests.fakes.process import PythonRunner
    from tests.providers.bedrock.conftest import BedrockRecorder

KINDS: Final = (botocore.client.BaseClient, aiobotocore.client.AioBaseClient)
SCRIPT: Final = """
import logging, sys
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from agentops_instrumentors.bedrock import BedrockInstrumentor

logging.basicConfig()
exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))

def client():
    import boto3
    settings = dict(endpoint_url=sys.argv[1], region_name="eu-west-3", aws_access_key_id="a", aws_secret_access_key="b")
    return boto3.client("bedrock-runtime", **settings)

made = client() if sys.argv[2] == "after" else None
BedrockInstrumentor().instrument(tracer_provider=provider)
assert ("botocore" in sys.modules) == (sys.argv[2] == "after")
made = made or client()
said = [{"role": "user", "content": [{"text": "hi"}]}]
made.converse(modelId="m", messages=said)
BedrockInstrumentor().uninstrument()
made.converse(modelId="m", messages=said)
print(*(span.name for span in exporter.get_finished_spans()), sep=",")
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_instrumented_before_or_after_the_import(run_python: PythonRunner, shared_bedrock: FakeBedrock, when: str) -> None:
    shared_bedrock.reset()
    done = run_python(SCRIPT, args=[shared_bedrock.url, when])
    assert (done.stdout.strip(), done.stderr) == ("chat m", "")


def methods() -> list[Any]:
    return [vars(kind)["_make_api_call"] for kind in KINDS]


def test_the_clients_are_given_back_as_they_were(record: BedrockRecorder) -> None:
    record.stop()
    before = methods()
    for _ in range(2):
        record.start()
        patches = record.instrumentor.patches
        assert patches
        assert patches.missing == []
        assert patches.installed == [endpoint.target for endpoint in ENDPOINTS]
        assert all(now is not original for now, original in zip(methods(), before, strict=True))
        record.stop()
        assert all(now is original for now, original in zip(methods(), before, strict=True))
    record.runtime.converse(modelId=MODEL, messages=SAID)
    record.telemetry.assert_balanced(0)


@pytest.mark.parametrize("gone", [0, 1])
def test_a_method_that_is_gone_is_left_out_alone(
    record: BedrockRecorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, gone: int
) -> None:
    record.stop()
    monkeypatch.delattr(KINDS[gone], "_make_api_call")
    with caplog.at_level(logging.WARNING, "agentops"):
        record.start()
    assert record.instrumentor.patches
    assert record.instrumentor.patches.missing == [ENDPOINTS[gone].target]
    assert [entry.getMessage().partition(" is not")[0] for entry in caplog.records] == [ENDPOINTS[gone].target]
    assert record.instrumentor.patches.installed == [ENDPOINTS[1 - gone].target]
    record.stop()


def test_below_a_wrapper_of_the_programs_own(record: BedrockRecorder) -> None:
    called: list[str] = []
    record.stop()
    original = methods()[0]
    record.start()

    def mine(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        called.append(args[0])
        return wrapped(*args, **kwargs)

    wrapper = wrapt.FunctionWrapper(methods()[0], mine)
    botocore.client.BaseClient._make_api_call = wrapper
    try:
        record.runtime.converse(modelId=MODEL, messages=SAID)
        record.stop()
        record.runtime.converse(modelId=MODEL, messages=SAID)
        assert wrapper.__wrapped__ is original
    finally:
        botocore.client.BaseClient._make_api_call = original
    assert called == ["Converse", "Converse"]
    assert record.span.name == f"chat {MODEL}"


def test_suppressed(record: BedrockRecorder) -> None:
    with suppress_instrumentation():
        record.runtime.converse(modelId=MODEL, messages=SAID)
        list(record.runtime.converse_stream(modelId=MODEL, messages=SAID)["stream"])
    record.telemetry.assert_balanced(0)
    assert record.telemetry.metrics() == []


def test_asynchronous_clients_are_recorded_alike(record: BedrockRecorder) -> None:
    async def program() -> None:
        made = await async_clients(record.server.url)
        await made.runtime.converse(modelId=MODEL, messages=SAID)
        stream = (await made.runtime.converse_stream(modelId=MODEL, messages=SAID))["stream"]
        assert [event async for event in stream]
        await made.runtime.close()
        await made.agents.close()

    record.runtime.converse(modelId=MODEL, messages=SAID)
    list(record.runtime.converse_stream(modelId=MODEL, messages=SAID)["stream"])
    asyncio.run(program())
    unequal = ("gen_ai.response.id", "gen_ai.response.time_to_first_chunk")
    found = [dict(span.attributes or {}) for span in record.telemetry.spans()]
    compared = [{name: span[name] for name in span if name.startswith("gen_ai.") and name not in unequal} for span in found]
    assert len(compared) == 4
    assert compared[:2] == compared[2:]
    assert sum(attributes["gen_ai.usage.input_tokens"] for attributes in compared) == record.server.tokens()[0]


def test_metrics_sum_up_to_the_services_bill(record: BedrockRecorder) -> None:
    record.runtime.converse(modelId=MODEL, messages=SAID)
    list(record.runtime.converse_stream(modelId=MODEL, messages=SAID)["stream"])
    record.runtime.invoke_model(modelId="meta.llama3-8b-instruct-v1:0", body='{"prompt": "hi"}')["body"].read()
    sums = {"input": 0, "output": 0}
    for point in record.telemetry.points("gen_ai.client.token.usage"):
        sums[point.attributes["gen_ai.token.type"]] += point.sum
    assert (sums["input"], sums["output"]) == record.server.tokens()


def test_instrumentors_are_found_by_their_entry_point() -> None:
    from importlib.metadata import entry_points

    (point,) = entry_points(group="opentelemetry_instrumentor", name="agentops_bedrock")
    assert point.load() is BedrockInstrumentor


@pytest.mark.parametrize("changed", ["event streams", "bodies"])
def test_an_sdk_that_changed_inside_goes_on_working(record: BedrockRecorder, monkeypatch: pytest.MonkeyPatch, changed: str) -> None:
    """What is observed in place may be gone one day: the call is counted with what is known, and the program reads on."""
    before = guard.failures()
    if changed == "event streams":
        monkeypatch.delattr(EventStream, "close")
        events = list(record.runtime.converse_stream(modelId=MODEL, messages=SAID)["stream"])
        assert "metadata" in events[-1]
    else:
        original = StreamingBody.__init__

        def other(self: Any, raw_stream: Any, content_length: Any, **_new: Any) -> None:
            if not sys._getframe(1).f_globals["__name__"].startswith("botocore"):
                raise TypeError("a body is made otherwise now")
            original(self, raw_stream, content_length)

        monkeypatch.setattr(StreamingBody, "__init__", other)
        answer = record.runtime.invoke_model(modelId="meta.llama3-8b-instruct-v1:0", body='{"prompt": "hello there"}')
        assert b"You said: hello there" in answer["body"].read()
    record.telemetry.assert_balanced(1)
    assert guard.failures() != before
