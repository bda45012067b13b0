"""`agentops doctor`: starts the probe as the program would be started, and reports what it saw."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import json
from msgspec.structs import replace

from agentops.doctor import findings
from agentops.doctor.facts import Report
from agentops.redaction import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LAUNCHER: Final = "opentelemetry-instrument"
SITECUSTOMIZE: Final = "sitecustomize"
INIT: Final = "agentops.init()"
_LAUNCH: Final = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"
_LOADER: Final = "opentelemetry.instrumentation.auto_instrumentation"
_PROBE: Final = "agentops.doctor.probe"
_SECONDS: Final = 120.0
_SAID_LINES: Final = 60


class ProbeFailedError(Exception):
    """The process to look around in did not get that far; the text is what it wrote to stderr."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to look at: `init` for a program that calls `agentops.init()` itself; `sdks` and `receivers` as in `doctor.report`."""

    init: bool = False
    sdks: bool = True
    receivers: bool = True


def main(argv: Sequence[str]) -> int:
    """Print the report; 0 if nothing is wrong, 1 if there is an error among the findings, 2 if no process could be started."""
    chosen = _parser().parse_args(argv)
    try:
        report = examine(Options(init=chosen.init, sdks=not chosen.no_sdks, receivers=not chosen.no_network))
    except ProbeFailedError as failure:
        print(f"agentops: a program could not be started here at all:\n{failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    _print(report, as_json=chosen.json)
    return int(any(finding.severity == "error" for finding in report.findings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="agentops doctor",
        description="Start a process as your program is started, look around in it, and say what is recorded, by whom, where it goes, "
        "and what is wrong. Exit status 1: there are errors.",
    )
    parser.add_argument("--init", action="store_true", help="as a program that calls agentops.init() itself, without a launcher")
    parser.add_argument("--no-sdks", action="store_true", help="do not import the vendor SDKs that are installed")
    parser.add_argument("--no-network", action="store_true", help="do not ask the receivers for an answer")
    parser.add_argument("--json", action="store_true", help="as JSON, with everything that was said at the start")
    return parser


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        print(json.format(json.encode(report), indent=2).decode())
        return
    from agentops.cli.terminal import Terminal
    from agentops.doctor.text import lines

    terminal = Terminal()
    for line in lines(report):
        terminal.line(line)


def examine(options: Options) -> Report:
    """The report of a process started for it. Raises ProbeFailedError."""
    environment = started_with()
    how = INIT if options.init else SITECUSTOMIZE if _loads_by_itself(environment) else LAUNCHER
    given = ",".join(sorted(name for name in environment if name.startswith(("OTEL_", "AGENTOPS_"))))
    with tempfile.TemporaryDirectory(prefix="agentops-doctor-") as folder:
        file = Path(folder, "report.json")
        probe = [sys.executable, "-m", _PROBE, str(file), f"--how={how}", f"--given={given}"]
        probe += ["--init"] if options.init else []
        probe += [] if options.sdks else ["--no-sdks"]
        probe += [] if options.receivers else ["--no-network"]
        said = _run([sys.executable, "-c", _LAUNCH, *probe] if how == LAUNCHER else probe, environment)
        if not file.is_file():
            raise ProbeFailedError("\n".join(said) or "nothing was said")
        report = json.decode(file.read_bytes(), type=Report)
    return findings.diagnosed(replace(report, start=replace(report.start, said=tuple(said))))


def started_with() -> dict[str, str]:
    """The environment this process was started with: by now a distro may have written defaults of its own into it."""
    if not _is_instrumented():
        return dict(os.environ)
    try:
        pairs = Path("/proc/self/environ").read_bytes().decode("utf-8", "surrogateescape").split("\0")
    except OSError:
        return dict(os.environ)
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def _is_instrumented() -> bool:
    return _LOADER in sys.modules


def _loads_by_itself(environment: Mapping[str, str]) -> bool:
    """Whether Python's import path holds the `sitecustomize` that starts auto-instrumentation."""
    spec = find_spec(_LOADER)
    if spec is None or spec.origin is None:
        return False
    folder = os.path.dirname(os.path.abspath(spec.origin))
    return folder in environment.get("PYTHONPATH", "").split(os.pathsep)


def _run(command: list[str], environment: Mapping[str, str]) -> list[str]:
    """What the command wrote to stderr, secrets masked. Raises ProbeFailedError where it does not end."""
    try:
        done = subprocess.run(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        text = (late.stderr or b"").decode(errors="replace")
        raise ProbeFailedError(f"it did not end within {_SECONDS:g} s; it said:\n{mask_secrets(text)}") from late
    lines = mask_secrets(done.stderr.decode(errors="replace")).splitlines()
    return lines[-_SAID_LINES:]
