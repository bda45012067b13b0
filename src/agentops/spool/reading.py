"""Blocks of whole lines of spooled files, and how many spans and log records are in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK_BYTES: Final = 1 << 20


class _ScopeSpans(msgspec.Struct, rename="camel"):
    spans: list[msgspec.Raw] = []


class _ResourceSpans(msgspec.Struct, rename="camel"):
    scope_spans: list[_ScopeSpans] = []


class _ScopeLogs(msgspec.Struct, rename="camel"):
    log_records: list[msgspec.Raw] = []


class _ResourceLogs(msgspec.Struct, rename="camel"):
    scope_logs: list[_ScopeLogs] = []


class _Line(msgspec.Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] = []
    resource_logs: list[_ResourceLogs] = []


_decoder: Final = msgspec.json.Decoder(_Line)


def read_block(path: Path, start: int, end: int) -> bytes:
    """Whole lines of `path` between `start` and `end`: about 1 MiB, at least one. Raises OSError."""
    with path.open("rb") as file:
        file.seek(start)
        block = b""
        while b"\n" not in block and len(block) < end - start:
            more = file.read(min(max(BLOCK_BYTES, len(block)), end - start - len(block)))
            if not more:
                break
            block += more
    return block[: block.rfind(b"\n") + 1]


def read_blocks(path: Path, start: int, end: int | None = None) -> Iterator[bytes]:
    """All of it, block by block, to the end of the file where no `end` is given. Raises OSError."""
    end = path.stat().st_size if end is None else end
    while block := read_block(path, start, end):
        yield block
        start += len(block)


def count_items(lines: bytes) -> int:
    """Spans and log records in `lines`; a line that is not OTLP JSON holds none."""
    return sum(_count(line) for line in lines.splitlines() if line)


def unsent_blocks(path: Path, offset: int, aside: list[tuple[int, int]]) -> Iterator[bytes]:
    """What of `path` is not settled, block by block. Raises OSError."""
    for start, end in aside:
        yield from read_blocks(path, start, end)
    yield from read_blocks(path, offset)


def _count(line: bytes) -> int:
    try:
        found = _decoder.decode(line)
    except msgspec.MsgspecError:
        return 0
    spans = sum(len(scope.spans) for resource in found.resource_spans for scope in resource.scope_spans)
    return spans + sum(len(scope.log_records) for resource in found.resource_logs for scope in resource.scope_logs)
