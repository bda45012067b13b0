"""Runs scenarios through one peer, in that peer's environment: `python -m conformance.peers.drive FOLDER PEER CLIENT`.

Each scenario stands below a span of its own name, so that what it left is told by trace, wherever it ends. Telemetry goes to an OTLP
endpoint in the same process and from there to FOLDER. So does a report of what was called.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from opentelemetry import _logs, metrics, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from agentops_conformance.listen import Listener
from conformance import peers, scenarios
from conformance.ledger import bill
from conformance.peers.report_values import REPORT, SCOPE, Ran, Report
from conformance.peers.setups import instrument

_NEVER_MILLISECONDS: Final = 3_600_000


class _Exports:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "start.jsonl"

    def keep(self, line: bytes) -> bool:
        with self.file.open("ab") as lines:
            lines.write(line + b"\n")
        return True


def main(folder: Path, peer: peers.Peer, client: str) -> None:
    """Run the scenarios of one client."""
    exports = _Exports(folder)
    with Listener(exports.keep) as listener:
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = listener.url
        os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
        # Each export then holds one scenario's measurements alone.
        os.environ["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"] = "delta"
        if not peer.own_providers:
            _provide()
        instrument(peer.name, client)
        ran = _run(scenarios.provider(client), exports)
        exports.file = folder / "end.jsonl"
        _flush()
    report = Report(ran, {name: distribution(name).version for name in (*peer.distributions, client)})
    (folder / REPORT).write_bytes(msgspec.json.encode(report))


def _provide() -> None:
    resource = Resource.create({"service.name": "conformance"})
    tracers = TracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(tracers)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(), _NEVER_MILLISECONDS)
    metrics.set_meter_provider(MeterProvider([reader], resource))
    loggers = LoggerProvider(resource)
    loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    _logs.set_logger_provider(loggers)


def _flush() -> None:
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider()):
        cast("Any", provider).force_flush()


def _run(provider: scenarios.Provider, exports: _Exports) -> dict[str, Ran]:
    tracer = trace.get_tracer(SCOPE, "1")
    called: dict[str, tuple[int, int, str, int, str]] = {}
    with provider.serve() as service:
        for number, scenario in enumerate(provider.scenarios):
            begun = len(service.exchanges)
            exports.file = exports.file.with_name(f"{number}.jsonl")
            with tracer.start_as_current_span(scenario.name):
                chunks, error = _drive(provider, scenario, service)
            _flush()
            called[scenario.name] = (begun, len(service.exchanges), exports.file.name, chunks, error)
    return {name: Ran(bill(service, begun, ended), file, chunks, error) for name, (begun, ended, file, chunks, error) in called.items()}


def _drive(provider: scenarios.Provider, scenario: scenarios.Scenario, service: scenarios.Service) -> tuple[int, str]:
    """The chunks of a stream, and an error that the client does not raise."""
    try:
        return provider.drive(scenario, service).chunks, ""
    except Exception as error:
        return 0, f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), peers.named(sys.argv[2]), sys.argv[3])
