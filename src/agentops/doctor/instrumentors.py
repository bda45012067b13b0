"""Who instruments what in this process: our instrumentors, other GenAI instrumentors, and everything else that is installed."""

from __future__ import annotations

import sys
from collections import defaultdict
from functools import reduce
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.instrumentation.dependencies import get_dependency_conflicts, get_dist_dependency_conflicts
from packaging.requirements import Requirement

from agentops import declarative
from agentops.config import settings
from agentops.destinations import CONFIG_FILE_VARIABLE
from agentops.doctor.facts import Instrumentor, Wrapped
from agentops.installed import installed
from agentops.wiring import OUR_INSTRUMENTORS, wanted
from agentops_instrumentors.core import environment
from agentops_instrumentors.core.arbitration import GENAI_INSTRUMENTORS, wrapping_module

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.metadata import EntryPoint

    from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

    from agentops_instrumentors.core.endpoint import Endpoint
    from agentops_instrumentors.core.instrumentor import ProviderInstrumentor

GROUP: Final = "opentelemetry_instrumentor"
DISABLED_VARIABLE: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
_OURS: Final = "agentops_instrumentors."
_DEEPEST: Final = 16


def instrumentors(*, sdks: bool) -> tuple[Instrumentor, ...]:
    """Every instrumentor that is installed, ours first. `sdks`: import the SDKs to see method by method what is patched."""
    entries = sorted(installed(GROUP), key=lambda entry: (not _is_ours(entry), entry.name))
    return tuple(_ours(entry, sdks) if _is_ours(entry) else _other(entry) for entry in entries)


def _is_ours(entry: EntryPoint) -> bool:
    return entry.value.startswith(_OURS)


def _ours(entry: EntryPoint, sdks: bool) -> Instrumentor:
    try:
        instrumentor = cast("ProviderInstrumentor", entry.load()())
    except Exception as error:
        return Instrumentor(entry.name, "ours", _distribution(entry), why=f"it cannot be loaded: {_said(error)}")
    requirement = Requirement(instrumentor.requires[0])
    there = _version(requirement.name)
    told = Instrumentor(entry.name, "ours", _distribution(entry), sdk=f"{requirement.name} {there}".strip())
    why = _not_loaded(entry) or ("" if there else f"{requirement.name} is not installed")
    if not why and not instrumentor.is_instrumented_by_opentelemetry:
        why = "nothing has loaded it in this process"
    if not why and (conflict := get_dependency_conflicts(instrumentor.requires)) is not None:
        why = f"{requirement.name} {there} is not supported: {requirement} is needed" if conflict.found else str(conflict)
    if why:
        return _with(told, why=why)
    return _patched(told, instrumentor) if sdks else _with(told, active=True)


def _patched(told: Instrumentor, instrumentor: ProviderInstrumentor) -> Instrumentor:
    """With what is patched, once the SDK and every module that has an endpoint is imported."""
    try:
        import_module(instrumentor.sdk)
        module, _, name = instrumentor.endpoints.partition(":")
        endpoints = cast("Sequence[Endpoint]", getattr(import_module(module), name))
    except Exception as error:
        return _with(told, why=f"{instrumentor.sdk} cannot be imported: {_said(error)}")
    unimportable: list[str] = []
    for each in dict.fromkeys(endpoint.target.partition(":")[0] for endpoint in endpoints):
        try:
            import_module(each)
        except Exception:
            unimportable.append(each)
    patches = instrumentor.patches
    if patches is None:
        return _with(told, why=f"{instrumentor.sdk} was imported, and no patch was made")
    # A module for a platform that is not installed, and one that only other versions have, is nothing that is missing.
    missing = tuple(patches.missing)
    active = bool(patches.installed)
    gone = f"{', '.join(unimportable)} cannot be imported" if unimportable else "it has none of the methods that are instrumented"
    why = "" if active else gone
    down, wrapped = tuple(patches.standing_down), _wrapped(patches.installed)
    return _with(told, active=active, why=why, methods=len(patches.installed), missing=missing, standing_down=down, wrapped=wrapped)


def _wrapped(targets: Sequence[str]) -> tuple[Wrapped, ...]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for target in targets:
        for module in dict.fromkeys(_layers(target)):
            found[module].append(target)
    return tuple(Wrapped(module, tuple(methods), module.startswith(GENAI_INSTRUMENTORS)) for module, methods in sorted(found.items()))


def _layers(target: str) -> Iterator[str]:
    """The modules that wrap a method, the outermost first, without ours, the SDK's and Python's own."""
    module, _, path = target.partition(":")
    try:
        *owners, name = path.split(".")
        owner: Any = reduce(getattr, owners, cast("Any", sys.modules[module]))
        layer: Any = cast("dict[str, Any]", vars(owner)).get(name)
    except (AttributeError, KeyError):
        return
    layer = layer.fget if isinstance(layer, property) else layer
    for _ in range(_DEEPEST):
        if layer is None:
            return
        by = wrapping_module(layer)
        root = by.partition(".")[0]
        if by and root not in sys.stdlib_module_names and root != module.partition(".")[0] and not by.startswith(_OURS):
            yield by
        layer = getattr(layer, "__wrapped__", None)


def _other(entry: EntryPoint) -> Instrumentor:
    who = "foreign" if is_genai(entry.value) else "other"
    told = Instrumentor(entry.name, who, _distribution(entry))
    why = _not_loaded(entry)
    if not why and entry.dist is not None and (conflict := get_dist_dependency_conflicts(entry.dist)) is not None:
        why = str(conflict)
    if not why and not wanted(entry):
        why = "there is nothing for it to do: metrics go nowhere, or AGENTOPS_ENV_DATA_OPT_OUT is set"
    if not why and entry.module not in sys.modules:
        why = "nothing has loaded it in this process"
    if why:
        return _with(told, why=why)
    try:
        instrumentor = entry.load()()
        active, sdk = bool(instrumentor.is_instrumented_by_opentelemetry), _instrumented(instrumentor)
    except Exception as error:
        return _with(told, why=f"it cannot be loaded: {_said(error)}")
    return _with(told, active=active, sdk=sdk, why="" if active else "nothing has loaded it in this process")


def _instrumented(instrumentor: BaseInstrumentor) -> str:
    """The first of its dependencies that is installed, with its version."""
    names = [Requirement(each).name for each in instrumentor.instrumentation_dependencies()]
    return next((f"{name} {_version(name)}" for name in names if _version(name)), "")


def is_genai(target: str) -> bool:
    """Whether an instrumentor's module is known to record GenAI calls."""
    return target.startswith(GENAI_INSTRUMENTORS)


def _not_loaded(entry: EntryPoint) -> str:
    """By which setting an instrumentor stays out; empty where by none."""
    names = [name.strip() for name in environment.text(DISABLED_VARIABLE).split(",")]
    if entry.name in names or "*" in names:
        return f"{DISABLED_VARIABLE}={environment.text(DISABLED_VARIABLE)}"
    if declarative.turned_off(entry):
        return f"{CONFIG_FILE_VARIABLE} says enabled: false"
    if entry.name.startswith(OUR_INSTRUMENTORS) and not settings().instrument_llm_calls:
        return "AGENTOPS_INSTRUMENT_LLM_CALLS=false"
    return ""


def _with(told: Instrumentor, **changes: Any) -> Instrumentor:
    from msgspec.structs import replace

    return replace(told, **changes)


def _distribution(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else ""


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
