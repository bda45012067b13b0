"""Where the store lies, how its files are named, and whether the process that writes one is alive."""

from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agentops_instrumentors.core import environment

LOCAL_DIR: Final = "AGENTOPS_LOCAL_DIR"
SUFFIX: Final = ".jsonl"
_NAME: Final = re.compile(r"(\d{8}T\d{6})(\d{3})Z-(\d+)-([0-9a-f]+)\.jsonl")
_CLOCK_SLACK_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class StoreName:
    """A store file's name taken apart. `created` is in seconds since the epoch; `run` is the same for all files of one process."""

    created: float
    pid: int
    run: str


def private(path: str, flags: int) -> int:
    """An `opener` of `open`: what it makes can be read by its owner only."""
    return os.open(path, flags, 0o600)


def data_folder() -> Path:
    """`AGENTOPS_LOCAL_DIR`, or the `agentops` folder among the platform's per-user data."""
    chosen = environment.text(LOCAL_DIR)
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "")
        return Path(base or Path.home() / "AppData" / "Local") / "agentops"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "agentops"
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".local" / "share") / "agentops"


def make_folder(folder: Path) -> bool:
    """Create `folder`, readable by its owner only, where it is missing, and say whether it was. Raises OSError."""
    if folder.is_dir():
        return False
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return True


def file_name(run: str, now: float) -> str:
    """`20261121T080501123Z-<pid>-<run>.jsonl`: sorts by time, unique per process."""
    milliseconds = int(now * 1000)
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(milliseconds // 1000))
    return f"{stamp}{milliseconds % 1000:03d}Z-{os.getpid()}-{run}{SUFFIX}"


def parse_name(name: str) -> StoreName | None:
    """None for a name that is not a store file's."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    stamp, milliseconds, pid, run = match.groups()
    try:
        seconds = _epoch(stamp)
    except ValueError:
        return None
    return StoreName(created=seconds + int(milliseconds) / 1000, pid=int(pid), run=f"{pid}-{run}")


def _epoch(stamp: str) -> int:
    from calendar import timegm

    return timegm(time.strptime(stamp, "%Y%m%dT%H%M%S"))


def process_alive(pid: int, since: float) -> bool:
    """Whether the process that had `pid` at `since` (seconds since the epoch) still runs.

    A process that started later and got the number again is another one; where the platform does not tell the start
    time, the number alone decides.
    """
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return _alive_on_windows(pid)
    if sys.platform == "linux":
        started = _started_on_linux(pid)
        if started is not None:
            return started <= since + _CLOCK_SLACK_SECONDS
    return _answers_signals(pid)


def _answers_signals(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _started_on_linux(pid: int) -> float | None:
    """Start time of a process in seconds since the epoch, infinity for one that is gone or a zombie, None if /proc does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        if fields[0] in {"Z", "X"}:
            return float("inf")
        boot = next(line for line in Path("/proc/stat").read_text(encoding="utf-8").splitlines() if line.startswith("btime "))
        return int(boot.split()[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, StopIteration):
        return None


def _alive_on_windows(pid: int) -> bool:
    if sys.platform != "win32":
        return False
    import ctypes

    query_limited_information, still_active = 0x1000, 259
    kernel = ctypes.windll.kernel32
    handle = kernel.OpenProcess(query_limited_information, False, pid)
    if not handle:
        return False
    try:
        code = ctypes.c_ulong()
        return bool(kernel.GetExitCodeProcess(handle, ctypes.byref(code))) and code.value == still_active
    finally:
        kernel.CloseHandle(handle)
