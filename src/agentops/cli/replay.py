"""`agentops replay`: recorded sessions sent to an OTLP/HTTP receiver."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agentops.cli import text
from agentops.cli.listing import NOTHING, say_skipped
from agentops.cli.show import named
from agentops.export.otlp import OtlpReceiver, Target
from agentops.export.resend import Resend, Sent
from agentops.export.transport import beside
from agentops.otlp_settings import is_url
from agentops.store.files import stored_files
from agentops.store.reader import AmbiguousSessionError, UnknownSessionError, find_session, latest_session

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SIGNALS: Final = ("traces", "logs")
_NAMES: Final = {"traces": "span", "logs": "log record"}
_LATEST: Final = "latest"
_ENDPOINT_VARIABLE: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


class _NoSuchSessionError(Exception):
    """What was asked for is neither a file nor one session; the text says why."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser], store: argparse.ArgumentParser) -> None:  # pyright: ignore[reportPrivateUsage]
    """Add the command's arguments."""
    about = "send recorded sessions to an OTLP/HTTP receiver"
    parser = commands.add_parser(
        "replay", parents=[store], help=about, description=f"{about[0].upper()}{about[1:]}, without recording anything."
    )
    what = "a session's id, a unique beginning of it, latest, or a file of OTLP JSON lines; all recorded sessions where none is given"
    parser.add_argument("what", nargs="*", metavar="ID|latest|FILE", help=what)
    where = f"base URL of the receiver, or its URL for traces; where it is left out, {_ENDPOINT_VARIABLE} and its kin decide"
    parser.add_argument("--endpoint", metavar="URL", type=_url, help=where)
    parser.add_argument(
        "--header", action="append", default=[], type=_header, metavar="NAME=VALUE", help="a header to send along; may be repeated"
    )
    parser.add_argument("--only", choices=SIGNALS, help="send only these")
    parser.add_argument(
        "--wait", type=float, default=30.0, metavar="SECONDS", help="how long to wait for a receiver that is away (default: %(default)g)"
    )


def replay(folder: Path, arguments: argparse.Namespace) -> int:
    """Send what was asked for; 0 if all was taken, 1 if not, 2 for what names no session or file. Raises OSError."""
    try:
        files, traces = _chosen(folder, arguments.what)
    except _NoSuchSessionError as error:
        print(f"agentops: {error}", file=sys.stderr)
        return 2
    if not files:
        print(NOTHING.format(folder=folder), file=sys.stderr)
        return 2
    receivers = _receivers(arguments)
    if not receivers:
        print(f"agentops: where to? Give --endpoint URL, or set {_ENDPOINT_VARIABLE}", file=sys.stderr)
        return 2
    resend = Resend(receivers, traces, arguments.wait)
    for file in files:
        resend.file(file)
    resend.missing_roots()
    _say(resend.sent, receivers)
    return 0 if resend.sent.complete else 1


def _chosen(folder: Path, given: Sequence[str]) -> tuple[list[Path], frozenset[bytes] | None]:
    """The files to read, and the traces to send of them; None for all."""
    named_files = [Path(name) for name in given if Path(name).is_file()]
    identifiers = [name for name in given if not Path(name).is_file()]
    if named_files and identifiers:
        raise _NoSuchSessionError(f"{identifiers[0]!r} is no file: give either files or sessions")
    if named_files:
        return list(dict.fromkeys(named_files)), None
    return [file.path for file in stored_files(folder)], frozenset(_trace(folder, name) for name in identifiers) or None


def _trace(folder: Path, identifier: str) -> bytes:
    if identifier.lower() == _LATEST:
        found = latest_session(folder)
        if found is None:
            raise _NoSuchSessionError(NOTHING.format(folder=folder))
        return bytes.fromhex(found[0].trace_id)
    try:
        return bytes.fromhex(find_session(folder, identifier).trace_id)
    except UnknownSessionError:
        why = f"{identifier!r} is no file, and no session's id begins with it in {folder} (see: agentops sessions)"
        raise _NoSuchSessionError(why) from None
    except AmbiguousSessionError as error:
        raise _NoSuchSessionError(f"{identifier!r} begins the ids of {named(error.candidates)}") from None


def _receivers(arguments: argparse.Namespace) -> list[OtlpReceiver]:
    """One for each signal that is wanted, none where nothing says where they are."""
    signals = [arguments.only] if arguments.only else list(SIGNALS)
    if arguments.endpoint is None and not any(os.environ.get(name) for name in _variables(signals)):
        return []
    return [OtlpReceiver(_target(signal, arguments), "--endpoint and --header") for signal in signals]


def _variables(signals: Iterable[str]) -> list[str]:
    return [_ENDPOINT_VARIABLE, *(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT" for signal in signals)]


def _target(signal: str, arguments: argparse.Namespace) -> Target:
    if arguments.endpoint is None:
        # Headers are read with the endpoint: they are the keys of that receiver, and of no other.
        found = Target.from_environment(signal)
        return Target(
            signal,
            found.url,
            {**found.headers, **dict(arguments.header)},
            found.timeout,
            found.compression,
            found.certificate,
            found.client,
        )
    base = arguments.endpoint.rstrip("/")
    traces = base if base.endswith("/v1/traces") else f"{base}/v1/traces"
    return Target(signal, beside(traces, signal), dict(arguments.header))


def _say(sent: Sent, receivers: Sequence[OtlpReceiver]) -> None:
    for receiver in receivers:
        count = sent.taken[receiver.signal]
        of = f" of {text.plural(len(sent.traces), 'trace')}" if receiver.signal == "traces" else ""
        print(f"{text.plural(count, _NAMES[receiver.signal])}{of} sent to {receiver.url}")
        for cause, lost in (sent.refused.get(receiver.signal) or Counter[str]()).items():
            print(f"agentops: {text.plural(lost, _NAMES[receiver.signal])} not taken: {text.clean(cause)}", file=sys.stderr)
    say_skipped(sent.unreadable)


def _url(given: str) -> str:
    if not is_url(given):
        raise argparse.ArgumentTypeError(f"{given!r} is not an http:// or https:// URL with a host")
    return given


def _header(given: str) -> tuple[str, str]:
    name, separator, value = given.partition("=")
    if not separator or not name.strip():
        raise argparse.ArgumentTypeError("expected NAME=VALUE")
    return name.strip(), value.strip()
