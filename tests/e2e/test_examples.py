"""The examples that their providers' tests do not run are recorded unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.fakes.aws_bedrock import FakeBedrock
from tests.fakes.google_server import FakeGoogle

if TYPE_CHECKING:
    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_google_genai_looks_something_up_and_streams(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    with FakeGoogle() as server:
        env = {"GOOGLE_GEMINI_BASE_URL": server.url, "GEMINI_API_KEY": "key", "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url}
        done = run_python((EXAMPLES / "google_genai_chat.py").read_text(encoding="utf-8"), instrument=True, env=env)
    assert "6.9 m" in done.stdout
    assert len(otlp_sink.spans("generate_content gemini-2.5-flash")) == 2
    assert len(otlp_sink.spans("execute_tool high_water")) == 1


def test_bedrock_converses_and_streams(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    with FakeBedrock() as server:
        env = {
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": server.url,
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url,
        }
        done = run_python((EXAMPLES / "bedrock_converse.py").read_text(encoding="utf-8"), instrument=True, env=env)
        assert b"5.0 m" in server.requests[-1].body
    assert done.stdout.strip()
    spans = otlp_sink.spans("chat eu.amazon.nova-lite-v1:0")
    assert sorted(span.attributes.get("gen_ai.request.stream", False) for span in spans) == [False, True]
