"""What a receiver's answer means for what was sent, and one honest line for each way of losing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from agentops.export.outcomes import Outcome
from agentops_instrumentors.core.guard import warn_once

if TYPE_CHECKING:
    from agentops.export.http import Answer
    from agentops.export.parcels import OtlpParcel

ITEMS: Final = {"traces": "spans", "metrics": "metrics", "logs": "log records"}
PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which the same request may be taken. OTLP does not list 408 and 500, with which a backend answers while a part is away."""
_NOT_THERE: Final = frozenset({401, 403, 404, 405, 407})
"""Statuses that say nothing of what was sent, but that it was sent to the wrong place or with the wrong key."""
_SELDOM: Final = 60.0


class Answers:
    """Of one signal of a receiver, which is called `who` in messages; `check` names the variables that decide where it is.

    `keeps`: what is refused because of its place or its key is kept and tried again each minute, since it is on disk.
    """

    def __init__(self, who: str, signal: str, check: str, keeps: bool = False) -> None:
        self._who = who
        self._signal = signal
        self._check = check
        self._keeps = keeps

    def outcome(self, parcel: OtlpParcel, answer: Answer, url: str) -> Outcome:
        """What became of `parcel`."""
        if answer.ok:
            return Outcome(rejected=max(0, min(self._rejected(answer), parcel.items)))
        if answer.status in PASSING:
            # A request that breaks its receiver answers 500 for ever; it must not hold up the others.
            return self.later(f"{url}: HTTP {answer.status}", answer.retry_after, behind=answer.status == 500)
        if answer.status == 413:
            smaller = parcel.smaller()
            if smaller:
                return Outcome(parts=smaller)
        cause = f"HTTP {answer.status}"
        shown = f"it redirects to {answer.location or 'another place'}, which is not followed" if answer.redirects else cause
        if self._keeps and (answer.redirects or answer.status in _NOT_THERE):
            return self.refused(url, shown)
        return self.lost(cause, shown, url)

    def lost(self, cause: str, shown: str, url: str) -> Outcome:
        """Nothing of it will ever be taken."""
        dropped = "%s took no %s at %s: %s; they are dropped (said once). Check %s"
        warn_once(f"export:{self._who}:{self._signal}:{cause}", dropped, self._who, self._signal, url, shown, self._check)
        return Outcome(lost=cause)

    def refused(self, url: str, shown: str) -> Outcome:
        """It is not taken there or with that key, and kept."""
        kept = "%s took no %s at %s: %s; they are kept and tried again (said once). Check %s"
        warn_once(f"export:{self._who}:{self._signal}:{shown}", kept, self._who, self._signal, url, shown, self._check)
        return Outcome(later=shown, wait=_SELDOM)

    def later(self, cause: str, wait: float | None, behind: bool = False) -> Outcome:
        """It may be taken later."""
        kept = "%s takes nothing now, what is recorded is kept for later (said once): %s"
        warn_once(f"export:later:{cause}", kept, self._who, cause)
        return Outcome(later=cause, wait=wait, behind=behind)

    def _rejected(self, answer: Answer) -> int:
        """How many items a 2xx says were not taken after all; a warning in it is passed on."""
        count, message = partial_success(self._signal, answer.body)
        key, items = f"export:{self._who}:{self._signal}", ITEMS[self._signal]
        if count > 0:
            warn_once(f"{key}:rejected", "%s rejected %d %s: %s (said once)", self._who, count, items, message)
        elif message:
            warn_once(f"{key}:warned", "%s says of %s: %s (said once)", self._who, items, message)
        return count


def partial_success(signal: str, body: bytes) -> tuple[int, str]:
    """The number of rejected items in an export response, and its message; (0, "") where it holds none."""
    try:
        if signal == "traces":
            spans = ExportTraceServiceResponse.FromString(body).partial_success
            return spans.rejected_spans, spans.error_message
        if signal == "metrics":
            points = ExportMetricsServiceResponse.FromString(body).partial_success
            return points.rejected_data_points, points.error_message
        records = ExportLogsServiceResponse.FromString(body).partial_success
        return records.rejected_log_records, records.error_message
    except DecodeError:
        return 0, ""
