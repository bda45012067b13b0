"""A report as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from agentops.cli.text import clean, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops.doctor.facts import Choice, Instrumentor, Report, Spool

_STYLES: Final = {"error": "red", "warning": "yellow", "note": "cyan"}
_LABEL: Final = 15
_HEALTHY: Final = "Nothing is wrong."


def lines(report: Report) -> Iterator[Text]:
    """What is so, section by section, and the findings last, where they are seen."""
    yield Text(f"agentops-opentelemetry {report.version}, Python {report.python}", style="bold")
    for title, rows in (
        ("Start", _start(report)),
        ("Recording", _recording(report)),
        ("Destinations", _destinations(report)),
        ("Content", _content(report)),
        ("Settings", report.settings.items()),
        ("Installed", [("packages", ", ".join(f"{package.name} {package.version}" for package in report.packages))]),
    ):
        shown = list(rows)
        if shown:
            yield Text()
            yield Text(title, style="bold")
        for label, value in shown:
            yield Text("  ").append(f"{one_line(label):<{_LABEL}} ", style="dim").append(one_line(value))
    yield Text()
    yield from _findings(report)


def _findings(report: Report) -> Iterator[Text]:
    if not any(finding.severity != "note" for finding in report.findings):
        yield Text(_HEALTHY, style="green")
    for finding in report.findings:
        style = _STYLES[finding.severity]
        yield (
            Text()
            .append(f"{finding.severity}", style=f"bold {style}")
            .append(f" [{finding.code}] ", style="dim")
            .append(clean(finding.problem))
        )
        yield Text("  ").append("do: ", style="bold").append(clean(finding.action))


def _start(report: Report) -> Iterator[tuple[str, str]]:
    start = report.start
    yield "how", start.how
    yield "distro", _choice(start.distro)
    yield "configurator", _choice(start.configurator)
    yield "provider", start.provider if start.set_up else f"none: {start.provider}"
    for line in start.said:
        if line.strip():
            yield "said", line


def _choice(choice: Choice) -> str:
    others = f"; passed over: {', '.join(choice.others)}" if choice.others else ""
    if not choice.name:
        return f"none, because {choice.why}{others}"
    return f"{choice.name} ({choice.distribution or choice.target}), because {choice.why}{others}"


def _recording(report: Report) -> Iterator[tuple[str, str]]:
    for who in ("ours", "foreign", "other"):
        for each in report.instrumentors:
            if each.who == who:
                yield f"{who}", f"{each.name}: {_state(each)}"
    for native in report.natives:
        said = f"{native.library} {native.version}, scope {native.scope}; emits: {native.emits}; content: {native.content}"
        yield "native", f"{said}; beside ours: {native.with_ours}"


def _state(each: Instrumentor) -> str:
    parts = [each.distribution] if each.who != "ours" else []
    parts.append(each.sdk)
    parts.append("active" if each.active else f"not active: {each.why}")
    if each.methods:
        parts.append(f"{each.methods} methods")
    if each.missing:
        parts.append(f"{len(each.missing)} missing")
    if each.standing_down:
        parts.append(f"{len(each.standing_down)} left to another instrumentor")
    for wrapped in each.wrapped:
        parts.append(f"{len(wrapped.methods)} wrapped by {wrapped.module} too")
    return ", ".join(part for part in parts if part)


def _destinations(report: Report) -> Iterator[tuple[str, str]]:
    for signal in report.signals:
        yield signal.name, f"{' and '.join(signal.places) or 'nowhere'}: {signal.why}"
    for receiver in report.receivers:
        state = "not asked" if receiver.ok is None else f"{'answers' if receiver.ok else 'DOES NOT WORK'}: {receiver.answer}"
        yield "receiver", f"{receiver.name} {receiver.url} ({', '.join(receiver.signals)}) {state}"
    store = report.store
    used = "in use" if store.used else "not in use"
    held = f"{store.files} files, {store.bytes:,} of {store.max_bytes:,} bytes, kept {store.max_age_days} days"
    yield "local store", f"{store.folder}, {used}, {store.error or held}"
    for spool in report.spools:
        yield "spool", _spool(spool)
    for each in report.exports:
        yield "exported", f"{each.delivered:,} {each.signal} by {each.component}{_lost(each.dropped)}"


def _spool(spool: Spool) -> str:
    used = "in use" if spool.used else "not in use"
    since = f", the oldest since {spool.oldest}" if spool.oldest else ""
    held = f"{spool.waiting:,} waiting{since}, {spool.files} files, {spool.bytes:,} bytes"
    return f"{spool.signal} for {spool.name} {spool.url}, {used}, {held}{_lost(spool.dropped)}"


def _lost(dropped: dict[str, int]) -> str:
    return "".join(f", {count:,} lost: {cause}" for cause, count in sorted(dropped.items()))


def _content(report: Report) -> Iterator[tuple[str, str]]:
    content = report.content
    yield "mode", f"{content.mode}: {content.why}"
    yield "redactor", content.redactor_error or ", ".join(content.redactors) or "none"
