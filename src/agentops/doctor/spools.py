"""What spools hold and lost, and what this process's exporters did."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agentops.config import settings
from agentops.doctor.facts import Export, Finding, Spool
from agentops.doctor.places import unwritable
from agentops.export.measures import accounts
from agentops.spool.place import spools_folder
from agentops.spool.state import State, states

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agentops.doctor.facts import Report


def spools() -> tuple[tuple[Spool, ...], str]:
    """Every spool on this machine, and why they cannot be read or written to."""
    error = unwritable(spools_folder()) if settings().spool else ""
    try:
        found = states()
    except OSError as failure:
        return (), f"{type(failure).__name__}: {failure}"
    used = _used()
    return tuple(_spool(state, str(state.folder) in used) for state in found), error


def exports() -> tuple[Export, ...]:
    """What came of what was exported in this process."""
    return tuple(
        Export(each.component, each.signal, each.url, each.delivered, dict(each.dropped))
        for each in accounts()
        if each.delivered or each.dropped
    )


def findings(report: Report) -> Iterator[Finding]:
    """What is wrong with the spools."""
    if report.spool_error:
        problem = f"the spool cannot be written to: {report.spool_error}"
        yield Finding("spool", "error", problem, "set AGENTOPS_LOCAL_DIR to a folder of your own, or unset AGENTOPS_SPOOL")
    for spool in report.spools:
        what = f"{'spans' if spool.signal == 'traces' else 'log records'} for {spool.url or spool.name}"
        if spool.waiting and spool.used:
            problem = f"{spool.waiting:,} {what} wait since {spool.oldest}"
            yield Finding(
                "spool-waiting", "note", problem, "nothing: they are sent once the receiver takes them, by any program like this one"
            )
        elif spool.waiting:
            problem = f"{spool.waiting:,} {what} wait since {spool.oldest} in {spool.folder}, and this program does not send there"
            action = "run a program with AGENTOPS_SPOOL=true that does, under the same key or headers; or send the files: agentops replay"
            yield Finding("spool-waiting", "warning", problem, f"{action} {spool.folder}/*.jsonl --endpoint URL")
        if spool.dropped:
            causes = ", ".join(f"{count:,} {cause}" for cause, count in sorted(spool.dropped.items()))
            problem = f"{sum(spool.dropped.values()):,} {what} were lost since {spool.since}: {causes}"
            yield Finding(
                "spool-dropped", "warning", problem, "see docs/delivery.md for what each cause means; drops*.jsonl there keep count"
            )


def _used() -> set[str]:
    if not settings().spool:
        return set()
    from agentops.spool.attach import places

    return {str(place.folder) for place in places()}


def _spool(state: State, used: bool) -> Spool:
    told = state.description
    return Spool(
        name=told.name,
        signal=told.signal,
        url=told.url,
        folder=str(state.folder),
        used=used,
        files=state.files,
        bytes=state.bytes,
        waiting=state.waiting,
        oldest=_time(state.oldest),
        dropped=state.dropped,
        since=_time(state.since),
    )


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds else ""
