"""Random schedules of ollama's streams, which are generators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.providers import interleaving
from tests.providers.ollama.vendor import MESSAGES, MODEL, opening

if TYPE_CHECKING:
    from tests.providers.endings import Opened
    from tests.providers.laboratory import Laboratory


async def _open(client: Any, model: str, _way: str) -> Opened:
    return await opening("generate" if model.endswith("r") else "chat", model)(client)


@pytest.mark.parametrize("first", range(0, interleaving.SCHEDULES, interleaving.SCHEDULES_A_TEST))
def test_random_schedules_of_async_streams(laboratory: Laboratory, first: int) -> None:
    interleaving.random_schedules(laboratory, _open, first)


def test_random_schedules_of_streams_across_threads(laboratory: Laboratory) -> None:
    interleaving.random_threads(laboratory, lambda client: client.chat(MODEL, MESSAGES, stream=True))
