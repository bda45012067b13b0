"""A session as the store tells it: the spans of one trace, summed up."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, cast
from uuid import UUID

from agentops.store.otlp import StoredRecord, StoredSpan, Value
from agentops.store.paths import process_alive
from agentops.store.records import OF_THE_RECORD, PROCESS_PID, PROCESS_VANISHED, SESSION_NAME
from agentops_instrumentors.core import semconv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

State = Literal["Success", "Fail", "Indeterminate"]

INFERENCE: Final = frozenset({semconv.CHAT, semconv.TEXT_COMPLETION, "generate_content"})
MODEL_CALLS: Final = INFERENCE | {semconv.EMBEDDINGS}
_DEFAULT_SESSION: Final = "agentops.session"
_NANO: Final = 1e9


@dataclass(frozen=True, slots=True)
class StoredSession:
    """One session. Times in nanoseconds since the epoch, `duration` in seconds.

    `end` and `duration` are None while the session runs; `llm_calls` counts inference and embeddings spans, and tokens and
    costs are theirs alone; `errors` counts spans of status ERROR; `run` names the process that recorded it.
    `logs` are read with the content only; `last_heartbeat` is the last sign of life of a process that vanished before it ended the
    session, None otherwise.
    """

    trace_id: str
    name: str
    state: State
    reason: str
    start: int
    end: int | None
    spans: tuple[StoredSpan, ...]
    root: StoredSpan
    llm_calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    costs: Mapping[str, float]
    errors: int
    tags: tuple[str, ...]
    pid: int
    run: str
    running: bool
    logs: tuple[StoredRecord, ...] = ()
    last_heartbeat: int | None = None

    @property
    def session_id(self) -> str:
        """The trace id as a UUID."""
        return str(UUID(hex=self.trace_id))

    @property
    def duration(self) -> float | None:
        """Seconds from start to end."""
        return None if self.end is None else (self.end - self.start) / _NANO


def build_session(trace_id: str, recorded: Sequence[StoredSpan], record: StoredRecord | None, run: str, pid: int) -> StoredSession:
    """Sum up one trace of at least one span or a start record."""
    spans = sorted(recorded, key=lambda span: (span.start, span.span_id))
    if record is not None:
        pid = _integer(record.attributes.get(PROCESS_PID)) or pid
    open_record = record if record is not None and all(span.span_id != record.span_id for span in spans) else None
    if open_record is not None:
        spans.insert(0, _reconstructed(open_record, spans))
    root = _root(spans, record)
    running = open_record is not None and process_alive(pid, open_record.time / _NANO)
    vanished = PROCESS_VANISHED if open_record is not None and not running else ""
    calls = counted_calls(spans)
    return StoredSession(
        trace_id=trace_id,
        name=_name(root),
        state=_state(root),
        reason=_string(root.attributes.get(semconv.SESSION_END_STATE_REASON)) or vanished,
        start=min(span.start for span in spans),
        end=None if running else _end(root, spans),
        spans=tuple(spans),
        root=root,
        llm_calls=len(calls),
        input_tokens=sum(tokens(span, semconv.USAGE_INPUT_TOKENS) for span in calls),
        output_tokens=sum(tokens(span, semconv.USAGE_OUTPUT_TOKENS) for span in calls),
        cached_tokens=sum(tokens(span, semconv.USAGE_CACHE_READ_INPUT_TOKENS) for span in calls),
        costs=_costs(calls),
        errors=sum(span.failed for span in spans),
        tags=_tags(root.attributes),
        pid=pid,
        run=run,
        running=running,
    )


def operation(span: StoredSpan) -> str:
    """`gen_ai.operation.name`, empty for a span that is not GenAI."""
    return _string(span.attributes.get(semconv.OPERATION_NAME))


def tokens(span: StoredSpan, attribute: str) -> int:
    """A token count of the span, 0 where it has none."""
    return _integer(span.attributes.get(attribute))


def cost(span: StoredSpan) -> tuple[float, str] | None:
    """Amount and currency of the span's cost; None where it is not known."""
    amount = span.attributes.get(semconv.COST_AMOUNT)
    if isinstance(amount, bool) or not isinstance(amount, (int, float)):
        return None
    return float(amount), _string(span.attributes.get(semconv.COST_CURRENCY)) or "USD"


def counted_calls(spans: Sequence[StoredSpan]) -> list[StoredSpan]:
    """The model calls, each counted once: a call that two instrumentations saw is a call inside a call, and the outer one counts."""
    calls = {span.span_id: span for span in spans if operation(span) in MODEL_CALLS}
    return [span for span in calls.values() if not _has_usage(calls.get(span.parent_id))]


def _has_usage(span: StoredSpan | None) -> bool:
    return span is not None and (semconv.USAGE_INPUT_TOKENS in span.attributes or semconv.USAGE_OUTPUT_TOKENS in span.attributes)


def _reconstructed(record: StoredRecord, spans: Sequence[StoredSpan]) -> StoredSpan:
    attributes = {key: value for key, value in record.attributes.items() if key not in OF_THE_RECORD}
    workflow = _string(attributes.get(semconv.WORKFLOW_NAME))
    return StoredSpan(
        trace_id=record.trace_id,
        span_id=record.span_id,
        parent_id="",
        name=f"{semconv.INVOKE_WORKFLOW} {workflow}" if workflow else _string(record.attributes.get(SESSION_NAME)) or _DEFAULT_SESSION,
        kind=1,
        start=record.time,
        end=max([record.time, *(span.end for span in spans)]),
        status_code=0,
        status_message="",
        scope="",
        attributes=attributes,
        reconstructed=True,
    )


def _root(spans: Sequence[StoredSpan], record: StoredRecord | None) -> StoredSpan:
    """The start record's span, else a session without a parent, else any span without one, else the earliest of an absent parent."""
    known = {span.span_id for span in spans}
    recorded_id = record.span_id if record is not None else ""

    def rank(span: StoredSpan) -> int:
        if span.span_id == recorded_id:
            return 0
        is_session = span.attributes.get(semconv.SPAN_KIND) == "session"
        if not span.parent_id:
            return 1 if is_session else 2
        if is_session:
            return 3
        return 4 if span.parent_id not in known else 5

    return min(spans, key=rank)


def _name(root: StoredSpan) -> str:
    workflow = _string(root.attributes.get(semconv.WORKFLOW_NAME))
    return workflow or ("default" if root.name == _DEFAULT_SESSION else root.name)


def _state(root: StoredSpan) -> State:
    state = root.attributes.get(semconv.SESSION_END_STATE)
    return cast("State", state) if state in {"Success", "Fail"} else "Indeterminate"


def _end(root: StoredSpan, spans: Sequence[StoredSpan]) -> int:
    return max(span.end for span in spans) if root.parent_id else root.end


def _costs(calls: Sequence[StoredSpan]) -> dict[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for span in calls:
        priced = cost(span)
        if priced is not None:
            sums[priced[1]] += priced[0]
    return dict(sums)


def _tags(attributes: Mapping[str, Value]) -> tuple[str, ...]:
    listed = attributes.get(semconv.TAGS)
    tags = [str(tag) for tag in listed] if isinstance(listed, list) else []
    tags += [f"{key[len(semconv.TAG_PREFIX) :]}={value}" for key, value in attributes.items() if key.startswith(semconv.TAG_PREFIX)]
    return tuple(tags)


def _string(value: Value) -> str:
    return value if isinstance(value, str) else ""


def _integer(value: Value) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
