"""`agentops conformance`: hold OTLP telemetry of any instrumentation, in any language, against the GenAI semantic conventions.

Exit code 0 without violations, 1 with some, 2 where something could not be read or nothing came; a COMMAND's own where it failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from agentops_conformance import reports
from agentops_conformance.checks import Options, check
from agentops_conformance.otlp import Collector
from agentops_conformance.values import Level
from agentops_conformance.vocabulary import Profile, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agentops_conformance.values import Telemetry
    from agentops_conformance.vocabulary import Vocabulary

PROGRAM: Final = "agentops conformance"
_SUFFIXES: Final = (".jsonl", ".json")
_ERROR: Final = 2
_DEFAULT: Final = ("127.0.0.1", 4318)
_FREE: Final = ("127.0.0.1", 0)
_NOTHING: Final = """there was no telemetry to check.
A file must hold OTLP JSON lines, as the file exporter of an OpenTelemetry Collector writes them; an exporter must send OTLP over
HTTP (OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf), and flush before its program ends."""


class _Group(Protocol):
    """What a parser and its groups have."""

    def add_argument(self, *names: str, **settings: Any) -> object: ...


class _Arguments(argparse.Namespace):
    paths: list[str]
    listen: tuple[str, int] | None
    seconds: float | None
    save: Path | None
    format: str
    level: str
    ignore: list[str]
    profile: str
    declare: list[Path]
    no_content: bool
    stability: bool
    output: Path | None


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    split = given.index("--") if "--" in given else len(given)
    command = given[split + 1 :]
    parser = _parser()
    options = parser.parse_args(given[:split], namespace=_Arguments())
    listening = options.listen is not None or split < len(given)
    if listening == bool(options.paths):
        parser.error("name files or folders (- is the standard input), or --listen, or -- COMMAND")
    if split < len(given) and not command:
        parser.error("there is no command after --")
    if not listening and (options.save or options.seconds is not None):
        parser.error("--save and --for go with --listen or -- COMMAND")
    collector = Collector()
    try:
        # First, because a file that is none should not cost the telemetry of a long run.
        known = vocabulary(Profile(options.profile), tuple(options.declare))
        code = _listen(options, command, collector) if listening else _read(options.paths, collector)
        return _tell(options, collector.telemetry(), known) or code
    except BrokenPipeError:
        # The reader has what it wanted; the interpreter's own flush at exit must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, ValueError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return _ERROR


def _read(paths: Iterable[str], collector: Collector) -> int:
    for path in paths:
        if path == "-":
            collector.add_lines(sys.stdin.buffer.read(), "standard input")
            continue
        for file in _files(Path(path)):
            collector.add_lines(file.read_bytes(), str(file))
    return 0


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())


def _listen(options: _Arguments, command: Sequence[str], collector: Collector) -> int:
    from agentops_conformance.listen_session import Session

    address = _DEFAULT if options.listen is None else options.listen
    if command and address is _DEFAULT:
        address = _FREE
    with Session(collector, options.save, *address) as session:
        return session.run(command, options.seconds) if command else session.wait(options.seconds)


def _tell(options: _Arguments, telemetry: Telemetry, known: Vocabulary) -> int:
    findings = check(telemetry, known, Options(content=not options.no_content, stability=options.stability))
    found = reports.report(telemetry, findings, known, options.ignore)
    text = reports.FORMATS[options.format](found, Level(options.level))
    if options.output is None:
        sys.stdout.buffer.write(text.encode(sys.stdout.encoding, "replace"))
        sys.stdout.flush()
    else:
        options.output.write_text(text, encoding="utf-8")
    if found.empty and not found.unreadable:
        print(f"{PROGRAM}: {_NOTHING}", file=sys.stderr)
    return found.exit_code


def _parser() -> argparse.ArgumentParser:
    usage = f"{PROGRAM} [OPTIONS] (FILE|DIR|- ... | --listen [HOST:PORT] | -- COMMAND ...)"
    parser = argparse.ArgumentParser(prog=PROGRAM, usage=usage, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", metavar="FILE|DIR|-", help="OTLP JSON lines; folders of *.jsonl and *.json; the standard input")
    listening = parser.add_argument_group("listening")
    listening.add_argument(
        "--listen",
        nargs="?",
        const=_DEFAULT,
        type=_address,
        metavar="HOST:PORT",
        help="check what is sent there by OTLP over HTTP, until Ctrl-C, SIGTERM, --for or the end of COMMAND "
        "(default 127.0.0.1:4318; a free port for a COMMAND)",
    )
    listening.add_argument("--for", dest="seconds", type=_seconds, metavar="SECONDS", help="listen for so long at most")
    listening.add_argument("--save", type=Path, metavar="FILE", help="add what is received to this file, as OTLP JSON lines")
    _checking(parser.add_argument_group("checking"))
    reporting = parser.add_argument_group("reporting")
    reporting.add_argument("--format", choices=sorted(reports.FORMATS), default="text", help="of the report (default: %(default)s)")
    levels = [level.value for level in Level]
    reporting.add_argument("--level", choices=levels, default=Level.IMPROVEMENT.value, help="the least to show (default: %(default)s)")
    reporting.add_argument("--output", "-o", type=Path, metavar="FILE", help="write the report there instead of the standard output")
    return parser


def _checking(group: _Group) -> None:
    group.add_argument(
        "--profile",
        choices=[profile.value for profile in Profile],
        default=Profile.PUBLISHED.value,
        help="the generation of client metrics: of the published official packages, or the newest names (default: %(default)s)",
    )
    group.add_argument("--no-content", action="store_true", help="prompts and answers are not wanted: find them")
    group.add_argument(
        "--declare", action="append", default=[], type=Path, metavar="FILE", help="JSON with names of your own; may be repeated"
    )
    group.add_argument("--stability", action="store_true", help="also find names that are not stable yet")
    group.add_argument(
        "--ignore", action="append", default=[], metavar="RULE[:ATTRIBUTE]", help="leave these out; * stands for anything; may be repeated"
    )


def _address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
