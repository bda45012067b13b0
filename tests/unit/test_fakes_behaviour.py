"""How the fake servers misbehave, stop and run alone, seen by the real OpenAI client."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.fakes.http import HttpServer, Reply, Request
from tests.fakes.openai_server import FakeOpenAI

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "gpt-4o-mini"
HELLO: Any = [{"role": "user", "content": "hello there"}]
WEATHER: Any = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
}


@pytest.fixture
def client(openai_server: FakeOpenAI) -> Iterator[OpenAI]:
    with OpenAI(base_url=openai_server.base_url, api_key="test", max_retries=0, timeout=10) as made:
        yield made


def test_scripted_disconnect_garbage_hang_and_midstream_error(client: OpenAI, openai_server: FakeOpenAI) -> None:
    def stream() -> list[Any]:
        return list(client.chat.completions.create(model=MODEL, messages=HELLO, stream=True))

    openai_server.enqueue_default(disconnect_after=2)
    with pytest.raises(Exception, match=r"(?i)connection"):
        stream()
    assert openai_server.wait_for(lambda: openai_server.exchanges[-1].outcome == "cut")
    assert openai_server.exchanges[-1].pieces_sent == 2
    openai_server.enqueue(Reply.sse(["{not json"]))
    with pytest.raises(json.JSONDecodeError):
        stream()
    openai_server.enqueue(Reply.drop(), Reply.drop(abortive=True), Reply.hang(), Reply(verbatim=b"\x00\x01nonsense\r\n\r\n"))
    for kind in (openai.APIConnectionError, openai.APIConnectionError, openai.APITimeoutError, openai.APIConnectionError):
        with pytest.raises(kind):
            client.with_options(timeout=0.3).chat.completions.create(model=MODEL, messages=HELLO)
    with pytest.raises(openai.APIError, match="server had an error"):
        list(client.chat.completions.create(model="error-stream", messages=HELLO, stream=True))
    openai_server.enqueue(Reply.garbage(b"{", "application/json"))
    with pytest.raises(json.JSONDecodeError):
        client.chat.completions.create(model=MODEL, messages=HELLO)
    assert len(stream()) == 7


def test_pieces_may_be_cut_anywhere(client: OpenAI, openai_server: FakeOpenAI) -> None:
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    events = [
        {**chunk, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]} for text in ("héllo ", "wörld \U0001f600")
    ]
    openai_server.enqueue(Reply.sse(events, piece_size=3))
    chunks = client.chat.completions.create(model="m", messages=HELLO, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "héllo wörld \U0001f600"


def test_closing_a_slow_stream_is_seen_by_the_server(client: OpenAI, openai_server: FakeOpenAI) -> None:
    openai_server.enqueue_default(piece_delay=5)
    stream = client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    next(stream)
    stream.close()
    assert openai_server.wait_for(lambda: openai_server.exchanges[-1].outcome == "client gone")
    assert openai_server.exchanges[-1].pieces_sent == 1
    assert openai_server.wait_for(lambda: openai_server.open_connections == 0)


def test_hanging_answer_goes_on_when_released(client: OpenAI, openai_server: FakeOpenAI) -> None:
    openai_server.enqueue_default(hang_after=3)
    stream = client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    first = [next(stream) for _ in range(3)]
    threading.Timer(0.05, openai_server.release).start()
    assert len(first + list(stream)) == 7


def test_async_client_concurrently(openai_server: FakeOpenAI) -> None:
    async def ask() -> list[str | None]:
        async with AsyncOpenAI(base_url=openai_server.base_url, api_key="test", max_retries=0) as client:

            async def one(number: int) -> str | None:
                stream = await client.chat.completions.create(
                    model=MODEL, messages=[{"role": "user", "content": f"n{number}"}], stream=True
                )
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

            return await asyncio.gather(*(one(number) for number in range(30)))

    assert asyncio.run(ask()) == [f"You said: n{number}" for number in range(30)]


def test_reset_makes_the_same_bytes_again(client: OpenAI, openai_server: FakeOpenAI) -> None:
    def once() -> bytes:
        openai_server.reset()
        return client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO).content

    assert once() == once()
    assert len(openai_server.requests) == 1


def test_stop_is_quick_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with FakeOpenAI() as server, OpenAI(base_url=server.base_url, api_key="test", max_retries=0) as client:
        server.enqueue(Reply.hang())
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(client.chat.completions.create, model=MODEL, messages=HELLO)
            assert server.wait_for(lambda: server.requests)
            server.stop()
            assert isinstance(waiting.exception(10), openai.APIError)
    assert set(threading.enumerate()) == before


def test_failure_of_a_fake_is_not_silent() -> None:
    class Broken(HttpServer):
        def respond(self, request: Request) -> Reply:
            raise LookupError(request.path)

    server = Broken().start()
    with OpenAI(base_url=server.url, api_key="test", max_retries=0) as client, pytest.raises(openai.InternalServerError):
        client.models.list()
    with pytest.raises(RuntimeError, match="LookupError: /models"):
        server.stop()


def test_stands_alone() -> None:
    command = [sys.executable, "-m", "tests.fakes.openai_server", "--port", "0"]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            with OpenAI(base_url=process.stdout.readline().strip(), api_key="test", max_retries=0) as client:
                assert client.chat.completions.create(model=MODEL, messages=HELLO).id
        finally:
            process.terminate()
