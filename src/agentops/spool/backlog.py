"""What of a spool is to be sent, in its order: this process's files, then those of dead processes, then what was put aside."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agentops.spool import roots
from agentops.spool.cursor import ASIDE_LIMIT, SUFFIX, Cursor
from agentops.spool.reading import read_block
from agentops.store import liveness
from agentops.store.files import StoredFile, stored_files
from agentops.store.paths import process_alive
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Whole lines of one file, bytes `start` to `end` of it; `own`: of this process; `again`: it was put aside before."""

    path: Path
    start: int
    end: int
    lines: bytes
    own: bool
    again: bool = False


class Backlog:
    """For the sending thread alone. Never raises: a file that cannot be read is left for later.

    `own_run` names the files of this process, `committed` tells which of them is written to, and how much of it may be read. A dead
    process's files are taken over under the lock of its marker, which death lets go of, so that of any number of processes one does.
    """

    def __init__(self, folder: Path, own_run: Callable[[], str], committed: Callable[[], tuple[Path | None, int]]) -> None:
        self._folder = folder
        self._own_run = own_run
        self._committed = committed
        self._claimed: dict[str, liveness.Marker | None] = {}
        self._cursors: dict[Path, Cursor] = {}
        self._gone: set[Path] = set()
        self.own_settled = True
        """Whether nothing of this process waited when `next` was last asked."""

    def next(self, closing: bool = False) -> Block | None:
        """What is to be sent now; None if nothing. `closing`: this process writes no more, so that its last file can go, too."""
        try:
            return self._next(closing)
        except OSError as error:
            swallowed("spool.backlog", error)
            return None

    def settle(self, block: Block) -> None:
        """It has been taken, or is lost for good."""
        cursor = self._cursor(block.path)
        if block.again:
            cursor.aside = [each for each in cursor.aside if each != (block.start, block.end)]
        else:
            cursor.offset = block.end
        self._save(block.path, cursor)

    def put_aside(self, block: Block) -> bool:
        """Try others first. False: too much is aside already."""
        cursor = self._cursor(block.path)
        if block.again or len(cursor.aside) < ASIDE_LIMIT:
            cursor.aside = [each for each in cursor.aside if each != (block.start, block.end)] + [(block.start, block.end)]
            cursor.offset = max(cursor.offset, block.end)
            self._save(block.path, cursor)
            return True
        return False

    def take_over(self) -> bytes:
        """Look for runs whose processes are dead, and make their files part of this backlog. Never raises.

        Returns lines to be sent that could not be put into these files.
        """
        unwritten: list[bytes] = []
        try:
            self._take_over(unwritten)
        except OSError as error:
            swallowed("spool.backlog", error)
        return b"".join(unwritten)

    def leave(self) -> bool:
        """Let go of everything; whether something of this process is left to be sent by another."""
        for run, marker in self._claimed.items():
            self._release(marker, remove=not self._files_of(run))
        self._claimed = {}
        for cursor in self._cursors.values():
            cursor.close()
        left = self._files_of(self._own_run())
        return bool(left)

    def forget(self) -> None:
        """In a forked child, all of whose files are still to come."""
        for marker in self._claimed.values():
            self._release(marker, remove=False)
        for cursor in self._cursors.values():
            cursor.close()
        self._claimed, self._cursors, self._gone, self.own_settled = {}, {}, set(), True

    def _next(self, closing: bool) -> Block | None:
        own_run = self._own_run()
        files = self._files(own_run)
        aside: Block | None = None
        self.own_settled = True
        for file in files:
            own = file.name.run == own_run
            block = self._fresh(file, own)
            if block is not None:
                self.own_settled = self.own_settled and not own
                return block
            waiting = self._cursor(file.path).aside
            if waiting:
                self.own_settled = self.own_settled and not own
                aside = aside or Block(file.path, *waiting[0], b"", own, again=True)
            elif self._complete(file, own_run, closing):
                self._remove(file)
        return self._read_again(aside) if aside is not None else None

    def _fresh(self, file: StoredFile, own: bool) -> Block | None:
        start, (newest, committed) = self._cursor(file.path).offset, self._committed()
        end = committed if file.path == newest else file.size
        try:
            lines = read_block(file.path, start, end) if start < end else b""
        except OSError as error:
            if file.path.exists():
                swallowed("spool.backlog", error)
            lines = b""
        return Block(file.path, start, start + len(lines), lines, own) if lines else None

    def _read_again(self, block: Block) -> Block:
        return replace(block, lines=read_block(block.path, block.start, block.end))

    def _files(self, own_run: str) -> list[StoredFile]:
        wanted = {own_run, *self._claimed}
        files = [file for file in stored_files(self._folder) if file.name.run in wanted and file.path not in self._gone]
        return sorted(files, key=lambda file: (file.name.run != own_run, file.path.name))

    def _files_of(self, run: str) -> list[StoredFile]:
        try:
            return [file for file in stored_files(self._folder) if file.name.run == run and file.path not in self._gone]
        except OSError:
            return []

    def _complete(self, file: StoredFile, own_run: str, closing: bool) -> bool:
        """Whether nothing more is written to a file of which all has been sent."""
        return closing or file.name.run != own_run or file.path != self._committed()[0]

    def _remove(self, file: StoredFile) -> None:
        try:
            file.path.unlink(missing_ok=True)
        except OSError:
            # Not again in this process; another one finds by its cursor that there is nothing left to send.
            self._gone.add(file.path)
        else:
            self._cursor(file.path).remove()
        self._cursors.pop(file.path, None)
        if file.name.run in self._claimed and not self._files_of(file.name.run):
            self._release(self._claimed.pop(file.name.run), remove=True)

    def _cursor(self, path: Path) -> Cursor:
        cursor = self._cursors.get(path)
        if cursor is None:
            cursor = self._cursors[path] = Cursor.of(path)
        return cursor

    def _save(self, path: Path, cursor: Cursor) -> None:
        # A file at its limit may have been removed meanwhile.
        if path.exists():
            cursor.save()

    def _take_over(self, unwritten: list[bytes]) -> None:
        own_run = self._own_run()
        self._remove_orphans()
        marked = set(liveness.runs(self._folder, own_run))
        files = stored_files(self._folder)
        unmarked = {file.name.run for file in files if not process_alive(file.name.pid, file.name.created)} - marked - {own_run}
        for run in (marked | unmarked) - self._claimed.keys():
            marker = liveness.claim(self._folder, run) if run in marked else liveness.hold(self._folder, run)
            if marker is None and run in marked:
                continue
            left = [file.path for file in files if file.name.run == run]
            if not left:
                self._release(marker, remove=True)
                continue
            unwritten.append(roots.complete(left))
            self._claimed[run] = marker

    def _remove_orphans(self) -> None:
        """Cursors whose files are gone."""
        for name in os.listdir(self._folder):
            if name.endswith(SUFFIX) and not (self._folder / name.removesuffix(SUFFIX)).exists():
                (self._folder / name).unlink(missing_ok=True)

    @staticmethod
    def _release(marker: liveness.Marker | None, remove: bool) -> None:
        if marker is not None:
            try:
                marker.release(remove)
            except OSError as error:
                swallowed("spool.backlog", error)
