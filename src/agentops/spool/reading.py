"""Blocks of whole lines of spooled files, and how many spans and log records are in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK_BYTES: Final = 1 << 20
_LONGEST_BLOCK: Final = 1 << 28


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


def read_block(path: Path, start: int, end: int | None = None) -> bytes:
    """The whole lines of `path` from `start` on: to `end` where it is given, else about 1 MiB, at least one. Raises OSError."""
    with path.open("rb") as file:
        file.seek(start)
        if end is not None:
            return file.read(max(0, end - start))
        block = file.read(BLOCK_BYTES)
        while block and b"\n" not in block and len(block) < _LONGEST_BLOCK:
            more = file.read(len(block))
            if not more:
                break
            block += more
    return block[: block.rfind(b"\n") + 1]


def count_items(lines: bytes) -> int:
    """Spans and log records in `lines`; a line that is not OTLP JSON holds none."""
    return sum(_count(line) for line in lines.splitlines() if line)


def unsent_blocks(path: Path, offset: int, aside: list[tuple[int, int]]) -> Iterator[bytes]:
    """What of `path` is not settled, block by block. Raises OSError."""
    for start, end in aside:
        yield read_block(path, start, end)
    while block := read_block(path, offset):
        yield block
        offset += len(block)


def _count(line: bytes) -> int:
    try:
        found = _decoder.decode(line)
    except msgspec.MsgspecError:
        return 0
    spans = sum(len(scope.spans) for resource in found.resource_spans for scope in resource.scope_spans)
    return spans + sum(len(scope.log_records) for resource in found.resource_logs for scope in resource.scope_logs)
