"""`python -m conformance.peers`: runs the scenarios through ours and every peer and writes `conformance/REPORT.md`.

With `--only CLIENT` or `--peer NAME` it prints the tables of these instead: a look, no report. Exit code 2 where one could not be run.
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from conformance import gate
from conformance.peers import CLIENTS, OURS, PEERS, Peer, tables
from conformance.peers.better import better
from conformance.peers.document import document
from conformance.peers.observe import Result, RunError, run

if TYPE_CHECKING:
    from collections.abc import Sequence

REPORT: Final = Path(__file__).parents[1] / "REPORT.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m conformance.peers", description=__doc__)
    parser.add_argument("--only", choices=CLIENTS, help="this client's scenarios")
    parser.add_argument("--peer", action="append", choices=[peer.name for peer in PEERS], help="beside this one; may be repeated")
    chosen = parser.parse_args(arguments)
    clients = [name for name in CLIENTS if chosen.only in (None, name) and find_spec(f"conformance.scenarios.{name}")]
    beside = [peer for peer in PEERS if not chosen.peer or peer.name in chosen.peer]
    try:
        results = {client: [_run(peer, client) for peer in (OURS, *beside)] for client in clients}
        if not chosen.only and not chosen.peer:
            _say("the gate over ours")
            REPORT.write_text(document(results, gate.run()), encoding="utf-8")
            return 0
    except (RunError, gate.DriveError) as error:
        print(error, file=sys.stderr)
        return 2
    for client, of_client in results.items():
        print(tables.summary(of_client), better(client, of_client), tables.kinds(of_client), sep="\n\n")
    return 0


def _run(peer: Peer, client: str) -> Result:
    _say(f"{peer.title}, {client}")
    return run(peer, client)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
