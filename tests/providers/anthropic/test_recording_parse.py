"""`messages.parse`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.providers.anthropic.test_recording import ASKED
from tests.providers.anthropic.vendor import Tides

if TYPE_CHECKING:
    from tests.providers.anthropic.conftest import AnthropicRecorder


@pytest.mark.parametrize("beta", [False, True])
def test_parse(record: AnthropicRecorder, beta: bool) -> None:
    messages: Any = record.client.beta.messages if beta else record.client.messages
    parsed = messages.parse(**ASKED, output_format=Tides)
    assert parsed.parsed_output == Tides(port="there", count=1)
    assert record.attributes("gen_ai.output", "gen_ai.response.finish") == {
        "gen_ai.output.type": "json",
        "gen_ai.response.finish_reasons": ("stop",),
    }
    assert json.loads(record.said[0]["content"]) == {"port": "there", "count": 1}
