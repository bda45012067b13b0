"""How far a spooled file has been sent: a small file beside it, written after each answer of the receiver."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agentops.store.paths import private

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path

SUFFIX: Final = ".sent"
ASIDE_LIMIT: Final = 16
_ROOM: Final = 512
"""Bytes reserved at once, so that a disk that has become full does not keep it from being written anew."""

Range = tuple[int, int]


@dataclass(slots=True)
class Cursor:
    """Bytes of the file that are settled: all before `offset` but for the ranges in `aside`, which are tried again later.

    Not for several threads. What cannot be written stays in memory: should the process die, it is sent twice.
    """

    path: Path
    offset: int = 0
    aside: list[Range] = field(default_factory=list[Range])
    _file: FileIO | None = None

    @classmethod
    def of(cls, data: Path) -> Cursor:
        """That of the file `data`, from the beginning where there is none or it cannot be read."""
        path = data.with_name(data.name + SUFFIX)
        try:
            told = json.loads(path.read_bytes())
            return cls(path, int(told["offset"]), [(int(start), int(end)) for start, end in told["aside"]])
        except (OSError, ValueError, TypeError, KeyError):
            return cls(path)

    def save(self) -> None:
        """Write it with one `write()`, which a kill does not tear."""
        text = json.dumps({"offset": self.offset, "aside": self.aside}).encode()
        try:
            if self._file is None:
                self._file = open(self.path, "r+b" if self.path.exists() else "xb", buffering=0, opener=private)  # noqa: SIM115
            self._file.seek(0)
            self._file.write(text.ljust(_ROOM))
        except OSError:
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def remove(self) -> None:
        """Remove it: its file has been."""
        self.close()
        try:
            self.path.unlink(missing_ok=True)
        except OSError:
            pass  # It is removed with the others that have no file.
