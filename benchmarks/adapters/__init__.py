"""One adapter a peer: where it is installed from, and how its user instruments the client.

An adapter's module is imported in the measured process only, so that nothing here imports a peer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider


class Instrument(Protocol):
    """`instrument` of an adapter's module: what a user of the peer writes."""

    def __call__(self, tracers: TracerProvider, meters: MeterProvider, loggers: LoggerProvider) -> None: ...


@dataclass(frozen=True, slots=True)
class Adapter:
    """A peer. `requirements` is a file of `requirements/`; `project` installs this project's own wheel on top of it."""

    name: str
    requirements: str
    project: bool = False

    @property
    def module(self) -> str:
        return f"benchmarks.adapters.{self.name}"


BARE = Adapter("bare", "bench-bare.txt")
FLOOR = Adapter("floor", "bench-bare.txt")
OURS = Adapter("ours", "bench-ours.txt", project=True)
EVERY = Adapter("every", "test.txt", project=True)
OFFICIAL = Adapter("official", "bench-official.txt")

PEERS = (OFFICIAL,)
"""Whom this project is measured against."""
