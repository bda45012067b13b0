"""Runs scenarios as an ordinary program would, `agentops.init()` and then the vendor's client, against a fake service.

`python -m conformance.drive FOLDER PROVIDER ...` is a process of its own, because what it sets up is global. Each scenario is
a session named after it, which tells the recorded traces apart. Spans go to the local store in FOLDER; log records and metrics
to an OTLP endpoint, flushed after each scenario, and into a file for each. It prints a report of what was called, as JSON.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

import agentops
from agentops_conformance.listen import Listener
from conformance import scenarios
from conformance.ledger import Bill, bill

if TYPE_CHECKING:
    from collections.abc import Sequence

EXPORTS: Final = "exports"


class Ran(msgspec.Struct, frozen=True):
    """One scenario's outcome: the target called, the chunks its caller got, the bill, and the file with its metrics and log records."""

    target: str
    chunks: int
    bill: Bill
    file: str = ""


class Report(msgspec.Struct, frozen=True):
    """What one provider's scenarios called, by scenario, and the declared targets with those that the SDK lacks."""

    ran: dict[str, Ran]
    targets: tuple[str, ...]
    absent: tuple[str, ...]


class _Exports:
    """Where what is exported goes at the moment."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.file = folder / "start.jsonl"

    def keep(self, line: bytes) -> bool:
        with self.file.open("ab") as lines:
            lines.write(line + b"\n")
        return True


def main(folder: Path, names: Sequence[str]) -> None:
    """Run the scenarios of these providers."""
    exports = _Exports(folder / EXPORTS)
    with Listener(exports.keep) as listener:
        os.environ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] = f"{listener.url}/v1/metrics"
        os.environ["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"] = f"{listener.url}/v1/logs"
        # Each export then holds one scenario's measurements alone.
        os.environ["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"] = "delta"
        agentops.init(auto_start_session=False)
        try:
            report = {name: _drive(scenarios.provider(name), exports) for name in names}
            exports.file = exports.file.with_name("end.jsonl")
        finally:
            agentops.shutdown()
    sys.stdout.buffer.write(msgspec.json.encode(report))


def _drive(provider: scenarios.Provider, exports: _Exports) -> Report:
    called: dict[str, tuple[scenarios.Driven, int, int, str]] = {}
    with provider.serve() as service:
        for number, scenario in enumerate(provider.scenarios):
            begun = len(service.exchanges)
            exports.file = exports.file.with_name(f"{provider.name}-{number}.jsonl")
            with agentops.start_trace(scenario.name):
                driven = provider.drive(scenario, service)
            agentops.flush()
            called[scenario.name] = (driven, begun, len(service.exchanges), exports.file.name)
    ran = {
        name: Ran(driven.target, driven.chunks, bill(service, begun, ended), file) for name, (driven, begun, ended, file) in called.items()
    }
    return Report(ran, provider.targets, tuple(filter(provider.absent, provider.targets)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
