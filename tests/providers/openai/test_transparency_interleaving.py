"""Random schedules of openai's streams and of its stream helpers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.providers import interleaving
from tests.providers.endings import Opened, enter
from tests.providers.openai import sdk
from tests.providers.openai.surfaces import chat, responses

if TYPE_CHECKING:
    from tests.providers.laboratory import Laboratory


async def _open(client: Any, model: str, way: str) -> Opened:
    if way == "helper":
        manager = sdk.chat_stream(client)(**{**chat(), "model": model})
        return Opened(await enter(manager), manager)
    if model.endswith("r"):
        return Opened(await client.responses.create(**{**responses(stream=True), "model": model}))
    return Opened(await client.chat.completions.create(**{**chat(stream=True), "model": model}))


@pytest.mark.parametrize("first", range(0, interleaving.SCHEDULES, interleaving.SCHEDULES_A_TEST))
def test_random_schedules_of_async_streams(laboratory: Laboratory, first: int) -> None:
    interleaving.random_schedules(laboratory, _open, first, (*interleaving.WAYS, "with", "helper"))


def test_random_schedules_of_streams_across_threads(laboratory: Laboratory) -> None:
    interleaving.random_threads(laboratory, lambda client: client.chat.completions.create(**chat(stream=True)))
