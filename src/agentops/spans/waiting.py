"""Measurements that wait for their collection, because a record on an SDK instrument costs as much as a span.

They are recorded together when metrics are collected, by the callback of an observable instrument, which the SDK runs first; or,
where nobody collects for long, some at a time by the call that finds the line full.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context

from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation
    from opentelemetry.util.types import AttributeValue

_COLLECTING: Final = "agentops.metrics.collecting"
_MOST: Final = 256
_AT_A_TIME: Final = 64

_waiting: Final[deque[tuple[Histogram, float, dict[str, AttributeValue], SpanContext]]] = deque()


def collect_with(meter: Meter) -> None:
    """Have what waits recorded whenever metrics of `meter`'s provider are collected."""
    meter.create_observable_gauge(_COLLECTING, [_record_all], description="No points: records what waits when it is asked.")


def later(histogram: Histogram, value: float, attributes: dict[str, AttributeValue], span: SpanContext) -> None:
    """Record `value` on `histogram`, measured in `span`, at the latest when metrics are collected."""
    _waiting.append((histogram, value, attributes, span))
    if len(_waiting) > _MOST:
        _record(_AT_A_TIME)


def _record(most: int | None) -> None:
    done = 0
    while most is None or done < most:
        try:
            histogram, value, attributes, span = _waiting.popleft()
        except IndexError:
            return
        done += 1
        try:
            histogram.record(value, attributes, context=set_span_in_context(NonRecordingSpan(span), Context()))
        except Exception as error:
            swallowed("metrics", error)


def _record_all(_options: CallbackOptions) -> Iterable[Observation]:
    _record(None)
    return ()


if hasattr(os, "register_at_fork"):
    # The parent records what waited when it forked.
    os.register_at_fork(after_in_child=_waiting.clear)
