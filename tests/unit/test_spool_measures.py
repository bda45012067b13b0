"""What exporters without a spool delivered and lost, as metrics: AgentOps' line in memory, the local store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from agentops import config
from agentops.export import measures, tokens
from agentops.export.backend import AgentOpsSpanExporter
from agentops.store import processor
from agentops_instrumentors.core import guard
from tests.fakes.otlp_sink import Behaviour

if TYPE_CHECKING:
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

    from tests.fakes.agentops_backend import FakeAgentOps


@pytest.fixture(autouse=True)
def nothing_said_nor_set(agentops_backend: FakeAgentOps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_said", set())
    monkeypatch.setattr(tokens, "_known", {})
    monkeypatch.setattr(config, "_current", config.Settings(endpoint=agentops_backend.url, export="all"))
    monkeypatch.setattr(processor, "_store", None)


def ended(count: int) -> list[ReadableSpan]:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    found = [tracer.start_span(f"span {number}") for number in range(count)]
    for span in found:
        span.end()
    return found  # type: ignore[return-value]


def collected(component: str) -> list[tuple[str, Any, Any]]:
    """(metric, value, error.type) of a component's points."""
    reader = InMemoryMetricReader()
    measures.create(MeterProvider([reader], shutdown_on_exit=False))
    data = reader.get_metrics_data()
    scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data is not None else []
    return [
        (metric.name, point.value, point.attributes.get("error.type"))
        for scope in scopes
        for metric in scope.metrics
        for point in metric.data.data_points
        if point.attributes["otel.component.type"] == component
    ]


def test_the_line_in_memory(agentops_backend: FakeAgentOps) -> None:
    exporter = AgentOpsSpanExporter(endpoint=f"{agentops_backend.url}/v1/traces", api_key=agentops_backend.keys[0], claimed=True)
    exporter.export(ended(2))
    assert exporter.force_flush()
    agentops_backend.behave(Behaviour(status=400), path="/v1/traces", times=1)
    exporter.export(ended(3))
    assert exporter.force_flush()
    name = "otel.sdk.exporter.span.exported"
    # Other tests' exporters of this process are in it, too, for other receivers.
    (account,) = [each for each in measures.accounts() if each.url == exporter.endpoint]
    assert (account.delivered, account.dropped) == (2, {"HTTP 400": 3})
    assert {(name, 2, None), (name, 3, "HTTP 400")} <= set(collected("agentops_exporter"))
    exporter.shutdown()


def test_the_local_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTOPS_LOCAL_DIR", str(tmp_path / "store"))
    store = processor.local_store()
    # What it has to say at the end of the process is the test's doing.
    monkeypatch.setattr(store, "_armed", True)
    for span in ended(4):
        store.ended(span)
    assert store.writer.flush()
    store.files.close()
    folder = tmp_path / "store"
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.write_text("in the way")
    for span in ended(3):
        store.ended(span)
    assert store.writer.flush()
    name = "otel.sdk.exporter.span.exported"
    assert set(collected("agentops_local_store")) == {(name, 4, None), (name, 3, "unwritable")}
