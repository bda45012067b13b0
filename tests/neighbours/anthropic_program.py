"""A program of calls that tells the same story in every combination of emitters, and what each of its parts costs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import anthropic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.anthropic_server import FakeAnthropic

MODEL: Final = "claude-haiku-4-5"
ASKED: Final[dict[str, Any]] = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": "hello there"}]}
CACHED: Final[Any] = [{"type": "text", "text": "Be brief. " * 40, "cache_control": {"type": "ephemeral"}}]


def _managed(messages: Any) -> None:
    with messages.stream(**ASKED) as stream:
        stream.get_final_message()


def _streaming_response(client: Any) -> None:
    with client.messages.with_streaming_response.create(**ASKED) as response:
        response.parse()


async def _asynchronously(server: FakeAnthropic, native: bool) -> None:
    async with anthropic.AsyncAnthropic(**settings(server, native)) as client:
        await client.messages.create(**ASKED)
        async with client.messages.stream(**ASKED) as stream:
            await stream.get_final_message()
        async for _event in await client.beta.messages.create(**ASKED, stream=True):
            pass


def settings(server: FakeAnthropic, native: bool) -> dict[str, Any]:
    """Arguments of a client whose own spans are on, as they are by default, or off."""
    return {"base_url": server.base_url, "api_key": "test", "max_retries": 0, **({} if native else {"open_telemetry": False})}


def calls(client: Any, server: FakeAnthropic, native: bool) -> Iterator[tuple[int, Callable[[], Any]]]:
    """Each part of the program, with the number of model calls that it makes."""
    yield 1, lambda: client.messages.create(**ASKED)
    yield 2, lambda: [client.messages.create(**ASKED, system=CACHED) for _ in range(2)]
    yield 1, lambda: list(client.messages.create(**ASKED, stream=True))
    yield 1, lambda: list(client.messages.create(**ASKED, stream=True, thinking={"type": "enabled", "budget_tokens": 1024}))
    yield 1, lambda: _managed(client.messages)
    yield 1, lambda: _managed(client.beta.messages)
    yield 1, lambda: client.beta.messages.create(**ASKED)
    yield 1, lambda: client.messages.parse(**ASKED)
    yield 1, lambda: client.messages.with_raw_response.create(**ASKED).parse()
    yield 1, lambda: _streaming_response(client)
    yield 3, lambda: asyncio.run(_asynchronously(server, native))


def run(server: FakeAnthropic, native: bool) -> int:
    """The whole program; how many model calls it made."""
    made = 0
    with anthropic.Anthropic(**settings(server, native)) as client:
        for number, call in calls(client, server, native):
            call()
            made += number
    return made
