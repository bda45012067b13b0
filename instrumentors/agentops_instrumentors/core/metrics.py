"""GenAI client metrics in one of two profiles that never mix, because a consumer summing both would count twice.

`published` (default): the names of the official 1.3b0 packages. `latest`: the conventions after #374 and #521.
Chosen by AGENTOPS_GENAI_METRICS. Metrics do not depend on sampling.
"""

from __future__ import annotations

from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from agentops_instrumentors.core import environment, semconv, waiting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.metrics import Counter, Histogram, Meter
    from opentelemetry.trace import SpanContext

    from agentops_instrumentors.core.operation import AttributeValue
    from agentops_instrumentors.core.usage import Usage

PROFILE_VARIABLE: Final = "AGENTOPS_GENAI_METRICS"
_SLICE: Final = 64
"""Chunks recorded in one go, so that a long stream does not hold up the call that records it."""
_RECORDS_OF_ONE: Final = 3
_COUNTERS: Final = ("input_tokens", "output_tokens", "cache_read.input_tokens", "cache_write.input_tokens", "reasoning.output_tokens")
_INFERENCE: Final = frozenset({semconv.CHAT, semconv.TEXT_COMPLETION, semconv.GENERATE_CONTENT})


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
    answered_by: str | None = None
    """The model that answered: it joins `identity` later, where the operation is recorded."""
    error_type: str | None = None

    def named(self) -> dict[str, AttributeValue]:
        """Attributes of every metric, with the model that answered."""
        return {**self.identity, semconv.RESPONSE_MODEL: self.answered_by} if self.answered_by else self.identity


class Instruments:
    """The instruments of one instrumentor, and how one operation is recorded on them."""

    __slots__ = (
        "_counters",
        "_duration",
        "_first_chunk",
        "_inference_duration",
        "_input",
        "_output",
        "_per_chunk",
        "_profile",
        "_tokens",
        "tool_duration",
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
        self.tool_duration = _seconds(meter, semconv.METRIC_EXECUTE_TOOL_DURATION, "Duration of tool executions.")
        waiting.collect_with(meter)

    def add(self, measured: Measured, arrivals: list[float]) -> None:
        """Take one operation, with the times at which a stream's chunks arrived; recorded at the latest when metrics are collected."""
        waiting.later(self._operation, measured)
        for start in range(0, len(arrivals) - 1, _SLICE):
            waiting.later(self._gaps, arrivals[start : start + _SLICE + 1], measured)

    def _operation(self, measured: Measured) -> int:
        operation, identity = measured.operation, measured.named()
        context = waiting.measured_in(measured.span)
        attributes = {**identity, **measured.details}
        if measured.error_type is not None:
            attributes[semconv.ERROR_TYPE] = measured.error_type
        instrument = self._inference_duration if operation in _INFERENCE else self._duration
        instrument.record(measured.seconds, attributes, context=context)
        if measured.to_first_chunk is not None:
            self._first_chunk.record(measured.to_first_chunk, identity, context=context)
        if operation != semconv.FETCH_RESPONSE:
            # Tokens offer no exemplar: the duration's, of the same span, leads to them.
            self._count_tokens(operation, measured.usage, attributes, waiting.measured_in(None))
        return _RECORDS_OF_ONE

    def _gaps(self, arrivals: list[float], measured: Measured) -> int:
        record, identity, apart = self._per_chunk.record, measured.named(), waiting.measured_in(None)
        gaps = [later - earlier for earlier, later in pairwise(arrivals)]
        # An exemplar costs a sixth of a record, and the longest wait is the one worth finding: it alone offers one.
        longest = max(gaps)
        for seconds in gaps:
            record(seconds, identity, context=waiting.measured_in(measured.span) if seconds == longest else apart)
        return len(gaps)

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


def _seconds(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(name, unit="s", description=description, explicit_bucket_boundaries_advisory=semconv.DURATION_BUCKETS)


def _counter(meter: Meter, name: str) -> Counter:
    return meter.create_counter(semconv.METRIC_INFERENCE_USAGE_PREFIX + name, unit="{token}")


def _tokens(meter: Meter, name: str, description: str) -> Histogram:
    return meter.create_histogram(name, unit="{token}", description=description, explicit_bucket_boundaries_advisory=semconv.TOKEN_BUCKETS)
