"""Live sessions: the same to the application with and without the instrumentor, and one span a turn."""

from __future__ import annotations

import asyncio
import json
import time
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from google import genai
from google.genai import live as live_module
from google.genai import types
from opentelemetry.trace import StatusCode, get_current_span

from agentops_instrumentors.core import guard
from agentops_instrumentors.core.content import ContentMode, Policy
from agentops_instrumentors.google_genai import GoogleGenAIInstrumentor
from tests.fakes.google_live import FakeLive
from tests.providers.observation import describe, frames
from tests.unit.message_shapes import check_span

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.fakes.in_memory import InMemory

    Body = Callable[[Any, Callable[[Any], None]], Awaitable[None]]

MODEL = "gemini-2.0-flash-live-001"
CONVERTS = hasattr(live_module.AsyncSession, "send_context_update")
CLOSED = "google.genai.errors.APIError" if CONVERTS else "websockets.exceptions.ConnectionClosedError"
"""What the SDK raises where the connection is closed; early versions let the library's exception through."""
TOOLS: Any = [{"function_declarations": [{"name": "tides", "description": "Tides."}]}]


@pytest.fixture(scope="module")
def live() -> Iterator[FakeLive]:
    with FakeLive() as server:
        yield server


def run(server: FakeLive, body: Body, **config: Any) -> list[Any]:
    """What an application sees that runs `body` in a session."""
    seen: list[Any] = []

    def see(value: Any) -> None:
        seen.append(describe(value))
        assert not get_current_span().get_span_context().is_valid

    async def main() -> None:
        client = genai.Client(api_key="test", http_options={"base_url": server.url, "api_version": "v1beta"})
        # The SDK insists on TLS, which the fake service has not.
        inner: Any = client._api_client
        inner._websocket_base_url = lambda *_options: server.url.replace("http", "ws")
        inner._websocket_ssl_ctx = {}
        manager = client.aio.live.connect(model=MODEL, config={"response_modalities": ["TEXT"], **config})
        see(sorted(dir(manager)))
        async with manager as session:
            see(sorted(vars(session)))
            await body(session, see)

    try:
        asyncio.run(main())
    except Exception as error:
        seen.append((type(error), str(error), frames(error.__traceback__), traceback.format_exception_only(error)))
    return seen


def arrived(server: FakeLive) -> list[Any]:
    """What the service got, once nothing more arrives."""
    seen = -1
    while seen != len(server.received):
        seen = len(server.received)
        time.sleep(0.03)
    return server.received[:]


def both(server: FakeLive, telemetry: InMemory, body: Body, spans: int, **config: Any) -> list[Any]:
    """Run bare and instrumented, and compare; the spans."""
    before = guard.failures()
    server.received.clear()
    bare = run(server, body, **config)
    sent = arrived(server)
    server.received.clear()
    instrumentor = GoogleGenAIInstrumentor()
    instrumentor.instrument(**telemetry.kwargs, policy=Policy(ContentMode.SPAN_ONLY))
    try:
        ours = run(server, body, **config)
    finally:
        instrumentor.uninstrument()
    assert ours == bare
    assert arrived(server) == sent
    assert guard.failures() == before
    telemetry.assert_balanced(spans)
    for span in telemetry.spans():
        check_span(span.attributes or {})
    return telemetry.spans()


def said(text: str) -> Any:
    return types.Content(role="user", parts=[types.Part(text=text)])


async def turn(session: Any, see: Callable[[Any], None], text: str) -> None:
    await session.send_client_content(turns=said(text))
    async for message in session.receive():
        see(message)


def test_a_turn_is_a_span(live: FakeLive, in_memory: InMemory, otel_context_log: list[str]) -> None:
    async def body(session: Any, see: Any) -> None:
        await turn(session, see, "hello there")
        await turn(session, see, "and again")

    first, second = both(live, in_memory, body, 2, system_instruction="Be brief.", temperature=0.5)
    assert first.name == f"generate_content {MODEL}"
    attributes = dict(first.attributes)
    assert attributes["gen_ai.provider.name"] == "gcp.gemini"
    assert attributes["gen_ai.request.stream"] is True
    assert attributes["gen_ai.request.temperature"] == 0.5
    assert attributes["gen_ai.output.type"] == "text"
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (10, 4)
    assert attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert (attributes["server.address"], attributes["server.port"]) == ("127.0.0.1", live.port)
    assert attributes["gen_ai.response.time_to_first_chunk"] > 0
    (asked,) = json.loads(attributes["gen_ai.input.messages"])
    assert asked["parts"] == [{"type": "text", "content": "hello there"}]
    (answer,) = json.loads(attributes["gen_ai.output.messages"])
    text, sound = answer["parts"]
    assert text == {"type": "text", "content": "You said: hello there "}
    assert (sound["type"], sound["size"], sound["content"]) == ("blob", 3, "")
    assert json.loads(second.attributes["gen_ai.input.messages"])[0]["parts"][0]["content"] == "and again"
    (point,) = [p for p in in_memory.points("gen_ai.client.token.usage") if p.attributes["gen_ai.token.type"] == "input"]
    assert (point.count, point.sum) == (2, 20)


def test_a_function_is_called_in_the_middle_of_a_turn(live: FakeLive, in_memory: InMemory) -> None:
    async def body(session: Any, see: Any) -> None:
        await session.send_client_content(turns=said("Brest"))
        async for message in session.receive():
            see(message)
            if message.tool_call:
                call = message.tool_call.function_calls[0]
                answer = types.FunctionResponse(id=call.id, name=call.name, response={"result": "high"})
                await session.send_tool_response(function_responses=answer)

    (span,) = both(live, in_memory, body, 1, tools=TOOLS)
    (answer,) = json.loads(span.attributes["gen_ai.output.messages"])
    assert [part["type"] for part in answer["parts"]] == ["text", "blob", "tool_call"]
    assert json.loads(span.attributes["gen_ai.tool.definitions"])[0]["name"] == "tides"


def test_realtime_text_and_what_is_said_without_asking(live: FakeLive, in_memory: InMemory) -> None:
    async def body(session: Any, see: Any) -> None:
        await session.send_client_content(turns=said("for later"), turn_complete=False)
        await session.send_realtime_input(text="now")
        async for message in session.receive():
            see(message)

    (span,) = both(live, in_memory, body, 1)
    texts = [message["parts"][0]["content"] for message in json.loads(span.attributes["gen_ai.input.messages"])]
    assert texts == ["for later", "now"]


def test_a_session_left_in_the_middle(live: FakeLive, in_memory: InMemory) -> None:
    async def body(session: Any, see: Any) -> None:
        await session.send_client_content(turns=said("hello"))
        async for message in session.receive():
            see(message)
            break

    (span,) = both(live, in_memory, body, 1)
    assert span.status.status_code is StatusCode.UNSET
    assert "gen_ai.output.messages" in span.attributes


def test_an_error_of_the_applications_own(live: FakeLive, in_memory: InMemory) -> None:
    async def body(session: Any, see: Any) -> None:
        await session.send_client_content(turns=said("hello"))
        raise ValueError("the application's own")

    (span,) = both(live, in_memory, body, 1)
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize(("text", "kind"), [("hang up", CLOSED), ("nonsense", "ValueError")])
def test_a_service_that_goes_or_talks_nonsense(live: FakeLive, in_memory: InMemory, text: str, kind: str) -> None:
    async def body(session: Any, see: Any) -> None:
        await turn(session, see, text)

    (span,) = both(live, in_memory, body, 1)
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["error.type"] == kind
    assert [event.name for event in span.events] == ["exception"]


def test_a_service_that_is_not_there(in_memory: InMemory) -> None:
    with FakeLive() as gone:
        pass

    async def body(session: Any, see: Any) -> None:
        raise AssertionError("no session")

    both(gone, in_memory, body, 0)
