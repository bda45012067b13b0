"""What became of what was to be exported, as the metrics that the conventions have for SDKs' own exporters.

Spans and log records that arrived or were lost (`error.type`: why), for each exporter of ours: those to AgentOps, spools, the local
store. Source: https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from opentelemetry.metrics import Observation, get_meter

from agentops_instrumentors.core import semconv
from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from opentelemetry.metrics import CallbackOptions, MeterProvider

SCOPE: Final = "agentops.export"
SPANS: Final = "otel.sdk.exporter.span.exported"
LOGS: Final = "otel.sdk.exporter.log.exported"
COMPONENT_TYPE: Final = "otel.component.type"
COMPONENT_NAME: Final = "otel.component.name"
_INSTRUMENTS: Final = {
    "traces": (SPANS, "{span}", "The number of spans for which the export has finished, either successful or failed."),
    "logs": (LOGS, "{log_record}", "The number of log records for which the export has finished, either successful or failed."),
}
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Account:
    """One exporter's: how many items of `signal` arrived, and were `dropped` by cause. `url` is empty where it sends nowhere."""

    component: str
    signal: str
    url: str
    delivered: int
    dropped: Mapping[str, int]


def create(provider: MeterProvider | None = None) -> None:
    """Create the instruments on `provider`, by default the global one."""
    meter = get_meter(SCOPE, __version__, provider)
    for signal, (name, unit, description) in _INSTRUMENTS.items():
        meter.create_observable_counter(name, [_observer(signal)], unit, description)


def _observer(signal: str) -> Callable[[CallbackOptions], Iterator[Observation]]:
    def observe(_options: CallbackOptions) -> Iterator[Observation]:
        return (observation for account in accounts() if account.signal == signal for observation in _observations(account))

    return observe


def accounts() -> list[Account]:
    """Those of this process, equal ones as one."""
    summed: dict[tuple[str, str, str], list[Account]] = defaultdict(list)
    for account in _accounts():
        summed[account.component, account.signal, account.url].append(account)
    return [_sum(each) for each in summed.values()]


def _accounts() -> Iterator[Account]:
    # Asked for by name: what was not loaded has exported nothing.
    backend = sys.modules.get("agentops.export.transport")
    for transport in backend.transports() if backend is not None else ():
        counts = transport.counts()
        yield Account("agentops_exporter", transport.signal, transport.endpoint, counts.delivered, counts.dropped)
    spools = sys.modules.get("agentops.spool.spool")
    for spool in spools.spools() if spools is not None else ():
        counts = spool.counts()
        yield Account(f"agentops_spool_{spool.place.name}", spool.place.signal, spool.url, counts.delivered, counts.dropped)
    store = sys.modules.get("agentops.store.processor")
    for signal in _INSTRUMENTS:
        written, dropped = store.kept(signal) if store is not None else (0, dict[str, int]())
        if written or dropped:
            yield Account("agentops_local_store", signal, "", written, dropped)


def _sum(same: list[Account]) -> Account:
    dropped: defaultdict[str, int] = defaultdict(int)
    for account in same:
        for cause, count in account.dropped.items():
            dropped[cause] += count
    return replace(same[0], delivered=sum(account.delivered for account in same), dropped=dropped)


def _observations(account: Account) -> Iterator[Observation]:
    attributes: dict[str, str | int] = {COMPONENT_TYPE: account.component, COMPONENT_NAME: f"{account.component}/{account.signal}"}
    parts = urlsplit(account.url)
    if parts.hostname:
        attributes[semconv.SERVER_ADDRESS] = parts.hostname
        attributes[semconv.SERVER_PORT] = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    yield Observation(account.delivered, attributes)
    for cause, count in account.dropped.items():
        yield Observation(count, {**attributes, semconv.ERROR_TYPE: cause})
