"""Runs scenarios as an ordinary program would, `agentops.init()` and then the vendor's client, against a fake service.

`python -m conformance.drive FOLDER PROVIDER ...` is a process of its own, because what it sets up is global. Each scenario is
a session named after it, which tells the recorded traces apart. Spans go to the local store in FOLDER; log records and metrics
to a receiver, flushed after each scenario. It prints a report of what was called, as JSON.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

import agentops
from conformance import scenarios
from conformance.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Sequence

METRICS_FOLDER: Final = "metrics"
LOGS_FILE: Final = "logs.jsonl"


class Bill(msgspec.Struct, frozen=True):
    """What the fake service counted during one scenario: requests, and the tokens it told the client of, by type."""

    requests: int
    input_tokens: int = 0
    output_tokens: int = 0


class Ran(msgspec.Struct, frozen=True):
    """One scenario's outcome: the target called, the chunks its caller got, and the bill."""

    target: str
    chunks: int
    bill: Bill


class Report(msgspec.Struct, frozen=True):
    """What one provider's scenarios called, by scenario, and the declared targets with those that the SDK lacks."""

    ran: dict[str, Ran]
    targets: tuple[str, ...]
    absent: tuple[str, ...]


def main(folder: Path, names: Sequence[str]) -> None:
    """Run the scenarios of these providers."""
    (folder / METRICS_FOLDER).mkdir()
    with Receiver(folder / METRICS_FOLDER / "before.jsonl") as measured, Receiver(folder / LOGS_FILE) as logged:
        os.environ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] = f"{measured.url}/v1/metrics"
        os.environ["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"] = f"{logged.url}/v1/logs"
        os.environ["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"] = "delta"
        agentops.init(auto_start_session=False)
        report = {name: _drive(scenarios.provider(name), measured) for name in names}
        agentops.flush()
    sys.stdout.buffer.write(msgspec.json.encode(report))


def _drive(provider: scenarios.Provider, measured: Receiver) -> Report:
    ran: dict[str, Ran] = {}
    with provider.serve() as service:
        for number, scenario in enumerate(provider.scenarios):
            before = (len(service.exchanges), len(service.served()))
            with agentops.start_trace(scenario.name):
                driven = provider.drive(scenario, service)
            measured.file = measured.file.with_name(f"{provider.name}-{number}.jsonl")
            agentops.flush()
            ran[scenario.name] = Ran(driven.target, driven.chunks, _bill(service, *before))
    return Report(ran, provider.targets, tuple(filter(provider.absent, provider.targets)))


def _bill(service: scenarios.Service, exchanges: int, entries: int) -> Bill:
    told = [entry for entry in service.served()[entries:] if entry.told]
    inputs, outputs = sum(entry.input_tokens for entry in told), sum(entry.output_tokens for entry in told)
    return Bill(len(service.exchanges) - exchanges, inputs, outputs)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
