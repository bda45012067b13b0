"""Puts spools on providers in the place of exporters: AgentOps' on any provider, that of OTLP over HTTP on those we build."""

from __future__ import annotations

import atexit
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from opentelemetry import _logs, trace

from agentops.config import settings
from agentops.destinations import AGENTOPS, LOGS, OTLP, TRACES, Signal, declarative, disabled, route
from agentops.export.delivery import share_exit_time
from agentops.export.otlp import Target
from agentops.export.selection import Selection
from agentops.export.transport import beside
from agentops.installed import HTTP_PROTOBUF, OTLP_EXPORTERS, PROTOCOL_VARIABLE
from agentops.spool.place import Place
from agentops.spool.processors import SpoolLogProcessor, SpoolSpanProcessor
from agentops.spool.receivers import SpooledAgentOps, SpooledOtlp
from agentops.spool.spool import Spool, close_all, spool
from agentops_instrumentors.core import environment
from agentops_instrumentors.core.guard import warn_once

if TYPE_CHECKING:
    from collections.abc import Generator

    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.trace import TracerProvider

SPOOLED: Final = (TRACES, LOGS)
"""Metrics are cumulative: the next export makes up for one that was lost."""
VARIABLE: Final = "AGENTOPS_SPOOL"
_CREDENTIALS: Final = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_{}CREDENTIAL_PROVIDER"


def agentops_spans(provider: TracerProvider) -> Spool:
    """Spool the spans of `provider` that AGENTOPS_EXPORT chooses for AgentOps."""
    made = agentops_spool(TRACES.name)
    provider.add_span_processor(SpoolSpanProcessor(made, Selection().chosen))
    return made


def agentops_logs(provider: LoggerProvider) -> None:
    """Spool the log records of `provider` for AgentOps."""
    provider.add_log_record_processor(SpoolLogProcessor(agentops_spool(LOGS.name)))


def agentops_spool(signal: str, endpoint: str | None = None, api_key: str | None = None) -> Spool:
    """The spool of one signal for AgentOps, by the settings where nothing else is given."""
    place = _agentops_place(signal, endpoint, api_key)
    return _started(spool(place, lambda: SpooledAgentOps(signal, endpoint, api_key), not route(TRACES).local))


def places() -> list[Place]:
    """What this process spools, by its settings, if the providers are built by our configurator."""
    found: list[Place] = []
    for signal in SPOOLED if settings().spool and not disabled() else ():
        found += [_agentops_place(signal.name)] if route(signal).agentops else []
        found += [_otlp_place(signal, Target.from_environment(signal.name))] if takes_otlp(signal) else []
    return found


def takes_otlp(signal: Signal) -> bool:
    """Whether the OTLP exporter of `signal` gives way to a spool where our configurator builds the providers."""
    return _takes(signal) and bool(_otlp_names(signal).intersection(route(signal).others)) and not _credentials(signal)


def gives_way(signal: Signal) -> set[str]:
    """Names of exporters of `signal` that a spool stands in for where our configurator builds the providers."""
    return {AGENTOPS, *(_otlp_names(signal) if takes_otlp(signal) else ())} if _takes(signal) else set()


@contextmanager
def withheld() -> Generator[None]:
    """Keep the exporters that give way from the SDK's configurator, which reads their names from the environment."""
    kept = {signal.variable: os.environ[signal.variable] for signal in SPOOLED if signal.variable in os.environ}
    left: dict[str, str] = {}
    for signal in SPOOLED:
        names = [name.strip() for name in kept.get(signal.variable, "").split(",")]
        gone = gives_way(signal)
        if gone.intersection(names):
            left[signal.variable] = ",".join(name for name in names if name not in gone) or "none"
    os.environ.update(left)
    try:
        yield
    finally:
        os.environ.update({name: kept[name] for name in left})


def take_their_place(*signals: Signal) -> None:
    """Put the spools that OTLP exporters gave way to on the global providers, and say what is not spooled."""
    provider, loggers = trace.get_tracer_provider(), _logs.get_logger_provider()
    if TRACES in signals and takes_otlp(TRACES) and hasattr(provider, "add_span_processor"):
        cast("TracerProvider", provider).add_span_processor(SpoolSpanProcessor(_otlp(TRACES)))
    if LOGS in signals and takes_otlp(LOGS) and hasattr(loggers, "add_log_record_processor"):
        cast("LoggerProvider", loggers).add_log_record_processor(SpoolLogProcessor(_otlp(LOGS)))
    _say_what_is_not_spooled()


def _say_what_is_not_spooled() -> None:
    """One line for each exporter that a setting asks for and that no spool can stand in for."""
    if declarative():
        warn_once(
            f"spool:{VARIABLE}",
            "%s=true: exporters of OTEL_CONFIG_FILE other than agentops send by themselves and are not spooled",
            VARIABLE,
        )
        return
    for signal in SPOOLED:
        others = set(route(signal).others) - (_otlp_names(signal) if takes_otlp(signal) else set())
        if others:
            why = _credentials(signal)
            reason = f"{why} is set" if why and others <= _otlp_names(signal) else f"only OTLP over {HTTP_PROTOBUF} is"
            message = "%s=true: the %s exporter %s sends by itself and is not spooled: %s"
            warn_once(f"spool:{VARIABLE}:{signal.name}", message, VARIABLE, signal.name, " and ".join(sorted(others)), reason)


def _takes(signal: Signal) -> bool:
    return settings().spool and signal in SPOOLED and not disabled() and not declarative()


def _otlp(signal: Signal) -> Spool:
    target = Target.from_environment(signal.name)
    check = f"OTEL_EXPORTER_OTLP_{signal.name.upper()}_* and OTEL_EXPORTER_OTLP_*"
    return _started(spool(_otlp_place(signal, target), lambda: SpooledOtlp(target, check, keeps=True), not route(TRACES).local))


def _started(made: Spool) -> Spool:
    made.start()
    # At the end after the sessions have ended and before the provider shuts down, which was registered with it.
    atexit.unregister(close_all)
    atexit.register(close_all)
    share_exit_time()
    return made


def _agentops_place(signal: str, endpoint: str | None = None, api_key: str | None = None) -> Place:
    chosen = settings()
    url = endpoint or beside(chosen.exporter_endpoint, signal)
    return Place(AGENTOPS, signal, url, f"{chosen.endpoint} {api_key or chosen.api_key}")


def _otlp_place(signal: Signal, target: Target) -> Place:
    return Place(OTLP, signal.name, target.url, repr((sorted(target.headers.items()), target.client)))


def _otlp_names(signal: Signal) -> set[str]:
    """The names under which the exporter of OTLP over HTTP may be asked for."""
    protocol = environment.text(signal.protocol_variable) or environment.text(PROTOCOL_VARIABLE, HTTP_PROTOBUF)
    return {OTLP_EXPORTERS[HTTP_PROTOBUF], *([OTLP] if protocol == HTTP_PROTOBUF else [])}


def _credentials(signal: Signal) -> str:
    """The variable that has the exporter get its credentials from code, which a spool cannot; empty where there is none."""
    names = (_CREDENTIALS.format(""), _CREDENTIALS.format(f"{signal.name.upper()}_"))
    return next((name for name in names if environment.text(name)), "")
