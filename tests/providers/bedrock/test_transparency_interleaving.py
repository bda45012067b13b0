"""Random schedules of event streams, asynchronous and across threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.providers import interleaving
from tests.providers.bedrock.vendor import SAID, Held, opening

if TYPE_CHECKING:
    from tests.providers.endings import Opened
    from tests.providers.laboratory import Laboratory

SCHEDULES = 40
"""Fewer than elsewhere: what differs between vendors is how a stream is observed, and these are read as the others are."""


async def _open(client: Any, model: str, _way: str) -> Opened:
    return await opening("invoke" if model.endswith("r") else "converse", model, held=True)(client)


@pytest.mark.parametrize("first", range(0, SCHEDULES, interleaving.SCHEDULES_A_TEST))
def test_random_schedules_of_async_streams(laboratory: Laboratory, first: int) -> None:
    interleaving.random_schedules(laboratory, _open, first)


def test_random_schedules_of_streams_across_threads(laboratory: Laboratory) -> None:
    interleaving.random_threads(laboratory, lambda client: Held(client.runtime.converse_stream(modelId="m", messages=SAID)["stream"]))
