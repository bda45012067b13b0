"""Which distro and configurator OpenTelemetry's loader takes, and why; what the global tracer provider is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry import trace

from agentops.doctor.facts import Choice
from agentops.installed import NAME, installed
from agentops_instrumentors.core import environment

if TYPE_CHECKING:
    from collections.abc import Collection
    from importlib.metadata import EntryPoint

DISTRO_VARIABLE: Final = "OTEL_PYTHON_DISTRO"
CONFIGURATOR_VARIABLE: Final = "OTEL_PYTHON_CONFIGURATOR"


def distro(given: Collection[str]) -> Choice:
    """The distro; `given` are the variables that the user set."""
    return _choice("opentelemetry_distro", DISTRO_VARIABLE, given, "there is no vendor's distro beside it")


def configurator(given: Collection[str]) -> Choice:
    """The configurator."""
    return _choice("opentelemetry_configurator", CONFIGURATOR_VARIABLE, given, "our distro names it")


def provider() -> tuple[str, bool]:
    """The class of the global tracer provider, and whether it records."""
    found = trace.get_tracer_provider()
    kind = type(found)
    nothing = isinstance(found, (trace.ProxyTracerProvider, trace.NoOpTracerProvider))
    return f"{kind.__module__}.{kind.__qualname__}", not nothing


def _choice(group: str, variable: str, given: Collection[str], ours: str) -> Choice:
    entries = installed(group)
    wanted = environment.text(variable)
    for entry in entries:
        if wanted and entry.name != wanted:
            continue
        if wanted:
            theirs = "it is what there would be without ours, which gives way"
            why = f"{variable}={wanted}" if variable in given else f"{variable} is unset, and {ours if wanted == NAME else theirs}"
        else:
            why = "it is the only one" if len(entries) == 1 else f"{variable} is unset, and it comes first in the order of the file system"
        others = tuple(_named(other) for other in entries if other is not entry)
        return Choice(entry.name, entry.value, entry.dist.name if entry.dist else "", why, others)
    why = f"{variable}={wanted} names none that is installed" if wanted else "none is installed"
    return Choice(why=why, others=tuple(_named(entry) for entry in entries))


def _named(entry: EntryPoint) -> str:
    return f"{entry.name} of {entry.dist.name}" if entry.dist else entry.name
