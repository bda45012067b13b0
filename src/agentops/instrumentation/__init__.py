"""Instrumentors of this distribution, by name."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, cast

from agentops.installed import installed
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from agentops_instrumentors.core.instrumentor import ProviderInstrumentor

PREFIX: Final = "agentops_"
GROUP: Final = "opentelemetry_instrumentor"


def instrument_all() -> None:
    """Instrument every vendor SDK we know, now or when it is imported; also where `init()` was told not to."""
    for instrumentor in _instrumentors():
        if not instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.instrument()


def uninstrument_all() -> None:
    """Take every patch of ours off again."""
    for instrumentor in _instrumentors():
        if instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.uninstrument()


def get_active_libraries() -> set[str]:
    """Top-level modules that are imported and instrumented by us."""
    return {each.sdk for each in _instrumentors() if each.is_instrumented_by_opentelemetry and each.sdk in sys.modules}


def _instrumentors() -> list[ProviderInstrumentor]:
    found: list[ProviderInstrumentor] = []
    for entry in installed(GROUP):
        if entry.name.startswith(PREFIX):
            try:
                found.append(cast("ProviderInstrumentor", entry.load()()))
            except Exception as error:
                swallowed(f"instrumentor {entry.name}", error)
    return found
