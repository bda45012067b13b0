"""What a call that fails leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anthropic
import pytest
from opentelemetry.trace import StatusCode

from tests.fakes.anthropic_server import Reply
from tests.providers.anthropic.test_recording import ASKED

if TYPE_CHECKING:
    from tests.providers.anthropic.conftest import AnthropicRecorder


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "invalid_request_error"), (401, "authentication_error"), (429, "rate_limit_error"), (529, "overloaded_error")],
)
def test_a_refusal_is_told_by_the_providers_code(record: AnthropicRecorder, status: int, code: str) -> None:
    with pytest.raises(anthropic.APIStatusError):
        record.client.messages.create(**{**ASKED, "model": f"error-{status}"})
    span = record.span
    assert record.attributes("error", "http") == {"error.type": code, "http.response.status_code": status}
    assert span.status.status_code is StatusCode.ERROR
    (event,) = span.events
    assert event.name == "exception"
    (point,) = record.telemetry.points("gen_ai.client.operation.duration")
    assert point.attributes["error.type"] == code


def test_an_error_in_the_middle_of_a_stream(record: AnthropicRecorder) -> None:
    with pytest.raises(anthropic.APIStatusError):
        list(record.client.messages.create(**{**ASKED, "model": "error-stream"}, stream=True))
    assert record.attributes("error", "http", "gen_ai.response.id") == {
        "error.type": "overloaded_error",
        "gen_ai.response.id": record.attributes()["gen_ai.response.id"],
    }
    assert record.said == [{"type": "text", "content": "You said"}]


def test_no_answer_is_told_by_the_exceptions_type(record: AnthropicRecorder) -> None:
    record.server.enqueue(Reply.drop())
    with pytest.raises(anthropic.APIConnectionError):
        record.client.messages.create(**ASKED)
    assert record.attributes("error", "http")["error.type"].endswith("APIConnectionError")
