"""What a spool lost and why: counted in the process, and kept beside the files for `agentops doctor`."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE: Final = "drops.jsonl"
OLDER: Final = "drops.older.jsonl"
_LARGEST: Final = 65536


class Drops:
    """Of one spool. Any thread may add; `save` is the sender's."""

    def __init__(self, folder: Path, also: Callable[[], dict[str, int]] = dict) -> None:
        """`also` tells what is counted elsewhere."""
        self._folder = folder
        self._also = also
        self._counts: Counter[str] = Counter()
        self._saved: Counter[str] = Counter()

    def add(self, cause: str, items: int) -> None:
        """Count `items` spans or log records as lost."""
        if items:
            self._counts[cause] += items

    def counts(self) -> dict[str, int]:
        """By cause, in this process."""
        return dict(self._counts.copy() + Counter(self._also()))

    def save(self) -> None:
        """Append what is new to the folder's record, of which the newest 64 to 128 KiB are kept. Never raises."""
        new = {cause: count - self._saved[cause] for cause, count in self.counts().items() if count > self._saved[cause]}
        if not new:
            return
        lines = b"".join(
            json.dumps({"time": int(time.time()), "cause": cause, "items": count}).encode() + b"\n" for cause, count in new.items()
        )
        path = self._folder / FILE
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, lines)
                full = os.fstat(descriptor).st_size > _LARGEST
            finally:
                os.close(descriptor)
            self._saved.update(new)
            if full:
                path.replace(self._folder / OLDER)
        except OSError:
            pass  # The count stays in the process, and is said there.

    def forget(self) -> None:
        """In a forked child: what the parent lost is the parent's to tell."""
        self._counts, self._saved = Counter(), Counter()


def kept(folder: Path) -> tuple[dict[str, int], int]:
    """What the folder's processes lost, by cause, and since when that has been kept (seconds since the epoch, 0 if nothing)."""
    found: Counter[str] = Counter()
    since = 0
    for name in (OLDER, FILE):
        try:
            lines = (folder / name).read_bytes().splitlines()
        except OSError:
            continue
        for line in lines:
            try:
                told = json.loads(line)
                found[str(told["cause"])] += int(told["items"])
                since = since or int(told["time"])
            except (ValueError, TypeError, KeyError):
                continue
    return dict(found), since
