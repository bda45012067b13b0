"""`python -m agentops.doctor.probe`: looks around in a process that started as the user's program does, and writes what it saw.

What it loaded to see ends with it: nothing is flushed, so that no receiver gets anything but the doctor's own empty requests.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def main() -> None:
    """Write the report, without findings, to the file named first. Never returns."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--how", required=True)
    parser.add_argument("--given", default="")
    parser.add_argument("--init", action="store_true")
    parser.add_argument("--no-sdks", action="store_true")
    parser.add_argument("--no-network", action="store_true")
    chosen = parser.parse_args()

    from msgspec import json

    from agentops.doctor.collect import collect

    if chosen.init:
        from agentops import wiring

        wiring.start()
    given = [name for name in chosen.given.split(",") if name]
    report = collect(sdks=not chosen.no_sdks, receivers=not chosen.no_network, how=chosen.how, given=given)
    chosen.file.write_bytes(json.encode(report))
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
