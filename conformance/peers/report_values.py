"""What a peer's process tells the one that started it."""

from __future__ import annotations

from typing import Final

import msgspec

from conformance.ledger import Bill

REPORT: Final = "report.json"
SCOPE: Final = "conformance.scenario"
"""Of the span that a scenario stands below."""


class Ran(msgspec.Struct, frozen=True):
    """One scenario: the bill, the file with what was exported while it ran, the chunks of a stream, and an error that reached the program
    though the client does not raise it.
    """

    bill: Bill
    file: str
    chunks: int
    error: str


class Report(msgspec.Struct, frozen=True):
    """What was run, by scenario, and the versions of the peer and of the client."""

    ran: dict[str, Ran]
    versions: dict[str, str]
