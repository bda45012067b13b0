"""An environment for each peer under `.venvs`, made from pinned, hashed requirements and kept while those stay the same."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parent.parent


class Installed(Protocol):
    """What stands in an environment: a file of `requirements/`, and this project's own wheel on top of it where `project` is set."""

    @property
    def requirements(self) -> str: ...
    @property
    def project(self) -> bool: ...


def python_of(adapter: Installed) -> Path:
    """The interpreter of the adapter's environment, which is made or brought up to date first."""
    requirements = ROOT / "requirements" / adapter.requirements
    home = ROOT / ".venvs" / requirements.stem
    python = home / "bin" / "python"
    stamp = home / "made-from"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(home))
        _uv("pip", "install", "--quiet", "--compile-bytecode", "--require-hashes", "--python", str(python), "-r", str(requirements))
        stamp.write_text(wanted)
    if adapter.project:
        # The wheel as users get it, built anew: an editable install would measure a tree that is being edited.
        package = "agentops-opentelemetry"
        options = ("--quiet", "--no-deps", "--compile-bytecode", "--reinstall-package", package, "--refresh-package", package)
        _uv("pip", "install", *options, "--python", str(python), str(ROOT))
    return python


def _uv(*arguments: str) -> None:
    beside = Path(sys.executable).parent / "uv"
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        raise SystemExit("peers need uv beside the interpreter or on the path: pip install uv")
    subprocess.run([uv, *arguments], check=True, cwd=ROOT)
