"""Findings about who records the model calls: versions, methods that are gone, conflicts, calls that count twice."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from agentops.doctor.facts import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentops.doctor.facts import Instrumentor, Report

_CONFLICT: Final = "AGENTOPS_INSTRUMENTATION_CONFLICT"
_SHOWN: Final = 4
_FRAME: Final = re.compile(r'\s+File "(.+)", line \d+')
_EXCEPTION: Final = re.compile(r"[\w.]*(Error|Exception|Exit|Interrupt)\b(:|$)")


def recording(report: Report) -> Iterator[Finding]:
    """What is not recorded, and what would be recorded twice."""
    ours = [each for each in report.instrumentors if each.who == "ours"]
    if not ours:
        action = "pip install --force-reinstall agentops-opentelemetry"
        yield Finding("no-instrumentors", "error", "none of our instrumentors is installed: the metadata of the package are gone", action)
    for each in ours:
        yield from _of_ours(report, each)
    yield from _twice(report)


def _of_ours(report: Report, each: Instrumentor) -> Iterator[Finding]:
    if each.missing:
        problem = f"{each.sdk} lacks {len(each.missing)} methods that are instrumented elsewhere: {_listed(each.missing)}"
        yield Finding(
            "method-missing", "warning", problem, "their calls are not recorded: use a version listed in the README, or report it"
        )
    if each.active or "is not installed" in each.why:
        return
    if "is not supported" in each.why:
        library = each.sdk.partition(" ")[0]
        yield Finding("sdk-version", "error", f"calls of {each.sdk} are not recorded: {each.why}", f"pip install --upgrade {library}")
    elif each.why.startswith(("OTEL_PYTHON_DISABLED", "AGENTOPS_INSTRUMENT_LLM_CALLS", "OTEL_CONFIG_FILE")):
        variable = each.why.partition("=")[0]
        problem = f"calls of {each.sdk} are not recorded: {each.why}"
        action = f"unset {variable} to have them recorded" if variable != each.why else "change the file to have them recorded"
        yield Finding("instrumentor-disabled", "warning", problem, action)
    elif report.start.set_up and not aborted(report) and not each.missing:
        problem = f"calls of {each.sdk} are not recorded: {each.why}"
        yield Finding("instrumentor-inactive", "error", problem, f"load it: {each.name} of the group opentelemetry_instrumentor")


def aborted(report: Report) -> bool:
    """Whether OpenTelemetry's loader stopped at something that raised."""
    return any("Failed to auto initialize OpenTelemetry" in line for line in report.start.said)


def raised(said: Sequence[str]) -> tuple[str, str]:
    """The last exception in what was said, and the file it was raised in; both empty where there is none."""
    cause = where = ""
    for line in said:
        if found := _FRAME.match(line):
            where = found[1]
        elif _EXCEPTION.match(line):
            cause = line
    return cause.strip(), where


def _twice(report: Report) -> Iterator[Finding]:
    mode = report.settings.get(_CONFLICT, "auto").lower()
    foreign: defaultdict[str, list[str]] = defaultdict(list)
    for each in report.instrumentors:
        if each.who == "foreign" and each.active and each.sdk:
            foreign[each.sdk].append(each.distribution)
    for each in report.instrumentors:
        if each.who == "ours" and each.active:
            yield from _beside(each, foreign.get(each.sdk, []), mode)
    for sdk, distributions in sorted(foreign.items()):
        if len(distributions) > 1:
            problem = f"{' and '.join(sorted(distributions))} record the same calls of {sdk}: tokens count twice, whatever ours does"
            yield Finding(
                "counted-twice", "error", problem, "uninstall all but one: they may share a name, so that they cannot be disabled singly"
            )


def _beside(ours: Instrumentor, foreign: list[str], mode: str) -> Iterator[Finding]:
    """Of one instrumentor of ours beside those of others on the same SDK."""
    counting = [wrapped for wrapped in ours.wrapped if wrapped.counts]
    who = " and ".join(sorted(foreign)) or " and ".join(wrapped.module for wrapped in counting)
    verb = "record" if " and " in who else "records"
    if mode != "auto" and who and ours.methods:
        problem = f"{who} {verb} calls of {ours.sdk} too, and {_CONFLICT}={mode} has ours record them as well: tokens count twice"
        yield Finding("counted-twice", "warning", problem, f"unset {_CONFLICT}")
    elif ours.standing_down:
        problem = f"{who} {verb} {_listed(ours.standing_down)} too: ours stands down there, so that no call counts twice"
        yield Finding("stands-down", "note", problem, f"nothing; or uninstall it, or set {_CONFLICT}=force to have both")
    elif foreign and ours.methods:
        problem = f"{who} {verb} calls of {ours.sdk} too, in a place where ours does not see it: tokens count twice"
        yield Finding("counted-twice", "error", problem, f"uninstall it, or set OTEL_PYTHON_DISABLED_INSTRUMENTATIONS={ours.name}")


def _listed(names: tuple[str, ...] | list[str]) -> str:
    short = [name.partition(":")[2] or name for name in names]
    more = f" and {len(short) - _SHOWN} more" if len(short) > _SHOWN else ""
    return ", ".join(short[:_SHOWN]) + more
