"""GenAI client metrics in one of two profiles that never mix, because a consumer summing both would count twice.

`published` (default): the names of the official 1.3b0 packages. `latest`: the conventions after #374 and #521.
Chosen by AGENTOPS_GENAI_METRICS. Metrics do not depend on sampling.
"""

from __future__ import annotations

import os
from collections import deque
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple
from weakref import WeakSet

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, NonRecordingSpan, SpanContext, set_span_in_context

from agentops_instrumentors.core import environment, semconv
from agentops_instrumentors.core.guard import swallowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Meter, Observation

    from agentops_instrumentors.core.operation import AttributeValue
    from agentops_instrumentors.core.usage import Usage

PROFILE_VARIABLE: Final = "AGENTOPS_GENAI_METRICS"
_COLLECTING: Final = "agentops.metrics.collecting"
_MOST_WAITING: Final = 256
_AT_A_TIME: Final = 128
"""Records made by one call on a full line: about a millisecond."""
_SLICE: Final = 64
_RECORDS_OF_ONE: Final = 3
_APART: Final = set_span_in_context(INVALID_SPAN, Context())
"""A context in no span: a record made in it offers no exemplar."""
_COUNTERS: Final = ("input_tokens", "output_tokens", "cache_read.input_tokens", "cache_write.input_tokens", "reasoning.output_tokens")
_INFERENCE: Final = frozenset({semconv.CHAT, semconv.TEXT_COMPLETION, "generate_content"})


class Profile(Enum):
    """Which generation of metric names is emitted."""

    PUBLISHED = "published"
    LATEST = "latest"


def profile() -> Profile:
    """The profile AGENTOPS_GENAI_METRICS asks for."""
    return Profile(environment.choice(PROFILE_VARIABLE, [p.value for p in Profile], Profile.PUBLISHED.value))


class Measured(NamedTuple):
    """One operation's measurements, and what names them. Seconds throughout."""

    operation: str
    seconds: float
    identity: dict[str, AttributeValue]
    """Attributes of every metric of the operation."""
    details: Mapping[str, AttributeValue]
    """Further attributes of its duration and tokens; the conventions do not give these to the times between chunks."""
    usage: Usage | None
    span: SpanContext
    to_first_chunk: float | None = None


class _Gaps(NamedTuple):
    """Seconds between some chunks of one stream; `longest` is the index of the wait that offers an exemplar."""

    seconds: list[float]
    identity: dict[str, AttributeValue]
    span: SpanContext
    longest: int


class Instruments:
    """The instruments of one instrumentor, and how one operation is recorded on them.

    A record on an SDK instrument costs more than most of what else is done for a call. So operations wait here and are
    recorded together: when metrics are collected, by the callback of an observable instrument, which the SDK runs first; or,
    where nobody collects for long, some at a time by the call that finds the line full.
    """

    __slots__ = (
        "__weakref__",
        "_counters",
        "_duration",
        "_first_chunk",
        "_inference_duration",
        "_input",
        "_output",
        "_per_chunk",
        "_profile",
        "_tokens",
        "_waiting",
    )

    def __init__(self, meter: Meter, chosen: Profile) -> None:
        latest = chosen is Profile.LATEST
        self._profile = chosen
        self._duration = _seconds(meter, semconv.METRIC_OPERATION_DURATION, "GenAI operation duration.")
        self._inference_duration = self._duration
        if latest:
            self._inference_duration = _seconds(meter, semconv.METRIC_INFERENCE_DURATION, "GenAI inference duration.")
        first = semconv.METRIC_INFERENCE_TIME_TO_FIRST_CHUNK if latest else semconv.METRIC_TIME_TO_FIRST_CHUNK
        each = semconv.METRIC_INFERENCE_TIME_PER_OUTPUT_CHUNK if latest else semconv.METRIC_TIME_PER_OUTPUT_CHUNK
        self._first_chunk = _seconds(meter, first, "Time until the first chunk of a stream.")
        self._per_chunk = _seconds(meter, each, "Time from one chunk of a stream to the next.")
        # All of them now: the SDK refuses a new instrument while it collects, which is when most records are made.
        self._counters = {name: _counter(meter, name) for name in _COUNTERS} if latest else {}
        if latest:
            self._input = _tokens(meter, semconv.METRIC_INFERENCE_INPUT_TOKENS, "Input tokens of one operation.")
            self._output = _tokens(meter, semconv.METRIC_INFERENCE_OUTPUT_TOKENS, "Output tokens of one operation.")
        else:
            self._tokens = _tokens(meter, semconv.METRIC_TOKEN_USAGE, "Tokens used, by type.")
        self._waiting: deque[Measured | _Gaps] = deque()
        meter.create_observable_gauge(_COLLECTING, [_record_all], description="No points: records what waits when it is asked.")
        _alive.add(self)

    def add(self, measured: Measured, arrivals: list[float]) -> None:
        """Take one operation, with the times at which a stream's chunks arrived; recorded at the latest when metrics are collected."""
        waiting = self._waiting
        waiting.append(measured)
        if len(arrivals) > 1:
            gaps = [later - earlier for earlier, later in pairwise(arrivals)]
            # An exemplar costs a sixth of a record, and the longest wait of a stream is the one worth finding: it alone offers one.
            longest = max(range(len(gaps)), key=gaps.__getitem__)
            for start in range(0, len(gaps), _SLICE):
                waiting.append(_Gaps(gaps[start : start + _SLICE], measured.identity, measured.span, longest - start))
        if len(waiting) > _MOST_WAITING:
            self.record(_AT_A_TIME)

    def record(self, about: int | None = None) -> None:
        """Record what waits, or, of much, `about` so many records."""
        done = 0
        while about is None or done < about:
            try:
                item = self._waiting.popleft()
            except IndexError:
                return
            try:
                done += self._gaps(item) if isinstance(item, _Gaps) else self._operation(item)
            except Exception as error:
                swallowed("metrics", error)

    def forget(self) -> None:
        """Drop what waits: in a forked child, because the parent records it."""
        self._waiting.clear()

    def _operation(self, measured: Measured) -> int:
        operation, seconds, identity, details, usage, span, to_first_chunk = measured
        context = set_span_in_context(NonRecordingSpan(span), _APART)
        attributes = {**identity, **details}
        instrument = self._inference_duration if operation in _INFERENCE else self._duration
        instrument.record(seconds, attributes, context=context)
        if to_first_chunk is not None:
            self._first_chunk.record(to_first_chunk, identity, context=context)
        if operation != semconv.FETCH_RESPONSE:
            self._count_tokens(operation, usage, attributes, context)
        return _RECORDS_OF_ONE

    def _gaps(self, gaps: _Gaps) -> int:
        record, identity = self._per_chunk.record, gaps.identity
        for index, seconds in enumerate(gaps.seconds):
            record(seconds, identity, context=set_span_in_context(NonRecordingSpan(gaps.span), _APART) if index == gaps.longest else _APART)
        return len(gaps.seconds)

    def _count_tokens(self, operation: str, usage: Usage | None, attributes: Mapping[str, AttributeValue], context: Context) -> None:
        """Record one operation's tokens; the newer counters also count an operation that reported none, as 0."""
        if self._profile is Profile.LATEST:
            if operation in _INFERENCE:
                self._usage_latest(usage, attributes, context)
            return
        if usage is None:
            return
        if usage.input_tokens is not None:
            self._tokens.record(usage.input_tokens, {**attributes, semconv.TOKEN_TYPE: "input"}, context=context)
        if usage.output_tokens is not None:
            self._tokens.record(usage.output_tokens, {**attributes, semconv.TOKEN_TYPE: "output"}, context=context)

    def _usage_latest(self, usage: Usage | None, attributes: Mapping[str, AttributeValue], context: Context) -> None:
        if usage is None or (usage.input_tokens is None and usage.output_tokens is None):
            for name in ("input_tokens", "output_tokens"):
                self._count(name, 0, "unknown", attributes, context)
            return
        if usage.input_tokens is not None:
            self._input.record(usage.input_tokens, attributes, context=context)
        if usage.output_tokens is not None:
            self._output.record(usage.output_tokens, attributes, context=context)
        split_in = {"audio": usage.audio_input, "image": usage.image_input}
        split_out = {"audio": usage.audio_output, "image": usage.image_output}
        self._by_modality("input_tokens", usage.input_tokens, split_in, attributes, context)
        self._by_modality("output_tokens", usage.output_tokens, split_out, attributes, context)
        self._by_modality("cache_read.input_tokens", usage.cache_read, {"audio": usage.audio_cache_read}, attributes, context)
        self._by_modality("cache_write.input_tokens", usage.cache_write, {}, attributes, context)
        self._by_modality("reasoning.output_tokens", usage.reasoning, {}, attributes, context)

    def _by_modality(
        self, name: str, total: int | None, split: Mapping[str, int | None], attributes: Mapping[str, AttributeValue], context: Context
    ) -> None:
        if total is None:
            return
        rest = total
        for modality, count in split.items():
            if count:
                rest -= count
                self._count(name, count, modality, attributes, context)
        if rest > 0 or rest == total:
            self._count(name, max(rest, 0), "text", attributes, context)

    def _count(self, name: str, amount: int, modality: str, attributes: Mapping[str, AttributeValue], context: Context) -> None:
        self._counters[name].add(amount, {**attributes, semconv.TOKEN_MODALITY: modality}, context=context)


_alive: Final[WeakSet[Instruments]] = WeakSet()


def _record_all(_options: CallbackOptions) -> Iterable[Observation]:
    # One callback for all: a second instrument of one name on one meter is the first, and its callback is never called.
    for instruments in tuple(_alive):
        instruments.record()
    return ()


def _forget_all() -> None:
    for instruments in tuple(_alive):
        instruments.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def _seconds(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(name, unit="s", description=description, explicit_bucket_boundaries_advisory=semconv.DURATION_BUCKETS)


def _counter(meter: Meter, name: str) -> Counter:
    return meter.create_counter(semconv.METRIC_INFERENCE_USAGE_PREFIX + name, unit="{token}")


def _tokens(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(name, unit="{token}", description=description, explicit_bucket_boundaries_advisory=semconv.TOKEN_BUCKETS)
