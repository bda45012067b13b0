"""Which adapters are measured how often: `make bench`, `make bench-peers`, and a quick look at either."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.adapters import BARE, FLOOR, OURS, PEERS, RECORDS, Adapter

OWN = (BARE, OURS, FLOOR, RECORDS)
ALL = (BARE, OURS, *PEERS, FLOOR, RECORDS)


@dataclass(frozen=True, slots=True)
class Suite:
    """`generations` of processes, `blocks` of calls in each; `launches` of interpreters, `rounds` of spans; calls, streams and sessions
    of this project for its growth.

    Peers' growth is measured over `share` of these.
    """

    name: str
    adapters: tuple[Adapter, ...]
    generations: int
    blocks: int
    launches: int
    rounds: int
    calls: int = 100_000
    streams: int = 10_000
    sessions: int = 10_000
    share: float = 0.1
    levels: int = 5
    stalls: int = 40
    exported: int = 20_480
    exports: int = 5

    def named(self, name: str) -> Adapter:
        """One of its adapters. Raises StopIteration where there is none."""
        return next(adapter for adapter in self.adapters if adapter.name == name)

    @property
    def peers(self) -> tuple[Adapter, ...]:
        """Those of other projects."""
        return tuple(adapter for adapter in self.adapters if adapter in PEERS)

    def quick(self) -> Suite:
        """The same in a minute or two: a look, not a result."""
        few = replace(self, name=f"{self.name}-quick", generations=2, blocks=2, launches=2, rounds=6)
        return replace(few, calls=2_000, streams=1_000, sessions=1_000, levels=1, stalls=10, exported=5_120, exports=2)


BENCH = Suite("bench", OWN, generations=4, blocks=8, launches=5, rounds=20, exports=2, calls=30_000)
BENCH_PEERS = Suite("peers", ALL, generations=4, blocks=8, launches=5, rounds=20)
