"""What spools look like from outside, for `agentops doctor`: read only, in any process."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agentops.spool.cursor import Cursor
from agentops.spool.drops import kept
from agentops.spool.place import Description, described, spools_folder
from agentops.spool.reading import count_items, unsent_blocks
from agentops.store.files import stored_files

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class State:
    """One spool: `files` and their `bytes`, how many `waiting` items of them have not been taken, when the `oldest` file with such
    was begun (seconds since the epoch, 0 for none), what was `dropped` by cause and `since` when that is kept."""

    folder: Path
    description: Description
    files: int = 0
    bytes: int = 0
    waiting: int = 0
    oldest: float = 0.0
    dropped: dict[str, int] = field(default_factory=dict[str, int])
    since: int = 0


def states() -> list[State]:
    """Every spool there is, whoever it waits for. Raises OSError for a folder that cannot be read."""
    try:
        folders = sorted(spools_folder() / entry.name for entry in os.scandir(spools_folder()) if entry.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [_state(folder) for folder in folders]


def _state(folder: Path) -> State:
    files = stored_files(folder)
    waiting = {file: _waiting(file.path) for file in files}
    oldest = min((file.name.created for file in files if waiting[file]), default=0.0)
    dropped, since = kept(folder)
    size = sum(file.size for file in files)
    return State(folder, described(folder), len(files), size, sum(waiting.values()), oldest, dropped, since)


def _waiting(path: Path) -> int:
    try:
        cursor = Cursor.of(path)
        return sum(count_items(block) for block in unsent_blocks(path, cursor.offset, cursor.aside))
    except OSError:
        return 0
