"""Functions the SDK calls, chats, continuations; embeddings, pictures, videos, batches, caches: what they leave behind."""

from __future__ import annotations

import asyncio
import json
import sys
import types as modules
from typing import TYPE_CHECKING, Any

import pytest
from google.genai import types
from google.genai._adapters import McpToGenAiToolAdapter
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import StatusCode

from agentops_instrumentors.core import dropped
from tests.fakes.google_server import Reply
from tests.providers.google_genai.tools import broken, depth, silent, tides
from tests.providers.google_genai.vendor import MODEL

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from tests.providers.google_genai.conftest import GoogleRecorder

ASKED = f"generate_content {MODEL}"
PICTURE = types.Image(image_bytes=b"\x89PNG", mime_type="image/png")
SOURCES = hasattr(types, "GenerateVideosSource")


def finished(record: GoogleRecorder) -> list[ReadableSpan]:
    dropped.flush(10)
    record.telemetry.assert_balanced()
    return record.telemetry.spans()


def counted(record: GoogleRecorder) -> tuple[int, int]:
    """Tokens of all spans, which are those of the metric and those that were billed."""
    kinds = ("input", "output")
    found = tuple(
        sum(int((span.attributes or {}).get(f"gen_ai.usage.{kind}_tokens", 0)) for span in record.telemetry.spans()) for kind in kinds
    )
    points = record.telemetry.points("gen_ai.client.token.usage")
    assert found == tuple(sum(point.sum for point in points if point.attributes["gen_ai.token.type"] == kind) for kind in kinds)
    assert found == record.server.tokens()
    return found[0], found[1]


@pytest.mark.parametrize("way", ["chat", "chat stream", "models", "models stream"])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_functions_are_called_between_two_counted_requests(record: GoogleRecorder, way: str, asynchronous: bool) -> None:
    config: Any = {"tools": [tides, depth] if asynchronous else [tides]}
    asked = "tides and depth of Brest"

    def call(client: Any) -> Any:
        if way.startswith("chat"):
            chat = client.chats.create(model=MODEL, config=config)
            return chat.send_message_stream(asked) if "stream" in way else chat.send_message(asked)
        ask = client.models.generate_content_stream if "stream" in way else client.models.generate_content
        return ask(model=MODEL, contents=asked, config=config)

    async def main() -> None:
        got = await call(record.client.aio)
        if "stream" in way:
            async for _ in got:
                pass

    if asynchronous:
        asyncio.run(main())
    elif "stream" in way:
        list(call(record.client))
    else:
        call(record.client)
    spans = sorted(finished(record), key=lambda span: span.start_time or 0)
    tools = ["execute_tool tides", "execute_tool depth"] if asynchronous else ["execute_tool tides"]
    assert [span.name for span in spans] == [ASKED, *tools, ASKED]
    assert all(span.parent is None for span in spans)
    first, tool, *_ = spans
    attributes = tool.attributes or {}
    call_id = attributes["gen_ai.tool.call.id"]
    assert json.loads(attributes["gen_ai.tool.call.arguments"]) == {"port": "Brest"}
    assert json.loads(attributes["gen_ai.tool.call.result"]) == "high at Brest"
    assert attributes["gen_ai.tool.description"] == "The tides of a port."
    asked_for = json.loads((first.attributes or {})["gen_ai.output.messages"])[0]["parts"]
    assert asked_for[0] == {"type": "tool_call", "name": "tides", "id": call_id, "arguments": {"port": "Brest"}}
    assert counted(record)[1] > 0


def test_a_function_that_fails(record: GoogleRecorder) -> None:
    record.client.chats.create(model=MODEL, config={"tools": [broken]}).send_message("broken at Brest")
    first, tool, second = finished(record)
    attributes = tool.attributes or {}
    assert tool.status.status_code is StatusCode.ERROR
    assert attributes["error.type"] == "LookupError"
    assert [event.name for event in tool.events] == ["exception"]
    assert first.status.status_code is second.status.status_code is StatusCode.UNSET


def test_a_tool_of_an_mcp_server(record: GoogleRecorder) -> None:
    class Session:
        async def call_tool(self, name: str, arguments: dict[str, Any]) -> Any:
            return modules.SimpleNamespace(isError=arguments["port"] == "Atlantis", content=name)

    adapter = McpToGenAiToolAdapter(Session(), modules.SimpleNamespace(tools=[]))

    async def main() -> None:
        for port in ("Brest", "Atlantis"):
            await adapter.call_tool(types.FunctionCall(name="tides", args={"port": port}))

    asyncio.run(main())
    good, bad = finished(record)
    assert good.name == bad.name == "execute_tool tides"
    assert (good.attributes or {})["gen_ai.tool.type"] == "extension"
    assert good.status.status_code is StatusCode.UNSET
    assert (bad.attributes or {})["error.type"] == "tool_error"


def test_suppressed(record: GoogleRecorder) -> None:
    with suppress_instrumentation():
        record.client.chats.create(model=MODEL, config={"tools": [silent]}).send_message("silent at Brest")
        list(record.client.models.generate_content_stream(model=MODEL, contents="hi"))
        record.client.models.embed_content(model=MODEL, contents="a")
    assert finished(record) == []
    assert record.telemetry.metrics() == []


def test_embeddings(record: GoogleRecorder) -> None:
    record.vertex.models.embed_content(model="text-embedding-004", contents=["a", "b"], config={"output_dimensionality": 8})
    assert record.attributes() == {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "gcp.vertex_ai",
        "gen_ai.request.model": "text-embedding-004",
        "gen_ai.embeddings.dimension.count": 8,
        "gen_ai.usage.input_tokens": 6,
        **record.where(),
    }
    assert record.content("input.messages") is None
    assert counted(record) == (6, 0)


@pytest.mark.filterwarnings("ignore")
def test_pictures(record: GoogleRecorder) -> None:
    record.vertex.models.generate_images(model="imagen-3", prompt="a boat", config={"number_of_images": 2, "seed": 7})
    assert record.span.name == "generate_content imagen-3"
    assert record.attributes("gen_ai.output.type", "gen_ai.request.c", "gen_ai.request.s", "gen_ai.response") == {
        "gen_ai.output.type": "image",
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.seed": 7,
        "gen_ai.response.finish_reasons": ("stop", "stop"),
    }
    assert record.asked == [{"type": "text", "content": "a boat"}]
    (part,) = record.content("output.messages")[1]["parts"]
    assert (part["type"], part["modality"], part["mime_type"], part["content"], part["size"]) == ("blob", "image", "image/png", "", 14)


@pytest.mark.filterwarnings("ignore")
def test_pictures_of_pictures(record: GoogleRecorder) -> None:
    record.vertex.models.upscale_image(model="imagen-3", image=PICTURE, upscale_factor="x2")
    (part,) = record.asked
    assert (part["type"], part["size"]) == ("blob", 4)


@pytest.mark.filterwarnings("ignore")
def test_a_video_and_looks_at_it(record: GoogleRecorder) -> None:
    asked: Any = {"source": types.GenerateVideosSource(prompt="a boat")} if SOURCES else {"prompt": "a boat"}
    operation = record.vertex.models.generate_videos(model="veo-2", **asked)
    while not operation.done:
        operation = record.vertex.operations.get(operation)
    begun, early, done = finished(record)
    assert [span.name for span in (begun, early, done)] == ["generate_content veo-2", "fetch_response", "fetch_response"]
    told = [dict(span.attributes or {}) for span in (begun, early, done)]
    assert [one["gen_ai.response.status"] for one in told] == ["in_progress", "in_progress", "completed"]
    assert len({one["gen_ai.response.id"] for one in told}) == 1
    (message,) = json.loads(str(told[2]["gen_ai.output.messages"]))
    assert message["parts"] == [{"type": "uri", "modality": "video", "uri": "https://files.example.org/video.mp4"}]


def test_a_batch(record: GoogleRecorder) -> None:
    job = record.client.batches.create(model=MODEL, src=[{"contents": [{"parts": [{"text": "a"}], "role": "user"}]}])
    record.client.batches.get(name=job.name)
    record.client.batches.cancel(name=job.name)
    made, looked, cancelled = finished(record)
    assert [span.name for span in (made, looked, cancelled)] == [f"create_batch {MODEL}", "fetch_response", "cancel_batch"]
    assert [(span.attributes or {}).get("gen_ai.response.status") for span in (made, looked)] == ["queued", "completed"]
    assert (looked.attributes or {})["gen_ai.response.id"] == job.name
    # It is billed as it is processed, and may be looked at any number of times.
    assert counted(record) == (0, 0)


def test_a_cache_and_an_answer_from_it(record: GoogleRecorder) -> None:
    cache = record.client.caches.create(model=MODEL, config={"contents": ["a long text"]})
    record.client.models.generate_content(model=MODEL, contents="and?", config={"cached_content": cache.name})
    record.client.caches.delete(name=cache.name)
    made, asked, gone = finished(record)
    assert [span.name for span in (made, asked, gone)] == [f"create_cache {MODEL}", ASKED, "delete_cache"]
    attributes = asked.attributes or {}
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.cache_read.input_tokens"]) == (106, 100)
    assert counted(record)[0] == 106


def test_a_foreign_instrumentor_of_the_public_method_counts(record: GoogleRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    from google.genai.models import Models

    source = "def wrap(f):\n    def wrapper(*a, **k):\n        return f(*a, **k)\n    wrapper.__wrapped__ = f\n    return wrapper\n"
    foreign = modules.ModuleType("opentelemetry.instrumentation.google_genai.generate_content")
    exec(compile(source, "foreign", "exec"), foreign.__dict__)
    monkeypatch.setitem(sys.modules, foreign.__name__, foreign)
    monkeypatch.setattr(Models, "generate_content", foreign.wrap(Models.generate_content))
    record.client.models.generate_content(model=MODEL, contents="hi")
    assert finished(record) == []
    monkeypatch.undo()
    record.client.models.generate_content(model=MODEL, contents="hi")
    assert [span.name for span in finished(record)] == [ASKED]


def test_an_answer_nobody_expects(record: GoogleRecorder) -> None:
    record.server.enqueue(Reply.json({"candidates": [{"content": {}}, {"finishReason": "STOP"}]}))
    record.client.models.generate_content(model=MODEL, contents="hi")
    assert record.attributes("gen_ai.response") == {"gen_ai.response.finish_reasons": ("stop",)}
