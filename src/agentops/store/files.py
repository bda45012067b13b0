"""The store's files: appended to by one process each, bounded in size, total bytes and age."""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from agentops.store import liveness, paths
from agentops_instrumentors.core import environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO
    from pathlib import Path

    Remove = Callable[["StoredFile", str], None]

_LARGEST_FILE: Final = 64 * 1024 * 1024
_FILES_IN_FOLDER: Final = 8
_DAY_SECONDS: Final = 86400
TOO_MUCH: Final = "too_much"
TOO_OLD: Final = "too_old"
"""Why a file was removed: bounds of bytes, bounds of age."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds over the folder: bytes in total and age in days since a file was last written."""

    max_bytes: int = 512 * 1024 * 1024
    max_age_days: int = 30
    largest_file: int = _LARGEST_FILE

    @classmethod
    def from_environment(cls) -> Limits:
        """`AGENTOPS_LOCAL_MAX_BYTES` and `AGENTOPS_LOCAL_MAX_AGE_DAYS`."""
        return cls(
            max_bytes=environment.integer("AGENTOPS_LOCAL_MAX_BYTES", cls().max_bytes, minimum=1),
            max_age_days=environment.integer("AGENTOPS_LOCAL_MAX_AGE_DAYS", cls().max_age_days, minimum=1),
        )

    @property
    def file_bytes(self) -> int:
        """Past this size a new file is begun, so that the oldest can go as a whole."""
        return min(self.largest_file, max(1, self.max_bytes // _FILES_IN_FOLDER))


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of the folder; `modified` is in seconds since the epoch."""

    path: Path
    name: paths.StoreName
    size: int
    modified: float


class Files(Protocol):
    """What the writer writes to: the store's files, or a spool's."""

    @property
    def folder(self) -> Path: ...
    def mark(self) -> None: ...
    def touch(self) -> None: ...
    def write(self, lines: bytes) -> None: ...
    def begin_run(self) -> None: ...


class StoreFiles:
    """The files of one process. Not thread-safe: the writer calls it under its lock.

    `preamble` returns whole lines for the top of every file but the first: the oldest file may be removed while its sessions are open.
    `remove` removes a file that `prune` does away with.
    """

    def __init__(self, folder: Path, limits: Limits, preamble: Callable[[], bytes] = bytes, remove: Remove | None = None) -> None:
        self.folder: Final = folder
        self.made_folder = False
        self.committed: tuple[Path | None, int] = (None, 0)
        """The newest file and how much of it is written for good: a write that fails half-way is undone."""
        self._limits = limits
        self._preamble = preamble
        self._remove = remove or unlink
        self._run = secrets.token_hex(4)
        self._file: FileIO | None = None
        self._size = 0
        self._begun = False
        self._marker: liveness.Marker | None = None
        self._marked = False

    @property
    def is_open(self) -> bool:
        """Whether the next write may go on in the current file."""
        return self._file is not None

    @property
    def run(self) -> str:
        """What the files of this process, and its marker, are named by."""
        return f"{os.getpid()}-{self._run}"

    def mark(self) -> None:
        """Before sessions are recorded: let other processes know by this process's marker when it dies. Raises OSError."""
        if not self._marked:
            self.made_folder |= paths.make_folder(self.folder)
            self._marker = liveness.hold(self.folder, self.run)
            self._marked = True

    def unmark(self) -> None:
        """Once every session has ended: nobody need look for what this process left undone."""
        self._marked = False
        marker, self._marker = self._marker, None
        if marker is not None:
            marker.release(remove=True)

    def write(self, lines: bytes) -> None:
        """Append whole lines with one `write()` where the system takes it so. Raises OSError and then leaves no torn line behind."""
        file = self._writable(len(lines))
        try:
            written = 0
            while written < len(lines):
                written += file.write(memoryview(lines)[written:]) or 0
        except OSError:
            self._undo(file)
            raise
        self._commit(self._size + len(lines))

    def close(self) -> None:
        """Close the current file; the next write begins a new one."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def touch(self) -> None:
        """Mark the current file as written to now: the sign of life of a process that has nothing to record."""
        file = self._file
        if file is not None:
            os.utime(file.fileno() if os.utime in os.supports_fd else str(file.name))

    def begin_run(self) -> None:
        """Name the files of this process anew: after a fork they must not be the parent's."""
        self._run = secrets.token_hex(4)
        self._begun = self._marked = False
        marker, self._marker = self._marker, None
        if marker is not None:
            marker.release(remove=False)
        self.close()

    def _writable(self, size: int) -> FileIO:
        file = self._file
        if file is not None:
            full = self._size > 0 and self._size + size > self._limits.file_bytes
            if not full and os.fstat(file.fileno()).st_nlink:
                return file
            self.close()
        return self._open()

    def _open(self) -> FileIO:
        self.made_folder |= paths.make_folder(self.folder)
        path = self.folder / paths.file_name(self._run, time.time())
        while path.exists():
            time.sleep(0.001)
            path = self.folder / paths.file_name(self._run, time.time())
        self.committed = (path, 0)
        file = open(path, "xb", buffering=0, opener=_appending)  # noqa: SIM115
        prune(self.folder, self._limits, path, self._remove)
        lines = self._preamble() if self._begun else b""
        try:
            self._commit(file.write(lines) or 0)
        except OSError:
            file.close()
            path.unlink(missing_ok=True)
            raise
        self._file, self._begun = file, True
        return file

    def _commit(self, size: int) -> None:
        self._size = size
        self.committed = (self.committed[0], size)

    def _undo(self, file: FileIO) -> None:
        try:
            os.ftruncate(file.fileno(), self._size)
        except OSError:
            self.close()


def _appending(path: str, flags: int) -> int:
    return paths.private(path, flags | os.O_APPEND)


def stored_files(folder: Path) -> list[StoredFile]:
    """The store files of `folder`, oldest name first; none where the folder is missing. Other files are not the store's."""
    found: list[StoredFile] = []
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    for entry in entries:
        name = paths.parse_name(entry.name)
        if name is None:
            continue
        try:
            stat = entry.stat()
        except FileNotFoundError:
            continue
        found.append(StoredFile(path=folder / entry.name, name=name, size=stat.st_size, modified=stat.st_mtime))
    return sorted(found, key=lambda file: file.path.name)


def unlink(file: StoredFile, _why: str) -> None:
    """Remove a file. Raises OSError."""
    file.path.unlink()


def prune(folder: Path, limits: Limits, keep: Path | None, remove: Remove = unlink) -> None:
    """Remove whole files, oldest first, that are too old or do not fit; never one that a live process may be writing.

    `keep` is this process's file; room for it to grow full is left free. `remove` is told why, `TOO_OLD` or `TOO_MUCH`.
    Never raises: what cannot be removed stays.
    """
    try:
        files = stored_files(folder)
    except OSError:
        return
    newest = {file.name.run: file.path for file in files}
    oldest_allowed = time.time() - limits.max_age_days * _DAY_SECONDS
    excess = sum(file.size for file in files) + limits.file_bytes - limits.max_bytes
    for file in files:
        if excess <= 0 and file.modified >= oldest_allowed:
            continue
        if file.path == keep or (newest[file.name.run] == file.path and _being_written(file)):
            continue
        try:
            remove(file, TOO_MUCH if file.modified >= oldest_allowed else TOO_OLD)
        except OSError:
            continue
        excess -= file.size


def _being_written(file: StoredFile) -> bool:
    # Pids come round again (in a container they always do): this process keeps only the file it names itself.
    return file.name.pid != os.getpid() and paths.process_alive(file.name.pid, file.name.created)
