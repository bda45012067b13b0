"""Where each signal goes, with what content, and what the local store looks like."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from agentops.config import settings
from agentops.destinations import CONFIG_FILE_VARIABLE, LOGS, SIGNALS, TRACES, Destinations, route, switched_off
from agentops.doctor.facts import Content, Signal, Store
from agentops.installed import installed
from agentops.store import paths
from agentops.store.files import Limits, stored_files
from agentops_instrumentors.core import content, environment, redactors

if TYPE_CHECKING:
    from collections.abc import Iterator


def signals(chosen: Destinations) -> tuple[Signal, ...]:
    """Where each signal goes, and why."""
    found: list[Signal] = []
    for signal in SIGNALS:
        way = route(signal)
        places = [*(["AgentOps"] if way.agentops else []), *(_named(name, signal.group) for name in way.others)]
        places += ["exporters of the provider that was there"] if chosen.foreign else []
        places += ["the local store"] if way.local or (signal == LOGS and route(TRACES).local and not switched_off(LOGS)) else []
        found.append(Signal(signal.name, tuple(places), way.why))
    return tuple(found)


def _named(name: str, group: str) -> str:
    known = name in ("otlp", CONFIG_FILE_VARIABLE) or installed(group, name)
    return name if known else f"{name} (not installed)"


def captured(chosen: Destinations) -> Content:
    """The content policy, why it is so, and whether its redactors load."""
    given = environment.text(content.CAPTURE_VARIABLE)
    accepted = {mode.value for mode in content.ContentMode}
    if given:
        why = f"{content.CAPTURE_VARIABLE}={given}" if given.upper() in accepted else f"{content.CAPTURE_VARIABLE}={given} is not accepted"
    elif declared := content.declared_mode():
        why = f"capture_message_content is {declared} in {CONFIG_FILE_VARIABLE}"
    elif chosen.content == content.ContentMode.NO_CONTENT.value:
        elsewhere = chosen.foreign or chosen.traces.others or settings().exporter or settings().processor
        why = f"{content.CAPTURE_VARIABLE} is unset, and spans go to " + (
            "a destination other than AgentOps and the local store" if elsewhere else "nobody"
        )
    else:
        why = f"{content.CAPTURE_VARIABLE} is unset, and spans go to AgentOps or the local store alone"
    named, error = redactors.chosen(), ""
    for reference in named:
        try:
            redactors.load(reference)("")
        except Exception as failure:
            error = f"{reference}: {type(failure).__name__}: {failure}"
    return Content(chosen.content, why, named, error)


def store() -> Store:
    """The local store: where it is, what it holds, whether it can be written to."""
    folder, limits = paths.data_folder(), Limits.from_environment()
    try:
        files, error = stored_files(folder), unwritable(folder)
    except OSError as failure:
        files, error = [], f"{type(failure).__name__}: {failure}"
    size = sum(file.size for file in files)
    return Store(str(folder), route(TRACES).local, len(files), size, limits.max_bytes, limits.max_age_days, error)


def unwritable(folder: Path) -> str:
    """Why no file can be made there: of the folder, or of the nearest one above that there is."""
    for each in _upwards(folder):
        if each.is_dir():
            return "" if os.access(each, os.W_OK | os.X_OK) else f"{each} is not writable"
        if os.path.lexists(each):
            return f"{each} is not a folder"
    return f"{folder} cannot be made"


def _upwards(folder: Path) -> Iterator[Path]:
    whole = Path(os.path.abspath(folder))
    yield whole
    yield from whole.parents
