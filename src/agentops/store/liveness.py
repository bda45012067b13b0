"""Which processes that recorded sessions are still alive: each holds a lock on a marker, and death lets go of it.

Unlike a process number, a lock is true across containers, is never somebody else's, and is taken by one taker only. The
markers are in the folder `open` of the store: few, however many files the store has.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agentops.store import paths

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path

FOLDER: Final = "open"
_MAKING: Final = ".making"


@dataclass(frozen=True, slots=True)
class Marker:
    """A locked marker; the lock is let go of by `release` or by the end of the process."""

    path: Path
    file: FileIO

    @property
    def run(self) -> str:
        """The run it stands for, as in the names of the run's files."""
        return self.path.name

    def release(self, remove: bool) -> None:
        """Let go of it, and `remove` it when nothing is left to be done for its run."""
        if remove:
            self.path.unlink(missing_ok=True)
        self.file.close()


def hold(folder: Path, run: str) -> Marker | None:
    """Make and lock the marker of this process; None where the file system has no locks. Raises OSError for one that is not writable."""
    path = folder / FOLDER / run
    paths.make_folder(path.parent)
    # It gets its name once it is locked: nobody may find it and take its process for dead.
    early = path if sys.platform == "win32" else path.with_name(run + _MAKING)
    file = open(early, "xb", buffering=0, opener=paths.private)  # noqa: SIM115
    if not _lock(file.fileno()):
        file.close()
        early.unlink(missing_ok=True)
        return None
    if early != path:
        early.rename(path)
    return Marker(path, file)


def runs(folder: Path, own: str) -> list[str]:
    """The runs with a marker, dead or alive, other than `own`. Never opens the own marker: closing it would let go of its lock."""
    try:
        names = os.listdir(folder / FOLDER)
    except OSError:
        return []
    return [name for name in names if name != own and not name.endswith(_MAKING)]


def claim(folder: Path, run: str) -> Marker | None:
    """The marker of a run whose process is dead, locked by this process; None where it lives or another process was first."""
    path = folder / FOLDER / run
    try:
        file = open(path, "r+b", buffering=0)  # noqa: SIM115
    except OSError:
        return None
    if _lock(file.fileno()) and os.fstat(file.fileno()).st_nlink:
        return Marker(path, file)
    file.close()
    return None


def _lock(descriptor: int) -> bool:
    # Both belong to the process: a forked child does not keep its parent's.
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (OSError, ImportError):
        return False
    return True
