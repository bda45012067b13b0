"""The `agentops` command: what the local store has recorded, and whether telemetry conforms."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agentops_instrumentors.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEFAULT_LIMIT = 20


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 on success, 2 for bad arguments or an id that names no session or several, 1 for an unreadable store.

    `conformance` and `doctor` have arguments and exit codes of their own.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    if given[:1] == ["conformance"]:
        from agentops_conformance.cli import main as conformance

        return conformance(given[1:])
    arguments = _parser(given).parse_args(given) if given[:1] != ["doctor"] else None
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    try:
        code = _run(arguments) if arguments is not None else _doctor(given[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has what it wanted; the interpreter's own flush at exit must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"agentops: cannot read the local store: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _doctor(given: Sequence[str]) -> int:
    from agentops.doctor.run import main as doctor

    return doctor(given)


def _run(arguments: argparse.Namespace) -> int:
    from agentops.store.paths import data_folder

    folder = Path(arguments.dir).expanduser() if getattr(arguments, "dir", None) else data_folder()
    if arguments.command == "path":
        print(folder)
        return 0
    if arguments.command == "sessions":
        from agentops.cli.listing import list_sessions

        return list_sessions(folder, None if arguments.all else arguments.limit, as_json=arguments.json)
    if arguments.command == "replay":
        from agentops.cli.replay import replay

        return replay(folder, arguments)
    from agentops.cli.show import show_session

    return show_session(folder, arguments.id, content=arguments.content, as_json=arguments.json)


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="agentops", description="Look at the agent sessions recorded on this machine.")
    parser.add_argument("--version", action="version", version=f"agentops-opentelemetry {__version__}")
    store = argparse.ArgumentParser(add_help=False)
    store.add_argument("--dir", metavar="FOLDER", help="the store to read (default: AGENTOPS_LOCAL_DIR or the per-user data folder)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    sessions = commands.add_parser("sessions", parents=[store], help="list recorded sessions, newest first")
    sessions.add_argument("--limit", type=_positive, default=_DEFAULT_LIMIT, metavar="N", help="how many (default: %(default)s)")
    sessions.add_argument("--all", action="store_true", help="all of them")
    sessions.add_argument("--json", action="store_true", help="as JSON")

    show = commands.add_parser("show", parents=[store], help="show one session as a tree")
    show.add_argument(
        "id", nargs="?", default="latest", metavar="ID", help="the session's id, a unique beginning of it, or latest (default)"
    )
    show.add_argument("--content", action="store_true", help="with messages, tool arguments and results")
    show.add_argument("--json", action="store_true", help="as JSON")

    if given[:1] == ["replay"]:
        from agentops.cli.replay import add_parser

        add_parser(commands, store)
    else:
        commands.add_parser("replay", help="send recorded sessions to an OTLP/HTTP receiver")
    commands.add_parser("path", parents=[store], help="print the store's folder")
    commands.add_parser("doctor", add_help=False, help="say what is recorded, by whom, where it goes, and what is wrong")
    commands.add_parser("conformance", add_help=False, help="check any OTLP telemetry against the GenAI semantic conventions")
    return parser


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return number
