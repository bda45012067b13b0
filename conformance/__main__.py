"""`python -m conformance`: the gate over our own instrumentors. Exit code 0 where it passes, 1 where not, 2 where it could not run."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import TYPE_CHECKING

from conformance import gate

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("--provider", action="append", default=[], metavar="NAME", help="this instrumentor of ours only")
    parser.add_argument("--all", action="store_true", help="also print what is in declared gaps, improvements and information")
    chosen = parser.parse_args(arguments)
    try:
        result = gate.run(chosen.provider)
    except (OSError, ValueError, ImportError, gate.DriveError) as error:
        print(error, file=sys.stderr)
        return 2
    if chosen.all:
        for line, times in Counter(str(finding) for _, finding in result.findings).items():
            print(line if times == 1 else f"{line} ({times} times)")
    for failure in result.failures:
        print(failure)
    print(f"{result.summary}; {len(result.failures)} failures")
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(main())
