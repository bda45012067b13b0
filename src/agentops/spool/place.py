"""Where a spool lies: one folder for each receiver, signal and account, named by a digest that tells none of them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from agentops.store import paths

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = "spool"
DESCRIPTION: Final = "place.json"
_LARGEST_DESCRIPTION: Final = 65536


@dataclass(frozen=True, slots=True)
class Place:
    """What is spooled in one folder: `signal` (traces or logs) for the receiver `name` (agentops or otlp) at `url`.

    `account` is whatever else decides whose data it becomes there, such as keys: one account's data is never sent with another's.
    """

    name: str
    signal: str
    url: str
    account: str

    @property
    def folder(self) -> Path:
        """In the folder `spool` of the local store."""
        text = repr((self.url, self.account)).encode("utf-8", "replace")
        return spools_folder() / f"{self.name}-{self.signal}-{blake2b(text, digest_size=8).hexdigest()}"

    def describe(self) -> None:
        """Write what the folder is for, without what is secret, unless it says so already. Raises OSError."""
        path = self.folder / DESCRIPTION
        if not path.exists():
            told = {"name": self.name, "signal": self.signal, "url": shown(self.url)}
            early = path.with_name(f"{DESCRIPTION}.{os.getpid()}")
            with open(early, "w", encoding="utf-8", opener=paths.private) as file:
                json.dump(told, file)
            early.replace(path)


@dataclass(frozen=True, slots=True)
class Description:
    """What a folder says it is for; empty where it does not say."""

    name: str = ""
    signal: str = ""
    url: str = ""


def spools_folder() -> Path:
    """The folder of all spools."""
    return paths.data_folder() / FOLDER


def described(folder: Path) -> Description:
    """What `folder` says it is for. Never raises."""
    try:
        with open(folder / DESCRIPTION, encoding="utf-8") as file:
            told = json.loads(file.read(_LARGEST_DESCRIPTION))
        return Description(*(str(told.get(key, "")) for key in ("name", "signal", "url")))
    except (OSError, ValueError, AttributeError):
        return Description()


def shown(url: str) -> str:
    """`url` without credentials and query."""
    try:
        parts = urlsplit(url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    except ValueError:
        return ""
