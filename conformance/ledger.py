"""What a fake service billed for a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from conformance.scenarios import Service


class Bill(msgspec.Struct, frozen=True):
    """What the fake service counted during one scenario: requests, and the tokens it told the client of, by type."""

    requests: int
    input_tokens: int = 0
    output_tokens: int = 0


def bill(service: Service, begun: int, ended: int) -> Bill:
    """The bill for requests from number `begun` to before `ended`. Ask once the service has stopped: what went out of an answer is
    known to its own thread first, and to the client maybe earlier.
    """
    entries = [entry for exchange in service.exchanges[begun:ended] if (entry := service.bill(exchange)) is not None and entry.told]
    inputs, outputs = sum(entry.input_tokens for entry in entries), sum(entry.output_tokens for entry in entries)
    return Bill(ended - begun, inputs, outputs)
