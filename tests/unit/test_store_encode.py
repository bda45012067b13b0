"""The store's encoder against the protobuf encoder of OpenTelemetry, field by field."""

from __future__ import annotations

import json
import math
from base64 import b64decode

import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as encode_protobuf
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from agentops.store.encode import encode_session_start, encode_spans
from agentops.store.otlp import decode_line
from agentops.store.records import SessionStart

_IDS = {"traceId", "spanId", "parentSpanId"}


def _hexed(value):
    if isinstance(value, dict):
        return {key: b64decode(item).hex() if key in _IDS else _hexed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hexed(item) for item in value]
    return value


def _expected(spans):
    return _hexed(json_format.MessageToDict(encode_protobuf(spans), use_integers_for_enums=True))


def _context(remote=False, state=()):
    return SpanContext(2**127 + 5, 2**63 + 7, remote, TraceFlags(1), TraceState(list(state)))


def _span(**values):
    given = {"name": "s", "context": _context(), "resource": Resource({"service.name": "x"}), "start_time": 1, "end_time": 2**62}
    return ReadableSpan(**{**given, **values})


_text = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
_int64 = st.integers(-(2**63), 2**63 - 1)
_scalar = st.none() | st.booleans() | _int64 | st.floats() | _text | st.binary(max_size=6)
_value = st.recursive(_scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3), max_leaves=6)
_attributes = st.dictionaries(_text, _value, max_size=4)
_times = st.none() | st.integers(0, 2**63 - 1)


@st.composite
def _spans(draw):
    scope = st.builds(
        InstrumentationScope, _text, st.none() | _text, st.sampled_from(["", "https://schema/1"]), st.none() | st.just({"k": "v"})
    )
    return _span(
        name=draw(_text),
        context=_context(state=draw(st.sampled_from([(), (("a", "1"), ("b", "2"))]))),
        parent=draw(st.none() | st.booleans().map(_context)),
        resource=Resource(draw(st.dictionaries(st.sampled_from("ab"), _int64 | _text)), draw(st.sampled_from(["", "https://schema/2"]))),
        attributes=draw(_attributes),
        events=[Event(draw(_text), draw(_attributes), draw(st.integers(1, 2**62))) for _ in range(draw(st.integers(0, 2)))],
        links=[Link(_context(draw(st.booleans())), draw(_attributes)) for _ in range(draw(st.integers(0, 2)))],
        kind=draw(st.sampled_from(SpanKind)),
        status=draw(st.sampled_from([Status(), Status(StatusCode.OK), Status(StatusCode.ERROR), Status(StatusCode.ERROR, "why")])),
        start_time=draw(_times),
        end_time=draw(_times),
        instrumentation_scope=draw(st.none() | scope),
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_spans(), max_size=4))
def test_equals_the_protobuf_encoder(spans):
    written = json.loads(encode_spans(spans))
    expected = _expected(spans) or {"resourceSpans": []}
    assert json.dumps(written, sort_keys=True) == json.dumps(expected, sort_keys=True)


def test_equals_the_protobuf_encoder_for_what_the_sdk_dropped():
    memory = InMemorySpanExporter()
    limits = SpanLimits(max_span_attributes=1, max_events=1, max_links=1, max_event_attributes=1, max_link_attributes=1)
    provider = TracerProvider(span_limits=limits)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    two = {"a": 1, "b": 2}
    span = provider.get_tracer("t").start_span("s", attributes=two, links=[Link(_context(), two), Link(_context(), two)])
    span.add_event("one", two)
    span.add_event("two", two)
    span.end()
    written = json.loads(encode_spans(memory.get_finished_spans()))
    assert written == _expected(memory.get_finished_spans())
    encoded = written["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert encoded["droppedAttributesCount"] == encoded["droppedEventsCount"] == encoded["droppedLinksCount"] == 1
    assert encoded["events"][0]["droppedAttributesCount"] == 1


def test_reads_back_what_it_wrote():
    attributes = {"t": True, "i": 2**62, "f": 0.5, "n": math.inf, "s": "é", "b": b"\0", "l": [1, "x"], "m": {"k": None}}
    spans, _ = decode_line(encode_spans([_span(attributes=attributes, status=Status(StatusCode.ERROR, "why"))]))
    assert spans[0].attributes == attributes
    assert (spans[0].failed, spans[0].status_message, spans[0].end) == (True, "why", 2**62)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("a\ud800b", "a\ufffdb"),
        ("\ud83d\ude00", "\N{GRINNING FACE}"),
        (2**64, str(2**64)),
        ({"k\udfff": ["\udfff"]}, {"k\ufffd": ["\ufffd"]}),
    ],
)
def test_odd_values_are_kept_as_near_as_json_allows(value, kept):
    spans, _ = decode_line(encode_spans([_span(attributes={"odd": value}), _span(name="beside\ud800")]))
    assert [span.name for span in spans] == ["s", "beside\ufffd"]
    assert spans[0].attributes == {"odd": kept}


def test_a_value_that_fails_costs_neither_its_span_nor_the_batch():
    class Hostile:
        def __str__(self):
            raise RuntimeError("no")

    spans, _ = decode_line(encode_spans([_span(attributes={"bad": Hostile(), "good": 1}), _span()]))
    assert spans[0].attributes == {"bad": "<test_a_value_that_fails_costs_neither_its_span_nor_the_batch.<locals>.Hostile>", "good": 1}
    assert len(spans) == 2


def test_a_session_start_is_valid_otlp_logs():
    start = SessionStart(5, 7, "agentops.session", 123, {"agentops.span.kind": "session", "agentops.tags": ["a"]})
    line = json.loads(encode_session_start(start, 42))
    record = json_format.ParseDict(line, LogsData()).resource_logs[0].scope_logs[0].log_records[0]
    assert (record.event_name, record.time_unix_nano) == ("agentops.session.start", 123)
    attributes = {pair.key for pair in record.attributes}
    assert attributes == {"agentops.span.kind", "agentops.tags", "agentops.session.name", "process.pid"}
