"""rotel, a collector as it is on PyPI: traces, metrics and logs pass through it unchanged."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.environments import interpreter
from tests.e2e.receivers import CREW, free_port, record, running
from tests.fakes.otlp_sink import OtlpSink

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

TOKENS = "gen_ai.client.token.usage"
VOLATILE = {"service.instance.id"}


def open_at(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def settings(url: str) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_AND_EVENT",
        "AGENTOPS_CAPTURE_STDOUT": "true",
    }


def points(sink: OtlpSink, name: str) -> dict[str, Any]:
    """The last value of each point of a histogram, summed by type of token."""
    last = {tuple(sorted(point.attributes.items())): point for metric in sink.metrics(name) for point in metric.points}
    found: dict[str, Any] = {}
    for point in last.values():
        kind = point.attributes["gen_ai.token.type"]
        found[kind] = found.get(kind, 0) + point.sum
    return found


def test_all_three_signals_pass_through(tmp_path: Path) -> None:
    with OtlpSink() as sink:
        http, grpc = free_port(), free_port()
        command: list[object] = [*interpreter("receiver-rotel").parents[1].glob("lib/*/site-packages/rotel/rotel-agent"), "start"]
        command += ["--otlp-grpc-endpoint", f"localhost:{grpc}", "--otlp-http-endpoint", f"localhost:{http}", "--batch-timeout", "200ms"]
        command += ["--pid-file", tmp_path / "rotel.pid"]
        command += ["--exporter", "otlp", "--otlp-exporter-protocol", "http", "--otlp-exporter-endpoint", sink.url]
        with running(command, tmp_path, lambda: open_at(http)):
            bill = record(tmp_path, CREW, settings(f"http://127.0.0.1:{http}"))
            assert sink.wait_for(lambda: any(not span.parent_span_id for span in sink.spans()) and sink.logs() and sink.metrics(TOKENS), 60)
    spans = sink.spans()
    named = {span.name: span for span in spans}
    root, researcher = named["invoke_workflow crew"], named["invoke_agent researcher"]
    assert len(spans) == len({span.span_id for span in spans}) == 10
    assert {span.trace_id for span in spans} == {root.trace_id}
    assert named["execute_tool look_up"].parent_span_id == researcher.span_id
    assert {span.attributes["session.id"].replace("-", "") for span in spans} == {root.trace_id}
    assert "18 degrees" in named["execute_tool look_up"].attributes["gen_ai.tool.call.result"]
    used = [sum(span.attributes.get(f"gen_ai.usage.{kind}_tokens", 0) for span in spans) for kind in ("input", "output")]
    assert used == [bill.input_tokens, bill.output_tokens]
    assert (named["operation publish"].status_code, [event.name for event in named["operation publish"].events]) == ("ERROR", ["exception"])
    assert points(sink, TOKENS) == {"input": bill.input_tokens, "output": bill.output_tokens}
    told = sink.logs("gen_ai.client.inference.operation.details")
    assert {log.span_id for log in told} == {span.span_id for span in spans if span.name.startswith("chat")}
    assert {span.resource["telemetry.distro.name"] for span in spans} == {log.resource["telemetry.distro.name"] for log in told}
