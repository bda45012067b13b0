"""Everything that can be seen in this process, as one report without findings."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Final

from agentops import wiring
from agentops.config import masked
from agentops.doctor import instrumentors, natives, places, receivers, spools, startup
from agentops.doctor.facts import Package, Report, Start
from agentops.redaction import mask_secrets
from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

THIS_PROCESS: Final = "this process"
_SETTINGS: Final = re.compile(r"(OTEL|AGENTOPS)_\w+")
_SECRET: Final = re.compile(r"\w*(HEADERS|KEY|TOKEN|PASSWORD|SECRET)\w*")
_RELEVANT: Final = re.compile(
    r"agentops.*|opentelemetry-.*|openinference-.*|traceloop-sdk|openlit|langfuse|logfire|ddtrace|sentry-sdk|elastic-opentelemetry|"
    r"aws-opentelemetry-distro|splunk-opentelemetry|azure-monitor-opentelemetry.*|wrapt|msgspec|genai-prices"
)


def collect(*, sdks: bool, receivers: bool, how: str = THIS_PROCESS, given: Collection[str] | None = None) -> Report:
    """What is so here. `given`: the variables that the user set, where the process's own environment has more."""
    return _collect(sdks, receivers, how, frozenset(os.environ) if given is None else frozenset(given))


def _collect(sdks: bool, asked: bool, how: str, given: Collection[str]) -> Report:
    provider, set_up = startup.provider()
    destinations = wiring.destinations()
    spooled, spool_error = spools.spools()
    return Report(
        version=__version__,
        python=f"{platform.python_version()} ({platform.system()})",
        packages=tuple(_packages()),
        start=Start(how, startup.distro(given), startup.configurator(given), provider, set_up),
        instrumentors=instrumentors.instrumentors(sdks=sdks),
        natives=natives.natives(),
        signals=places.signals(destinations),
        receivers=receivers.receivers(asked=asked),
        content=places.captured(destinations),
        store=places.store(),
        spools=spooled,
        spool_error=spool_error,
        exports=spools.exports(),
        settings={name: shown(name, os.environ[name]) for name in sorted(given) if name in os.environ and _SETTINGS.fullmatch(name)},
    )


def _packages() -> Iterable[Package]:
    # One look at each: every access reads the whole metadata anew.
    each_metadata = [each.metadata for each in distributions()]
    found = {(each["Name"] or "").lower().replace("_", "-"): each["Version"] for each in reversed(each_metadata)}
    return [Package(name, found[name]) for name in sorted(found) if _RELEVANT.fullmatch(name)]


def shown(name: str, value: str) -> str:
    """A variable's value as it may be printed: of headers their names, of keys and the like their beginning."""
    if "HEADERS" in name:
        return ", ".join(f"{part.partition('=')[0].strip()}=…" for part in value.split(",") if part.strip())
    return masked(value) if _SECRET.fullmatch(name) else mask_secrets(value)
