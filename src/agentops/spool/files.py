"""What a spool's writer writes to: the store's files, and the sender's memory while the disk cannot be written."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from agentops.spool.cursor import Cursor
from agentops.spool.reading import count_items, unsent_blocks
from agentops.store.files import Limits, StoredFile, StoreFiles
from agentops_instrumentors.core.guard import warn_once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agentops.spool.drops import Drops
    from agentops.spool.place import Place

LARGEST_FILE: Final = 4 << 20
"""Small, because a file goes only when all of it has been sent and another one has been begun."""
_DAY_SECONDS: Final = 86400
_FILES_AN_AGE: Final = 8


class SpoolFiles:
    """Of one process. Not thread-safe: the writer calls it under its lock.

    `spooled` is told of each write that reached the disk, `unspooled` gets the lines of each that did not.
    """

    def __init__(
        self,
        place: Place,
        limits: Limits,
        preamble: Callable[[], bytes],
        drops: Drops,
        spooled: Callable[[], None],
        unspooled: Callable[[bytes], None],
    ) -> None:
        self._place = place
        self._drops = drops
        self._spooled = spooled
        self._unspooled = unspooled
        self._longest = limits.max_age_days * _DAY_SECONDS / _FILES_AN_AGE
        self._begun = float("inf")
        self._described = False
        self._files = StoreFiles(place.folder, limits, preamble, self.remove)

    @property
    def folder(self) -> Path:
        """The spool's."""
        return self._place.folder

    @property
    def run(self) -> str:
        """What this process's files and its marker are named by."""
        return self._files.run

    @property
    def committed(self) -> tuple[Path | None, int]:
        """The newest file of this process, and how much of it is written for good. Of any thread."""
        return self._files.committed

    def mark(self) -> None:
        """Nothing: each write does it first."""

    def touch(self) -> None:
        """Nothing: the marker alone says that the process lives."""

    def write(self, lines: bytes) -> None:
        """Append whole lines. Never raises: what cannot be written goes to memory, which is said once."""
        try:
            self._files.mark()
            if not self._described:
                self._place.describe()
                self._described = True
            now = time.monotonic()
            if now - self._begun > self._longest:
                # Whole files go by age, so none may grow for long.
                self._files.close()
            if not self._files.is_open:
                self._begun = now
            self._files.write(lines)
        except OSError as error:
            warn_once(
                "spool:unwritable",
                "The spool in %s cannot be written (%s): what cannot be sent at once waits in memory and is lost if the process dies. "
                "Make room or make it writable, or set AGENTOPS_LOCAL_DIR to another folder.",
                self.folder.parent,
                error.strerror or error,
            )
            self._unspooled(lines)
        else:
            self._spooled()

    def begin_run(self) -> None:
        """After a fork."""
        self._files.begin_run()

    def close(self) -> None:
        """Close the current file; the next write begins a new one."""
        self._files.close()

    def unmark(self) -> None:
        """Once nothing is left: nobody need look for what this process left. Never raises."""
        try:
            self._files.unmark()
        except OSError:
            pass  # Whoever finds the marker finds nothing left.

    def remove(self, file: StoredFile, why: str) -> None:
        """Remove a file that is too much or too old, and count what of it was not sent. Raises OSError."""
        cursor = Cursor.of(file.path)
        lost = sum(count_items(block) for block in unsent_blocks(file.path, cursor.offset, cursor.aside))
        file.path.unlink()
        cursor.remove()
        self._drops.add(why, lost)
        if lost:
            warn_once(
                f"spool:{self.folder}:{why}",
                "The spool %s is at its limit (%s): what has waited longest for %s is dropped and counted (said once)",
                self.folder,
                "AGENTOPS_LOCAL_MAX_AGE_DAYS" if why == "too_old" else "AGENTOPS_LOCAL_MAX_BYTES",
                self._place.name,
            )
