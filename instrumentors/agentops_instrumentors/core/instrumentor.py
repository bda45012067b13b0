"""The base of every provider's instrumentor."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from agentops_instrumentors.core import versions
from agentops_instrumentors.core.guard import warn_once
from agentops_instrumentors.core.lazy import on_import
from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from types import ModuleType

    from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
    from typing_extensions import Self

    from agentops_instrumentors.core.endpoint import Endpoint
    from agentops_instrumentors.core.patching import Patches
else:
    BaseInstrumentor = object

_UPSTREAM: Final = "opentelemetry.instrumentation.instrumentor"
_logger: Final = logging.getLogger(_UPSTREAM)
"""That of upstream's instrumentors: who silences or watches theirs means these, too."""


@dataclass(frozen=True, slots=True)
class InstrumentorOptions:
    """Options of an instrumentor in a declarative file, below `instrumentation/development: python:`."""

    capture_message_content: str | None = None
    """A value of OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT, for this instrumentor alone."""


class ProviderInstrumentor(BaseInstrumentor):
    """Instruments one vendor SDK, lazily: nothing of the SDK or the provider loads before the program imports the SDK.

    `instrument()` takes `tracer_provider`, `meter_provider`, `logger_provider` (default: the global ones) and `policy`
    (a `core.content.Policy`; default: the process's), or `capture_message_content`, the name of a content mode.

    It is an instrumentor of OpenTelemetry by registration with the abstract class, made when that is imported, and not by inheritance:
    importing it takes 50 ms, which belong to the loader or to nobody.
    """

    sdk: ClassVar[str]
    """The SDK's top-level module, whose import brings the patches."""
    requires: ClassVar[tuple[str, ...]]
    """Requirement of the SDK's distribution, such as `openai >= 1.66.0`: the name stands by itself."""
    endpoints: ClassVar[str]
    """`module:NAME` of the provider's sequence of endpoints."""

    configuration: ClassVar[type[InstrumentorOptions]] = InstrumentorOptions
    """What a declarative file may give."""

    _only: ClassVar[ProviderInstrumentor | None] = None
    _patches: Patches | None = None
    _options: dict[str, Any] | None = None

    def __new__(cls, *_args: object, **_options: object) -> Self:
        """The one of its class in this process, whatever it is called with."""
        if cls._only is None:
            cls._only = object.__new__(cls)
        return cast("Self", cls._only)

    @property
    def is_instrumented_by_opentelemetry(self) -> bool:
        """Whether it is in force, the SDK imported or not."""
        return self._options is not None

    def instrumentation_dependencies(self) -> Collection[str]:
        return self.requires

    def instrument(self, **kwargs: Any) -> None:
        """Patch the SDK when it is imported, or now if it is. Calling it twice is harmless."""
        if self._options is not None:
            _logger.warning("Attempting to instrument while already instrumented")
            return
        # OpenTelemetry's own options are about a check for the SDK: its version is checked when it is imported, and a missing SDK is
        # no conflict and costs nothing.
        self._options = kwargs

        def install(_module: ModuleType) -> None:
            if self._options is kwargs and self._patches is None:
                self._install(kwargs)

        on_import(self.sdk, install)

    def uninstrument(self, **kwargs: Any) -> None:
        """Take every patch off."""
        if self._options is None:
            _logger.warning("Attempting to uninstrument while already uninstrumented")
            return
        self._options = None
        if self._patches is not None:
            self._patches.remove()
            self._patches = None

    @property
    def patches(self) -> Patches | None:
        """The patches in force; None until the SDK is imported."""
        return self._patches

    def _install(self, options: dict[str, Any]) -> None:
        conflict = versions.conflict(self.requires)
        if conflict is not None:
            warn_once(f"version:{self.sdk}", "%s is not instrumented: %s", self.sdk, conflict)
            return
        from agentops_instrumentors.core import cost, patching, telemetry

        module, _, name = self.endpoints.partition(":")
        endpoints = cast("Sequence[Endpoint]", getattr(import_module(module), name))
        cost.prefetch()
        scope = type(self).__module__
        self._patches = patching.Patches(telemetry.Telemetry(scope, __version__, **_known(options)), self.requires[0].split()[0])
        self._patches.install(endpoints)


def _register(upstream: ModuleType) -> None:
    upstream.BaseInstrumentor.register(ProviderInstrumentor)


on_import(_UPSTREAM, _register)


def _known(options: dict[str, Any]) -> dict[str, Any]:
    names = ("tracer_provider", "meter_provider", "logger_provider", "policy")
    found = {name: options[name] for name in names if name in options}
    if "policy" not in found and options.get("capture_message_content") is not None:
        from agentops_instrumentors.core import content

        found["policy"] = content.policy_for(content.mode_of(str(options["capture_message_content"])))
    return found
