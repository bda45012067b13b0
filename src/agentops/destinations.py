"""Where data goes and why: one rule for every signal, whoever built the providers.

A key: one AgentOps copy. An OTLP endpoint or a named exporter: that too. Nothing: the local store, for traces only.
`OTEL_SDK_DISABLED=true` or an exporter of `none`: nothing at all.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from agentops.config import Settings, settings
from agentops_instrumentors.core import environment
from agentops_instrumentors.core.guard import warn_once

AGENTOPS: Final = "agentops"
LOCAL: Final = "agentops_local"
OTLP: Final = "otlp"
CONFIG_FILE_VARIABLE: Final = "OTEL_CONFIG_FILE"
_PLACE: Final = re.compile(r"OTEL_EXPORTER_\w*(ENDPOINT|HEADERS)|OTEL_CONFIG_FILE")


@dataclass(frozen=True, slots=True)
class Signal:
    """One of the three signals and the names it has in the environment and among entry points."""

    name: str

    @property
    def variable(self) -> str:
        """The variable that names the exporters."""
        return f"OTEL_{self.name.upper()}_EXPORTER"

    @property
    def endpoint_variable(self) -> str:
        """The variable of the signal's own OTLP endpoint."""
        return f"OTEL_EXPORTER_OTLP_{self.name.upper()}_ENDPOINT"

    @property
    def protocol_variable(self) -> str:
        """The variable of the signal's own OTLP protocol."""
        return f"OTEL_EXPORTER_OTLP_{self.name.upper()}_PROTOCOL"

    @property
    def group(self) -> str:
        """The entry point group of the exporters."""
        return f"opentelemetry_{self.name}_exporter"


TRACES: Final = Signal("traces")
METRICS: Final = Signal("metrics")
LOGS: Final = Signal("logs")
SIGNALS: Final = (TRACES, METRICS, LOGS)


@dataclass(frozen=True, slots=True)
class Route:
    """Where one signal goes."""

    agentops: bool = False
    local: bool = False
    others: tuple[str, ...] = ()
    """Exporters that are not ours, as the environment names them; `OTEL_CONFIG_FILE` for those of a declarative file."""
    named: frozenset[str] = frozenset()
    """What the signal's variable names: built by whichever configurator runs."""
    why: str = ""

    def exporter_names(self) -> tuple[str, ...]:
        """The route as a value of the signal's variable."""
        return (*self.others, *((AGENTOPS,) if self.agentops else ()), *((LOCAL,) if self.local else ()))


@dataclass(frozen=True, slots=True)
class Destinations:
    """Where all data of this process goes, why, and whether content goes with it."""

    traces: Route
    metrics: Route
    logs: Route
    foreign: bool
    """An application's or another vendor's provider is in use, whose exporters cannot be seen."""
    content: str
    """The content mode in force, a value of OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT."""
    endpoint: str
    """The AgentOps traces endpoint."""

    def digest(self) -> str:
        """The same text where traces go to the same places, which it does not tell; empty where they stay in the local store."""
        places: list[str] = []
        if self.traces.agentops:
            places += [self.endpoint, settings().api_key]
        if self.traces.others:
            places += [*self.traces.others, *(f"{name}={value}" for name, value in sorted(os.environ.items()) if _PLACE.fullmatch(name))]
        if self.foreign or _given(settings()):
            # Exporters in code: no other program has them.
            places.append(os.path.abspath(next(iter(getattr(sys, "argv", ())), "")))
        return blake2b(repr(places).encode("utf-8", "replace"), digest_size=16).hexdigest() if places else ""

    def __str__(self) -> str:
        """One line for a person."""
        places = [f"AgentOps ({self.endpoint})"] if self.traces.agentops else []
        places += self.traces.others
        places += ["the exporters of the application's own provider"] if self.foreign else []
        places += ["the local store (for an OTLP receiver on localhost:4318 set OTEL_TRACES_EXPORTER=otlp)"] if self.traces.local else []
        return f"Spans go to {' and '.join(places) or 'nowhere'}: {self.traces.why}. Message content: {self.content}"


def disabled() -> bool:
    """Whether OTEL_SDK_DISABLED turns everything off."""
    return environment.text("OTEL_SDK_DISABLED").lower() == "true"


def declarative() -> bool:
    """Whether a declarative file, and not the environment, configures the SDK."""
    if not environment.text(CONFIG_FILE_VARIABLE):
        return False
    from opentelemetry.sdk import environment_variables

    if hasattr(environment_variables, CONFIG_FILE_VARIABLE):
        return True
    warn_once("env:OTEL_CONFIG_FILE", "OTEL_CONFIG_FILE is set, but this opentelemetry-sdk does not know it: it is ignored")
    return False


def route(signal: Signal) -> Route:
    """Where `signal` goes, by the environment and the settings."""
    chosen = settings()
    if disabled():
        return Route(why="OTEL_SDK_DISABLED=true")
    key = bool(chosen.api_key)
    if declarative():
        return Route(agentops=key, others=(CONFIG_FILE_VARIABLE,), why=_because(key, "OTEL_CONFIG_FILE is set"))
    names = tuple(name for name in (part.strip() for part in environment.text(signal.variable).split(",")) if name)
    if any(name.lower() == "none" for name in names):
        return Route(why=f"{signal.variable}=none")
    others = tuple(name for name in names if name not in (AGENTOPS, LOCAL))
    reason = f"{signal.variable}={','.join(names)}" if names else ""
    endpoint = _endpoint_variable(signal)
    if not names and endpoint:
        others, reason = (OTLP,), f"{endpoint} is set"
    local = LOCAL in names or (signal == TRACES and not others and not key and not _given(chosen))
    return Route(key, local, others, frozenset(names), _because(key, reason or ("an exporter is given" if _given(chosen) else "")))


def switched_off(signal: Signal) -> bool:
    """Whether the environment asks for none of `signal` at all."""
    return disabled() or any(name.strip().lower() == "none" for name in environment.text(signal.variable).split(","))


def _because(key: bool, reason: str) -> str:
    reasons = [part for part in ("an AgentOps API key is set" if key else "", reason) if part]
    return " and ".join(reasons) or "nothing else is configured"


def _given(chosen: Settings) -> bool:
    return chosen.exporter is not None or chosen.processor is not None


def _endpoint_variable(signal: Signal) -> str:
    candidates = (signal.endpoint_variable, "OTEL_EXPORTER_OTLP_ENDPOINT")
    return next((name for name in candidates if os.environ.get(name, "").strip()), "")
