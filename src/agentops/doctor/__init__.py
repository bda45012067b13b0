"""What is recorded, by whom, where it goes, and what is wrong: `agentops doctor`, or `report()` inside a program.

`agentops doctor` starts a process of its own in the way the program is started and looks around in it. `report()` looks around in
the calling process, where an application's own provider and instrumentors put on in code can be seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentops.doctor.facts import Report

__all__ = ["report"]


def report(*, sdks: bool = True, receivers: bool = True) -> Report:
    """What is so in this process, with findings.

    `sdks`: import the vendor SDKs that are installed, to see method by method who instruments them. `receivers`: ask every configured
    receiver for an answer, with an empty request and a few seconds of patience.
    """
    from agentops.doctor import findings
    from agentops.doctor.collect import collect

    return findings.diagnosed(collect(sdks=sdks, receivers=receivers))
