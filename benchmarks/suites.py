"""Which adapters are measured how often: `make bench`, `make bench-peers`, and a quick look at either."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.adapters import BARE, BARE_2, FLOOR, OURS, PEERS, RECORDS, Adapter

OWN = (BARE, OURS, FLOOR, RECORDS)
ALL = (BARE, BARE_2, OURS, *PEERS, FLOOR, RECORDS)


@dataclass(frozen=True, slots=True)
class Suite:
    """`blocks` of calls, `launches` of interpreters, `rounds` of spans; calls, streams and sessions of this project for its growth.

    Peers' growth is measured over `share` of these.
    """

    name: str
    adapters: tuple[Adapter, ...]
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
        few = replace(self, name=f"{self.name}-quick", blocks=4, launches=2, rounds=6, calls=2_000, streams=1_000, sessions=1_000)
        return replace(few, levels=1, stalls=10, exported=5_120, exports=2)


BENCH = Suite("bench", OWN, blocks=24, launches=6, rounds=20, exports=3)
BENCH_PEERS = Suite("peers", ALL, blocks=32, launches=5, rounds=20)
