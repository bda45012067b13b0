"""Tracer, instruments and logger of one instrumentor: the only file that asks OpenTelemetry for providers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from opentelemetry._logs import get_logger
from opentelemetry.metrics import get_meter
from opentelemetry.trace import get_tracer, get_tracer_provider

from agentops_instrumentors.core import content
from agentops_instrumentors.core.metrics import Instruments, profile

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

ParentHook = Callable[["Context"], "Context"]

_default_parent: ParentHook | None = None


def set_default_parent(hook: ParentHook | None) -> None:
    """Install the one hook that chooses the parent context of a GenAI span, or None to remove it.

    It is called with the current context at every GenAI span start and returns that context or a better one: the
    distribution gives spans without a parent a session, and steers them away from a session that has ended.
    """
    global _default_parent
    _default_parent = hook


def parent_context(current: Context) -> Context:
    """The context a GenAI span starting now is a child of."""
    return _default_parent(current) if _default_parent else current


def provided_by() -> str:
    """The module of the global tracer provider's class."""
    return type(get_tracer_provider()).__module__


class Telemetry:
    """Where one instrumentor's telemetry goes. Providers left out are OpenTelemetry's global ones."""

    __slots__ = ("_policy", "instruments", "logger", "tracer")

    def __init__(
        self,
        scope: str,
        version: str,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        logger_provider: LoggerProvider | None = None,
        policy: content.Policy | None = None,
    ) -> None:
        self.tracer: Final = get_tracer(scope, version, tracer_provider)
        self.instruments: Final = Instruments(get_meter(scope, version, meter_provider), profile())
        self.logger: Final = get_logger(scope, version, logger_provider)
        self._policy = policy

    @property
    def policy(self) -> content.Policy:
        """The content policy given at instrumentation, else the process's."""
        return self._policy or content.policy()


__all__ = ["ParentHook", "Telemetry", "parent_context", "provided_by", "set_default_parent"]
