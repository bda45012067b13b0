"""Random schedules of anthropic's streams and of its stream managers; streams that the garbage collector finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import pytest

from tests.providers import interleaving
from tests.providers.anthropic.vendor import asked, settings
from tests.providers.collector import run_collecting
from tests.providers.endings import Opened, enter

if TYPE_CHECKING:
    from tests.providers.laboratory import Laboratory


async def _open(client: Any, model: str, way: str) -> Opened:
    messages = client.beta.messages if model.endswith("r") else client.messages
    if way == "helper":
        manager = messages.stream(**asked(model=model))
        return Opened(await enter(manager), manager)
    return Opened(await messages.create(**asked(model=model, stream=True)))


@pytest.mark.parametrize("first", range(0, interleaving.SCHEDULES, interleaving.SCHEDULES_A_TEST))
def test_random_schedules_of_async_streams(laboratory: Laboratory, first: int) -> None:
    interleaving.random_schedules(laboratory, _open, first, (*interleaving.WAYS, "with", "helper"))


def test_random_schedules_of_streams_across_threads(laboratory: Laboratory) -> None:
    interleaving.random_threads(laboratory, lambda client: client.messages.create(**asked(stream=True)))


def test_a_collection_inside_a_lock_of_the_sdk_ends_the_span_and_stops_nobody(laboratory: Laboratory) -> None:
    def program() -> None:
        with anthropic.Anthropic(api_key="test", **settings("sync", laboratory.server)) as client:
            client.messages.create(**asked())
            stream: Any = client.messages.create(**asked(stream=True, model="m1"))
            next(iter(stream))
            del stream
            client.messages.create(**asked(model="m2"))

    run_collecting(laboratory, program)
    laboratory.telemetry.assert_balanced(3)
    assert sorted(span.name for span in laboratory.telemetry.spans()) == ["chat claude-haiku-4-5", "chat m1", "chat m2"]
