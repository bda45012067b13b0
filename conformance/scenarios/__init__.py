"""What every provider's scenarios have in common. A provider is one module here, `openai.py` being the pattern, with one `PROVIDER`.

The module is named as the instrumentor's entry point is (`agentops_openai` has `scenarios/openai.py`), which is how it is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager

GROUP: Final = "opentelemetry_instrumentor"
PREFIX: Final = "agentops_"
OWN: Final = "decorators"
"""Scenarios of the program's own spans, which no instrumentor makes."""

_OF_MODELS: Final = ("chat", "generate_content", "text_completion", "embeddings", "invoke_agent")


class Reading(Enum):
    """What becomes of a stream."""

    NO_STREAM = "no stream"
    ALL = "read to its end"
    ONE = "closed after one chunk"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One call of the vendor's client and what it must leave, exactly.

    `call` is for the provider's own `drive`. `operations` are those of the client spans, `internal` those of internal spans beside the
    session's root (or their `agentops.span.kind`, where they have none). `fails` says that one client span must have failed, or where
    there is none, internal ones. `tokens` are the types whose number becomes known, such as
    `("input",)`, one for each time; by default both for each call of a model, and none where one fails or is closed early.
    """

    name: str
    call: Any
    operations: tuple[str, ...]
    asynchronous: bool
    reading: Reading = Reading.NO_STREAM
    fails: bool = False
    internal: tuple[str, ...] = ()
    tokens: tuple[str, ...] | None = None

    @property
    def told(self) -> tuple[str, ...]:
        """The token types that become known."""
        if self.tokens is not None:
            return self.tokens
        return () if self.fails or self.reading is Reading.ONE else ("input", "output") * sum(map(_OF_MODELS.count, self.operations))


class Served(Protocol):
    """What one request cost, as the fake service billed it; `told` says whether the usage went out to the client."""

    @property
    def model(self) -> str: ...
    @property
    def input_tokens(self) -> int: ...
    @property
    def output_tokens(self) -> int: ...
    @property
    def told(self) -> bool: ...


class Service(Protocol):
    """A fake service and its ledger: every request, and what was billed."""

    @property
    def exchanges(self) -> Sequence[object]: ...
    def served(self) -> Sequence[Served]: ...
    def bill(self, exchange: Any, /) -> Served | None: ...


@dataclass(frozen=True, slots=True)
class Driven:
    """The instrumented target that was called, as its endpoint declares it, and the chunks that a stream gave the caller."""

    target: str
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class Provider:
    """An instrumentor's scenarios. `serve` makes the fake service, `drive` calls it with the real client and survives its errors."""

    name: str
    targets: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    serve: Callable[[], AbstractContextManager[Any]]
    drive: Callable[[Scenario, Any], Driven]
    absent: Callable[[str], bool]


class Chunks:
    """Reads a stream as a scenario says and counts, whatever happens: `len()` is how many chunks came."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def read(self, stream: Iterable[object]) -> None:
        """Read; closing is the caller's."""
        for _ in stream:
            self._count += 1
            if self._reading is Reading.ONE:
                break

    async def read_async(self, stream: AsyncIterable[object]) -> None:
        """Read; closing is the caller's."""
        async for _ in stream:
            self._count += 1
            if self._reading is Reading.ONE:
                break


def missing(target: str) -> bool:
    """Whether the installed SDK has no `module:Class.method`."""
    module, _, path = target.partition(":")
    try:
        attrgetter(path)(import_module(module))
    except (ImportError, AttributeError):
        return True
    return False


def instrumentors() -> Mapping[str, bool]:
    """What makes spans of ours, instrumentors by their entry points' names less the prefix, and whether each has scenarios."""
    found = sorted({OWN} | {point.name.removeprefix(PREFIX) for point in entry_points(group=GROUP) if point.name.startswith(PREFIX)})
    return {name: find_spec(f"{__name__}.{name}") is not None for name in found}


def provider(name: str) -> Provider:
    """The scenarios of one instrumentor. Raises ImportError where there are none."""
    return import_module(f"{__name__}.{name}").PROVIDER
