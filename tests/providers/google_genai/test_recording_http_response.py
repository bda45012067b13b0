"""The HTTP response that an application asks for instead of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.google_server import Reply
from tests.providers.google_genai.test_recording import ask

if TYPE_CHECKING:
    from tests.providers.google_genai.conftest import GoogleRecorder


@pytest.mark.parametrize("body", ["", "not JSON"])
def test_the_http_response_instead_of_the_answer(record: GoogleRecorder, body: str) -> None:
    if body:
        record.server.enqueue(Reply.garbage(body.encode()))
    returned = ask(record, should_return_http_response=True)
    assert returned.candidates is None
    known = {} if body else {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 11, "gen_ai.usage.text.input_tokens": 7}
    assert record.attributes("gen_ai.usage") == known
