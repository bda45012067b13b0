"""Joins providers, whoever built them: session processor, AgentOps copy and local store, each once per provider.

Everything here is idempotent and never raises: telemetry that cannot be wired is said once and the program runs on.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry import _logs, metrics, trace

from agentops import declarative
from agentops.config import settings
from agentops.destinations import LOGS, METRICS, TRACES, Destinations, Route, disabled, route, switched_off
from agentops.installed import installed, no_vendor_distro
from agentops_instrumentors.core import content, environment
from agentops_instrumentors.core.guard import logger, swallowed, warn_once

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace import TracerProvider as SDKTracerProvider
    from opentelemetry.trace import TracerProvider


OUR_INSTRUMENTORS: Final = "agentops_"
_INSTRUMENTORS: Final = "opentelemetry_instrumentor"
_THREADING: Final = "opentelemetry.instrumentation.threading:"
_SYSTEM_METRICS: Final = "opentelemetry.instrumentation.system_metrics:"
_DISABLED_VARIABLE: Final = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"

_lock: Final = threading.RLock()
# By identity: not every vendor's provider has a hash.
_attached: Final[dict[int, tuple[weakref.ref[object], set[str]]]] = {}
_attached_signals: Final[set[str]] = set()
_foreign = False
_foreign_signals = False
_said = ""


def ensure(provider: TracerProvider | None = None) -> None:
    """Join `provider`, the global one by default, once; a provider not seen before is taken for the application's own."""
    _guarded(provider, foreign=True)


def ensure_own() -> None:
    """Join the global provider just built by our configurator."""
    _guarded(None, foreign=False)


def pre_instrument() -> None:
    """Join the global provider before instrumentors load (entry point `opentelemetry_pre_instrument`), whichever distro built it."""
    try:
        from agentops.distro import unmute_loader

        unmute_loader()
        _guarded(None, foreign=not no_vendor_distro())
    except Exception as error:
        swallowed("pre_instrument", error)


def start() -> None:
    """Start recording in this program: build providers where it has none, join what is there otherwise, load our instrumentors."""
    try:
        if disabled():
            return
        if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            _build_providers()
        ensure()
        _load_instrumentors()
    except Exception as error:
        swallowed("start", error)


def _build_providers() -> None:
    global _foreign_signals
    from agentops.distro import AgentOpsConfigurator, build_tracer_provider

    if hasattr(metrics.get_meter_provider(), "force_flush") or hasattr(_logs.get_logger_provider(), "add_log_record_processor"):
        _foreign_signals = True
        build_tracer_provider()
    else:
        AgentOpsConfigurator().configure()  # pyright: ignore[reportUnknownMemberType]


def destinations() -> Destinations:
    """Where data goes, why, and with what content, as of now."""
    policy = content.policy()
    return Destinations(route(TRACES), route(METRICS), route(LOGS), _foreign, policy.mode.value, settings().exporter_endpoint)


def _guarded(provider: TracerProvider | None, *, foreign: bool) -> None:
    try:
        target = provider or trace.get_tracer_provider()
        if disabled() or isinstance(target, trace.ProxyTracerProvider):
            return
        if not hasattr(target, "add_span_processor"):
            kind = f"{type(target).__module__}.{type(target).__qualname__}"
            warn_once(f"provider:{kind}", "The tracer provider %s takes no span processors: sessions and AgentOps are not on it", kind)
            return
        with _lock:
            _join(cast("SDKTracerProvider", target), foreign)
    except Exception as error:
        swallowed("wiring", error)


def _join(provider: SDKTracerProvider, foreign: bool) -> None:
    global _foreign
    known = _attached.get(id(provider))
    chosen = route(TRACES)
    if known is not None and known[0]() is provider:
        done = known[1]
    else:
        done = set[str]()
        _attached[id(provider)] = weakref.ref(provider), done
        _foreign = _foreign or foreign
        from agentops.sessions import runtime

        runtime.install(provider)
    if chosen.agentops and "agentops" not in done:
        from agentops.export import attach

        done.add("agentops")
        attach.spans(provider)
    if chosen.local and "local" not in done:
        done.add("local")
        _add_local(provider)
    _join_other_signals(_attached_signals)
    _join_uploads(provider, done)
    _join_monitors(provider, done)
    _add_given(provider, done)
    _set_content_mode(chosen)
    _say()


def _join_other_signals(done: set[str]) -> None:
    """Put the AgentOps copy of metrics and logs on the global providers, where they are the SDK's."""
    for signal, provider, needed in (
        (METRICS, metrics.get_meter_provider(), "force_flush"),
        (LOGS, _logs.get_logger_provider(), "add_log_record_processor"),
    ):
        if signal.name not in done and route(signal).agentops and hasattr(provider, needed):
            from agentops.export import attach

            done.add(signal.name)
            add = attach.metrics if signal is METRICS else attach.logs
            add(cast("Any", provider))
    from agentops.logs.join import join

    join(done, foreign=_foreign or _foreign_signals)


def _join_uploads(provider: SDKTracerProvider, done: set[str]) -> None:
    loggers = _logs.get_logger_provider()
    wanted_here = settings().upload_logs and route(LOGS).agentops and hasattr(loggers, "add_log_record_processor")
    if wanted_here and "uploads" not in done:
        from agentops.export import attach

        done.add("uploads")
        attach.uploads(provider, cast("Any", loggers))


def _metrics_wanted() -> bool:
    """Whether metrics go anywhere at all."""
    chosen = route(METRICS)
    elsewhere = (_foreign or _foreign_signals) and hasattr(metrics.get_meter_provider(), "force_flush") and not switched_off(METRICS)
    return chosen.agentops or bool(chosen.others) or elsewhere


def _join_monitors(provider: SDKTracerProvider, done: set[str]) -> None:
    if "monitors" in done or not _metrics_wanted():
        return
    from agentops import monitors

    done.add("monitors")
    provider.add_span_processor(monitors.open_spans)
    if "monitors" not in _attached_signals:
        _attached_signals.add("monitors")
        monitors.create()


def _add_local(provider: SDKTracerProvider) -> None:
    from agentops.sessions import ledger
    from agentops.store.processor import store_processor

    provider.add_span_processor(store_processor())
    ledger.keep()


def _add_given(provider: SDKTracerProvider, done: set[str]) -> None:
    """Attach what was given to `init()`."""
    chosen = settings()
    if chosen.exporter is not None and f"exporter:{id(chosen.exporter)}" not in done:
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        done.add(f"exporter:{id(chosen.exporter)}")
        provider.add_span_processor(BatchSpanProcessor(cast("Any", chosen.exporter)))
    if chosen.processor is not None and f"processor:{id(chosen.processor)}" not in done:
        done.add(f"processor:{id(chosen.processor)}")
        provider.add_span_processor(cast("SpanProcessor", chosen.processor))


def _set_content_mode(chosen: Route) -> None:
    private = not _foreign and not chosen.others and settings().exporter is None and settings().processor is None
    content.set_default_mode(content.ContentMode.SPAN_ONLY if private else content.ContentMode.NO_CONTENT)


def _say() -> None:
    global _said
    line = str(destinations())
    if line != _said:
        _said = line
        logger.info("%s (%s=%s)", line, content.CAPTURE_VARIABLE, environment.text(content.CAPTURE_VARIABLE) or "unset")


def wanted(entry: EntryPoint) -> bool:
    """Whether an instrumentor has anything to do here: not one that a declarative file turns off, nor one of ours that is not needed."""
    if declarative.turned_off(entry):
        return False
    if entry.name.startswith(OUR_INSTRUMENTORS):
        return settings().instrument_llm_calls
    if entry.value.startswith(_SYSTEM_METRICS):
        return _metrics_wanted() and not settings().env_data_opt_out
    return True


def loaded(entry: EntryPoint) -> None:
    """What goes with an instrumentor that has been loaded."""
    if entry.value.startswith(_THREADING):
        from agentops.threads import follow_into_subclasses

        follow_into_subclasses()


def _load_instrumentors() -> None:
    """Load our instrumentors and those of the extra `full`, as the launcher does; what else is installed is the program's to load."""
    skipped = {name.strip() for name in environment.text(_DISABLED_VARIABLE).split(",")}
    for entry in installed(_INSTRUMENTORS):
        ours = entry.name.startswith(OUR_INSTRUMENTORS) or entry.value.startswith((_THREADING, _SYSTEM_METRICS))
        if "*" in skipped or entry.name in skipped or not ours or not wanted(entry):
            continue
        try:
            instrumentor = entry.load()()
            if not instrumentor.is_instrumented_by_opentelemetry:
                instrumentor.instrument()
            loaded(entry)
        except Exception as error:
            swallowed(f"instrumentor {entry.name}", error)
