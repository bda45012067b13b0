"""Every instrumentor of ours whose SDK is installed, found as OpenTelemetry's loader finds them: a new one is tested by itself."""

from __future__ import annotations

import importlib
import importlib.util
from functools import reduce
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import agentops_instrumentors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentops_instrumentors.core.endpoint import Endpoint
    from agentops_instrumentors.core.instrumentor import ProviderInstrumentor

ROOT: Final = Path(agentops_instrumentors.__file__).parent
_POINTS: Final = sorted({point for point in entry_points(group="opentelemetry_instrumentor") if point.name.startswith("agentops_")})
INSTRUMENTORS: Final[dict[str, type[ProviderInstrumentor]]] = {point.name.removeprefix("agentops_"): point.load() for point in _POINTS}


def _installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


INSTALLED: Final = [name for name, kind in INSTRUMENTORS.items() if _installed(kind.sdk)]


def endpoints(name: str) -> Sequence[Endpoint]:
    """What a provider declares."""
    module, _, attribute = INSTRUMENTORS[name].endpoints.partition(":")
    return getattr(importlib.import_module(module), attribute)


def owner(target: str) -> tuple[Any, str]:
    """The class or module that has a target, its module imported, and the target's name there. ImportError, AttributeError."""
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    return reduce(getattr, owners, importlib.import_module(module)), name


def methods(name: str) -> dict[str, Any]:
    """The object that is bound at each of a provider's targets now, for those that the installed SDK has."""
    found: dict[str, Any] = {}
    for endpoint in endpoints(name):
        try:
            holder, attribute = owner(endpoint.target)
            found[endpoint.target] = vars(holder)[attribute]
        except (ImportError, AttributeError, KeyError):
            continue
    return found


TARGETS: Final = [(name, target) for name in INSTALLED for target in methods(name)]
