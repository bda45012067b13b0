"""Lines read back as protobuf: what OpenTelemetry's own encoder makes of the same spans and log records."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs as encode_logs_as_protobuf
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as encode_spans_as_protobuf
from opentelemetry.sdk._logs import LogRecordLimits, ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from agentops.store.encode import encode_spans
from agentops.store.encode_logs import encode_logs
from agentops.store.protobuf import Requests
from tests.unit.test_store_encode import _attributes, _spans, _value


def read(*lines: bytes) -> Requests:
    requests = Requests()
    for line in lines:
        requests.add(line)
    return requests


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_spans(), max_size=4))
def test_spans_arrive_as_their_own_encoder_would_send_them(spans: list[Any]) -> None:
    requests = read(encode_spans(spans))
    assert requests.unreadable == 0
    # As text: a NaN has many bit patterns.
    assert str(requests.traces) == str(encode_spans_as_protobuf(spans))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_value.filter(lambda value: value is not None), _attributes, st.sampled_from(SeverityNumber), st.booleans())
def test_log_records_arrive_as_their_own_encoder_would_send_them(
    body: Any, attributes: dict[str, Any], severity: SeverityNumber, placed: bool
) -> None:
    record = LogRecord(
        timestamp=5,
        observed_timestamp=6,
        severity_number=severity,
        severity_text="WARN",
        body=body,
        attributes=attributes,
        event_name="said" if placed else None,
    )
    if placed:
        record.trace_id, record.span_id = 2**127 + 5, 2**63 + 7
    whole = ReadableLogRecord(record, Resource({"a": 1}), InstrumentationScope("s", "1"), LogRecordLimits())
    requests = read(encode_logs([whole]))
    assert str(requests.logs) == str(encode_logs_as_protobuf([whole]))


def test_lines_that_cannot_be_read_cost_nobody_else() -> None:
    span = {"traceId": "01" * 16, "spanId": "02" * 8, "name": "x", "startTimeUnixNano": 5, "kind": 3, "later": {"field": [1]}}
    good = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()
    odd = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{**span, "traceId": "no hex"}]}]}]}).encode()
    wide = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{**span, "flags": 2**40}]}]}]}).encode()
    requests = read(good, b"", b" \n", good[:40], odd, wide, b"[1]", b"\xff", good)
    assert requests.unreadable == 5
    assert [each.scope_spans[0].spans[0].name for each in requests.traces.resource_spans] == ["x", "x"]
