"""Beside the spans of the SDK's own, which versions from 1.14 on emit: ours has what the client's option says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.providers.anthropic.test_recording import ASKED

if TYPE_CHECKING:
    from tests.providers.anthropic.conftest import AnthropicRecorder


def test_the_conversation_of_the_clients_option(record: AnthropicRecorder) -> None:
    with record.client_at(api_key="test", open_telemetry={"conversation_id": "conv-1"}) as client:
        client.messages.create(**ASKED)
    assert record.attributes("gen_ai.conversation") == {"gen_ai.conversation.id": "conv-1"}
