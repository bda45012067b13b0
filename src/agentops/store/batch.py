"""What the writer takes from its queue at once, as lines."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import ReadableSpan

from agentops.store.encode import encode_open_root, encode_session_start, encode_spans
from agentops.store.encode_logs import encode_logs
from agentops.store.records import OpenRoot, SessionStart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.sdk._logs import ReadableLogRecord

    Item = ReadableSpan | ReadableLogRecord | SessionStart | OpenRoot


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines without their ends, and what is in them; `records` counts log records."""

    lines: list[bytes]
    starts: list[SessionStart]
    spans: list[ReadableSpan]
    records: int

    def traces(self) -> Iterator[int]:
        """Ids of the traces in it."""
        yield from (start.trace_id for start in self.starts)
        yield from (context.trace_id for span in self.spans if (context := span.get_span_context()) is not None)


def encode_batch(items: list[Item], first_time: Callable[[int, int], bool] | None) -> Batch:
    """`items` as lines, without spans whose trace and span id are not there for the `first_time`."""
    starts: list[SessionStart] = []
    spans: list[ReadableSpan] = []
    records: list[ReadableLogRecord] = []
    lines: list[bytes] = []
    for item in items:
        if isinstance(item, ReadableSpan):
            context = item.get_span_context()
            if first_time is None or context is None or first_time(context.trace_id, context.span_id):
                spans.append(item)
        elif isinstance(item, SessionStart):
            starts.append(item)
            lines.append(encode_session_start(item, os.getpid()))
        elif isinstance(item, OpenRoot):
            lines.append(encode_open_root(item))
        else:
            records.append(item)
    if spans:
        lines.append(encode_spans(spans))
    if records:
        lines.append(encode_logs(records))
    return Batch(lines, starts, spans, len(records))
