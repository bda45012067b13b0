"""What is wrong with a report's facts, or worth knowing about them, and what to do. Codes are listed in docs/doctor.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from agentops.doctor import spools
from agentops.doctor.facts import Finding, Report
from agentops.doctor.recording import aborted, raised, recording
from agentops_instrumentors.core.content import CAPTURE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

_ORDER: Final = ("error", "warning", "note")
_OURS: Final = "agentops: "
_UPSTREAM: Final = "opentelemetry.distro:"
_NOT_CONFIGURED: Final = f"{_OURS}OpenTelemetry could not be set up"
_REPAIR: Final = "pip uninstall -y agentops agentops-opentelemetry && pip install agentops-opentelemetry"


def diagnosed(report: Report) -> Report:
    """`report` with findings, errors first."""
    found = [
        *_switched_off(report),
        *_start(report),
        *_said(report),
        *_delivery(report),
        *spools.findings(report),
        *recording(report),
        *_privacy(report),
    ]
    return replace(report, findings=tuple(sorted(found, key=lambda finding: _ORDER.index(finding.severity))))


def _switched_off(report: Report) -> Iterator[Finding]:
    settings = report.settings
    if settings.get("OTEL_SDK_DISABLED", "").lower() == "true":
        yield Finding("sdk-disabled", "error", "OTEL_SDK_DISABLED=true: nothing is recorded or sent", "unset OTEL_SDK_DISABLED")
    elif "none" in settings.get("OTEL_TRACES_EXPORTER", "").lower().split(","):
        yield Finding("exporter-none", "error", "OTEL_TRACES_EXPORTER=none: no span goes anywhere", "unset it, or name an exporter")
    if settings.get("OTEL_TRACES_SAMPLER", "") in ("always_off", "parentbased_always_off"):
        chosen = settings["OTEL_TRACES_SAMPLER"]
        yield Finding("sampled-out", "error", f"OTEL_TRACES_SAMPLER={chosen}: no trace is recorded", "unset OTEL_TRACES_SAMPLER")
    if any(package.name == "agentops" for package in report.packages):
        problem = "the distribution agentops is installed too, and both own the package 'agentops': each overwrites files of the other"
        yield Finding("mixed-distribution", "error", problem, _REPAIR)


def _start(report: Report) -> Iterator[Finding]:
    start = report.start
    if report.settings.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    if not start.set_up and not any(line.startswith(_NOT_CONFIGURED) for line in start.said):
        yield _not_set_up(report)
    elif aborted(report):
        yield _aborted(report)
    if not start.distro.name and start.distro.others:
        problem = f"no distro is loaded: {start.distro.why} (installed: {', '.join(start.distro.others)})"
        yield Finding("distro-unknown", "error", problem, "set OTEL_PYTHON_DISTRO=agentops, or unset it")
    elif start.distro.name and not start.distro.target.startswith(("agentops.", _UPSTREAM)):
        problem = f"another distro configures OpenTelemetry: {start.distro.name} ({start.distro.distribution}), because {start.distro.why}"
        action = "nothing, if that is meant: ours joins its provider; else set OTEL_PYTHON_DISTRO=agentops"
        yield Finding("distro-other", "note", problem, action)
    if not start.configurator.name and start.configurator.others:
        problem = f"no configurator is loaded: {start.configurator.why} (installed: {', '.join(start.configurator.others)})"
        yield Finding("configurator-unknown", "error", problem, "set OTEL_PYTHON_CONFIGURATOR=agentops, or unset it")


def _not_set_up(report: Report) -> Finding:
    start = report.start
    if start.how == "this process":
        action = "start the program with opentelemetry-instrument, or call agentops.init() first"
        return Finding("not-started", "error", "OpenTelemetry has not been started in this process", action)
    cause, where = raised(start.said)
    problem = f"OpenTelemetry did not start, and nothing is recorded: {cause or 'no reason was given'}"
    if "otlp_proto_grpc" in cause:
        by = f"the distro {start.distro.name!r} asks for an exporter over gRPC, which is not installed"
        action = f"{by}: set OTEL_PYTHON_DISTRO=agentops or start the program with opentelemetry-instrument"
        return Finding("grpc-missing", "error", problem, f"{action}, or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf")
    return Finding("not-started", "error", problem, _repair(where))


def _aborted(report: Report) -> Finding:
    cause, where = raised(report.start.said)
    problem = f"OpenTelemetry's loader stopped half-way, and what it had not loaded by then records nothing: {cause}"
    return Finding("start-aborted", "error", problem, _repair(where))


def _repair(where: str) -> str:
    return f"repair, update or uninstall what raised it{f' ({where})' if where else ''}; the whole traceback: agentops doctor --json"


def _said(report: Report) -> Iterator[Finding]:
    """Settings that were complained of when the program started."""
    for line in report.start.said:
        text = line.removeprefix(_OURS)
        complaint = "is not accepted" in text and not text.startswith(CAPTURE_VARIABLE)
        if line.startswith(_OURS) and (complaint or text.startswith("Unknown variable")):
            yield Finding("setting", "warning", text, "correct the variable, or unset it")
        elif line.startswith(_NOT_CONFIGURED):
            package = "opentelemetry-configuration"
            action = f"pip install {package}" if package in text else "correct what it names; nothing is recorded until then"
            yield Finding("configuration", "error", text, action)


def _delivery(report: Report) -> Iterator[Finding]:
    failing: dict[tuple[str, ...], list[str]] = {}
    for receiver in report.receivers:
        if receiver.ok is False and report.start.set_up:
            place = receiver.url.removesuffix(f"/v1/{receiver.signals[0]}") or receiver.url
            failing.setdefault((receiver.name, place, receiver.answer, receiver.action), []).extend(receiver.signals)
    for (name, place, answer, action), signals in failing.items():
        yield Finding("receiver", "error", f"{', '.join(signals)} to {name} at {place}: {answer}", action)
    store = report.store
    if store.used and store.error:
        problem = f"the local store cannot be written to: {store.error}"
        yield Finding("store", "error", problem, "set AGENTOPS_LOCAL_DIR to a folder of your own, or name an exporter")
    if store.bytes > store.max_bytes:
        problem = f"the local store holds {store.bytes:,} bytes, more than AGENTOPS_LOCAL_MAX_BYTES={store.max_bytes}"
        yield Finding("store-full", "note", problem, "nothing: its oldest files go when the next is begun")
    if not any(signal.places for signal in report.signals if signal.name == "traces") and not list(_switched_off(report)):
        yield Finding("nowhere", "error", "spans go nowhere", "unset OTEL_TRACES_EXPORTER for the local store, or name an exporter")


def _privacy(report: Report) -> Iterator[Finding]:
    content = report.content
    if content.why.endswith("is not accepted"):
        action = "set it to NO_CONTENT, SPAN_ONLY, EVENT_ONLY or SPAN_AND_EVENT, or unset it"
        yield Finding("content-mode", "warning", f"{content.why}: no prompts or completions are recorded", action)
    if content.redactor_error:
        problem = f"the redactor cannot be used, so every text is replaced by '[redaction failed]': {content.redactor_error}"
        yield Finding("redactor", "error", problem, "set AGENTOPS_REDACTOR to module:function as it can be imported, or to secrets")
    for native in report.natives:
        if native.content.startswith("yes") and not native.emits.startswith("no") and content.mode == "NO_CONTENT":
            problem = f"{native.library} {native.version} puts content on spans of its own (scope {native.scope}): {native.content}"
            yield Finding("native-content", "warning", problem, "its setting decides, not ours: turn its spans or their content off there")
    foreign = [each.name for each in report.instrumentors if each.who == "foreign" and each.active]
    if foreign and (content.mode == "NO_CONTENT" or content.redactors):
        problem = f"spans of {', '.join(foreign)} hold what these instrumentors record: our content mode and redactor do not reach them"
        yield Finding("foreign-content", "note", problem, "turn content off by their own settings, or disable them")
