"""Measurements that wait for their collection, because one record on an SDK instrument costs as much as half a span.

They are recorded together when metrics are collected, by the callback of an observable instrument, which the SDK runs first;
or, where nobody collects for long, some at a time by the call that finds the line full.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan, SpanContext, set_span_in_context

from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation

    from agentops_instrumentors.core.operation import AttributeValue

MOST: Final = 512
"""Items that wait at most."""
_COLLECTING: Final = "agentops.metrics.collecting"
_AT_A_TIME: Final = 128
"""Records made by a call that finds the line full: about a millisecond."""
_NO_SPAN: Final = set_span_in_context(INVALID_SPAN, Context())

_line: Final[deque[tuple[Callable[..., int], tuple[Any, ...]]]] = deque()


def collect_with(meter: Meter) -> None:
    """Have what waits recorded first whenever metrics of `meter`'s provider are collected."""
    meter.create_observable_gauge(_COLLECTING, [_record_all], description="No points: records what waits when it is asked.")


def later(record: Callable[..., int], *measurement: Any) -> None:
    """Call `record(*measurement)` at the latest when metrics are collected; it returns how many records it made."""
    _line.append((record, measurement))
    if len(_line) > MOST:
        record_waiting(_AT_A_TIME)


def on_histogram(histogram: Histogram, value: float, attributes: Mapping[str, AttributeValue], span: SpanContext) -> int:
    """One record, for `later`."""
    histogram.record(value, attributes, context=measured_in(span))
    return 1


def record_waiting(about: int | None = None) -> None:
    """Record what waits; of a long line about `about` records."""
    done = 0
    while about is None or done < about:
        try:
            record, measurement = _line.popleft()
        except IndexError:
            return
        try:
            done += record(*measurement)
        except Exception as error:
            swallowed("metrics", error)


def waiting() -> int:
    """How many items wait."""
    return len(_line)


def measured_in(span: SpanContext | None) -> Context:
    """A context for a record made later: the measurement's span may be its exemplar, without being kept alive until then."""
    return _NO_SPAN if span is None else set_span_in_context(NonRecordingSpan(span), _NO_SPAN)


def _record_all(_options: CallbackOptions) -> Iterable[Observation]:
    record_waiting()
    return ()


if hasattr(os, "register_at_fork"):
    # The parent records what waited when it forked.
    os.register_at_fork(after_in_child=_line.clear)
