"""`python -m conformance.weaver`: Weaver's live check on the telemetry of the gate, its findings beside ours.

Exit code 0 where both find the same, 1 where they do not, 2 where Weaver is not there or made no report. WEAVER_REGISTRY names a copy
of the registry to check against, instead of the one on GitHub that our extract was made from.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agentops_conformance import weaver
from agentops_conformance.checks import Options, check
from agentops_conformance.vocabulary import Profile, vocabulary
from conformance import gate, scenarios
from conformance.expected import MODES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentops_conformance.values import Telemetry

_REGISTRY: Final = "WEAVER_REGISTRY"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m conformance.weaver", description=__doc__)
    parser.add_argument("--provider", action="append", default=[], metavar="NAME", help="the scenarios of this instrumentor of ours only")
    chosen: list[str] = parser.parse_args(arguments).provider
    # The registry has the newest metrics alone, so they are what is checked.
    mode = next(mode for mode in MODES if mode.profile is Profile.LATEST)
    known = vocabulary(mode.profile)
    try:
        weaver.executable()
        telemetry = _telemetry(gate.drive(mode, chosen or [name for name, covered in scenarios.instrumentors().items() if covered]))
        theirs = weaver.live_check(telemetry, os.environ.get(_REGISTRY) or weaver.registry_of(known))
    except (weaver.WeaverError, gate.DriveError) as error:
        print(error, file=sys.stderr)
        return 2
    ours = weaver.said(check(telemetry, known, Options(stability=True)))
    compared = weaver.compare(ours, theirs, known.own)
    for title, found in (("Weaver alone", compared.weaver_only), ("ours alone", compared.ours_only)):
        print(*(f"{title}: {each}" for each in found), sep="\n", end="\n" if found else "")
    print(f"{len(compared.both)} findings of both, {len(compared.weaver_only)} of Weaver alone, {len(compared.ours_only)} of ours alone")
    print(f"{compared.outside} of Weaver's are about names that our own section of the registry declares, which Weaver does not have")
    return 1 if compared.weaver_only or compared.ours_only else 0


def _telemetry(run: gate.Run) -> Telemetry:
    """Everything that one run left."""
    left = [each.telemetry for each in run.evidence]
    return replace(
        run.rest,
        spans=(*run.rest.spans, *(span for each in left for span in each.spans)),
        metrics=(*run.rest.metrics, *(metric for each in left for metric in each.metrics)),
        records=(*run.rest.records, *(record for each in left for record in each.records)),
    )


if __name__ == "__main__":
    sys.exit(main())
