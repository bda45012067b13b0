"""The base of every provider's instrumentor."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, cast

from opentelemetry.instrumentation.dependencies import get_dependency_conflicts
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from agentops_instrumentors.core.guard import warn_once
from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from types import ModuleType

    from agentops_instrumentors.core.endpoint import Endpoint
    from agentops_instrumentors.core.patching import Patches


@dataclass(frozen=True, slots=True)
class InstrumentorOptions:
    """Options of an instrumentor in a declarative file, below `instrumentation/development: python:`."""

    capture_message_content: str | None = None
    """A value of OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT, for this instrumentor alone."""


class ProviderInstrumentor(BaseInstrumentor):
    """Instruments one vendor SDK, lazily: nothing of the SDK or the provider loads before the program imports the SDK.

    `instrument()` takes `tracer_provider`, `meter_provider`, `logger_provider` (default: the global ones) and `policy`
    (a `core.content.Policy`; default: the process's), or `capture_message_content`, the name of a content mode.
    """

    sdk: ClassVar[str]
    """The SDK's top-level module, whose import brings the patches."""
    requires: ClassVar[tuple[str, ...]]
    """Requirement of the SDK's distribution, such as `openai >= 1.66.0`: the name stands by itself."""
    endpoints: ClassVar[str]
    """`module:NAME` of the provider's sequence of endpoints."""

    configuration: ClassVar[type[InstrumentorOptions]] = InstrumentorOptions
    """What a declarative file may give."""

    _patches: Patches | None = None
    _options: dict[str, Any] | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        return self.requires

    def instrument(self, **kwargs: Any) -> None:
        """Patch the SDK when it is imported, or now if it is. Calling it twice is harmless."""
        # The SDK's version is checked when it is imported: a missing SDK is no conflict and costs nothing.
        kwargs["skip_dep_check"] = True
        super().instrument(**kwargs)

    @property
    def patches(self) -> Patches | None:
        """The patches in force; None until the SDK is imported."""
        return self._patches

    def _instrument(self, **kwargs: Any) -> None:
        from agentops_instrumentors.core.lazy import on_import

        self._options = kwargs

        def install(_module: ModuleType) -> None:
            if self._options is kwargs and self._patches is None:
                self._install(kwargs)

        on_import(self.sdk, install)

    def _install(self, options: dict[str, Any]) -> None:
        conflict = get_dependency_conflicts(self.requires)
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

    def _uninstrument(self, **kwargs: Any) -> None:
        self._options = None
        if self._patches is not None:
            self._patches.remove()
            self._patches = None


def _known(options: dict[str, Any]) -> dict[str, Any]:
    names = ("tracer_provider", "meter_provider", "logger_provider", "policy")
    found = {name: options[name] for name in names if name in options}
    if "policy" not in found and options.get("capture_message_content") is not None:
        from agentops_instrumentors.core import content

        found["policy"] = content.policy_for(content.mode_of(str(options["capture_message_content"])))
    return found
