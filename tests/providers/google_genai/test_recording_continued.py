"""An answer that the SDK has continued: a span for each request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.google_server import stream
from tests.providers.google_genai.test_recording import answer
from tests.providers.google_genai.test_recording_others import counted, finished
from tests.providers.google_genai.vendor import MODEL

if TYPE_CHECKING:
    from tests.providers.google_genai.conftest import GoogleRecorder


@pytest.mark.parametrize("streamed", [False, True])
def test_a_continued_answer_is_a_span_for_each_request(record: GoogleRecorder, streamed: bool) -> None:
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 2}
    first = answer({"text": "a"}, reason="CONTINUATION", usageMetadata=usage)
    first["candidates"][0]["continuationToken"] = "dG9rZW4="
    second = answer({"text": "b"}, usageMetadata=usage)
    if streamed:
        record.server.enqueue(stream([first]), stream([second]))
        assert "".join(chunk.text or "" for chunk in record.client.models.generate_content_stream(model=MODEL, contents="hi")) == "ab"
    else:
        record.answer(first, second)
        assert record.client.models.generate_content(model=MODEL, contents="hi").text == "ab"
    spans = finished(record)
    assert [(span.attributes or {})["gen_ai.response.finish_reasons"] for span in spans] == [("length",), ("stop",)]
    assert counted(record) == (10, 4)
