"""The distro and the configurator that `opentelemetry-instrument` loads, and that `agentops.init()` uses where no provider exists."""

from __future__ import annotations

import logging
import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.instrumentation.dependencies import DependencyConflictError
from opentelemetry.instrumentation.distro import BaseDistro
from opentelemetry.sdk._configuration import _OTelSDKConfigurator  # pyright: ignore[reportPrivateUsage]
from opentelemetry.sdk.resources import Resource

from agentops import declarative as config_file
from agentops import otlp_settings, wiring
from agentops.config import settings, show_warnings
from agentops.destinations import AGENTOPS, OTLP, SIGNALS, TRACES, Signal, declarative, disabled, route
from agentops.installed import (
    CONFIGURATOR_VARIABLE,
    HTTP_PROTOBUF,
    NAME,
    OTLP_EXPORTERS,
    PROTOCOL_VARIABLE,
    gives_way,
    installed,
    otlp_protocols,
)
from agentops.resource import distribution, machine
from agentops.second_provider import explain
from agentops_instrumentors.core import environment
from agentops_instrumentors.core.guard import guarded, swallowed, warn_once

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint
    from types import ModuleType

DETECTORS_VARIABLE: Final = "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"
_LOADER: Final = "opentelemetry.instrumentation.auto_instrumentation._load"


class AgentOpsDistro(BaseDistro):
    """Defaults for everything the environment leaves open; a value the user gave is never changed."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """None beside another vendor's distro that the user has not passed over: the loader goes on to the next."""
        return None if gives_way() else super().__new__(cls, *args, **kwargs)  # pyright: ignore[reportUnknownMemberType]

    def _configure(self, **kwargs: Any) -> None:
        try:
            show_warnings()
            os.environ.setdefault(CONFIGURATOR_VARIABLE, NAME)
            logging.getLogger(_LOADER).addFilter(_expected)
            prepare()
        except Exception as error:
            swallowed("distro", error)

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Load one instrumentor; one that fails does not take those after it down."""
        if not wiring.wanted(entry_point):
            return
        try:
            if config_file.instrumented(entry_point):
                wiring.loaded(entry_point)
                return
            super().load_instrumentor(entry_point, **kwargs)  # pyright: ignore[reportUnknownMemberType, reportArgumentType]
            wiring.loaded(entry_point)
        except (ImportError, DependencyConflictError):
            raise  # The loader knows these, and goes on.
        except Exception as error:
            swallowed(f"instrumentor {entry_point.name}", error)


class AgentOpsConfigurator(_OTelSDKConfigurator):
    """The SDK's own configurator with our resource and destinations, then `wiring`."""

    def _configure(self, **kwargs: Any) -> None:
        logging.getLogger(_LOADER).addFilter(_expected)
        show_warnings()
        if disabled():
            return
        spools = _spools()
        try:
            # A declarative file is the whole configuration: arguments beside it are refused.
            arguments = {} if declarative() else _arguments(kwargs)
            with spools.withheld() if spools is not None else nullcontext():
                if not (declarative() and config_file.configure()):
                    super()._configure(**arguments)  # pyright: ignore[reportUnknownMemberType]
        except Exception as error:
            warn_once("configurator", "OpenTelemetry could not be set up as configured: %s: %s", type(error).__name__, error)
        if spools is not None:
            guarded("spool", spools.take_their_place, *SIGNALS)
        wiring.ensure_own()
        explain()


def _arguments(given: dict[str, Any]) -> dict[str, Any]:
    """The SDK configurator's arguments: `given`, our resource attributes, and exporters the environment does not name."""
    prepare()
    arguments: dict[str, Any] = {**given, "resource_attributes": {**distribution(), **(given.get("resource_attributes") or {})}}
    for signal, name in zip(SIGNALS, ("trace_exporter_names", "metric_exporter_names", "log_exporter_names"), strict=True):
        arguments[name] = [*(given.get(name) or []), *_further_exporters(signal)]
    return arguments


def build_tracer_provider() -> None:
    """Set a global tracer provider beside meter or logger providers of the application's, which stay as they are."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    prepare()
    provider = TracerProvider(resource=Resource.create(distribution()))
    spools = _spools()
    for each in sorted(set(route(TRACES).others) - (spools.gives_way(TRACES) if spools is not None else set())):
        for entry_point in installed(TRACES.group, OTLP_EXPORTERS[_protocol(TRACES)] if each == OTLP else each):
            provider.add_span_processor(BatchSpanProcessor(entry_point.load()()))
    trace.set_tracer_provider(provider)
    if spools is not None:
        guarded("spool", spools.take_their_place, TRACES)
    wiring.ensure_own()
    explain()


def _spools() -> ModuleType | None:
    """The module that puts spools in the place of exporters, if that is wanted."""
    if not settings().spool:
        return None
    from agentops.spool import attach

    return attach


def prepare() -> None:
    """Set defaults and repair values with which the SDK would not start, each with one warning."""
    if declarative() or disabled():
        return
    if not settings().env_data_opt_out:
        os.environ.setdefault(DETECTORS_VARIABLE, ",".join(machine()))
    os.environ.setdefault(PROTOCOL_VARIABLE, HTTP_PROTOBUF)
    _repair_protocol(PROTOCOL_VARIABLE)
    for signal in SIGNALS:
        _repair_protocol(signal.protocol_variable)
        _repair_exporters(signal)
    protocols = {signal.name: _protocol(signal) for signal in SIGNALS}
    otlp_settings.repair(lambda name: protocols.get(name, environment.text(PROTOCOL_VARIABLE)) == HTTP_PROTOBUF)


def unmute_loader() -> None:
    """Let the loader speak again: called once it has run through the configurators."""
    logging.getLogger(_LOADER).removeFilter(_expected)


def _expected(record: logging.LogRecord) -> bool:
    """Drop the loader's warning that upstream's configurator stood back for ours: with two installed it comes in every run."""
    stood_back = record.levelno == logging.WARNING and str(record.msg).startswith("Configuration of %s not loaded")
    return not (stood_back and isinstance(record.args, tuple) and record.args[0] == "configurator")


def _repair_protocol(variable: str) -> None:
    value = environment.text(variable)
    accepted = otlp_protocols()
    if value and value not in accepted:
        environment.invalid(variable, value, "an installed OTLP exporter's, " + " or ".join(accepted), HTTP_PROTOBUF)
        os.environ[variable] = HTTP_PROTOBUF


def _repair_exporters(signal: Signal) -> None:
    value = environment.text(signal.variable)
    names = [name for name in (part.strip() for part in value.split(",")) if name]
    if not names or [name.lower() for name in names] == ["none"]:
        return
    known = {entry.name for entry in installed(signal.group)} | {OTLP}
    kept = [name for name in names if name in known]
    if any(name.lower() == "none" for name in names):
        kept = ["none"]
    if kept != names:
        warn_once(
            f"env:{signal.variable}",
            "%s=%r is not accepted: expected none or exporters that are installed (%s); using %s",
            signal.variable,
            value,
            ", ".join(sorted(known)),
            ",".join(kept) or "no exporter of that name",
        )
        os.environ[signal.variable] = ",".join(kept)


def _further_exporters(signal: Signal) -> list[str]:
    """Exporters to build beside those the signal's variable names. Spans for AgentOps and the local store are added by `wiring`."""
    chosen, spools = route(signal), _spools()
    further: list[str] = []
    if not chosen.named and chosen.others == (OTLP,):
        further.append(OTLP_EXPORTERS[_protocol(signal)])
    if signal != TRACES and chosen.agentops and AGENTOPS not in chosen.named:
        further.append(AGENTOPS)
    taken = spools.gives_way(signal) if spools is not None else ()
    return [name for name in further if name not in taken]


def _protocol(signal: Signal) -> str:
    return environment.text(signal.protocol_variable) or environment.text(PROTOCOL_VARIABLE, HTTP_PROTOBUF)
