"""OTLP JSON as different exporters write it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from agentops_conformance.otlp import Collector, read
from agentops_conformance.values import Point, Resource, Scope, Telemetry

if TYPE_CHECKING:
    from pathlib import Path

RESOURCE = {"attributes": [{"key": "service.name", "value": {"stringValue": "acme"}}]}
SCOPE = {"name": "acme.genai", "version": "1"}


def collected(*documents: Any) -> Telemetry:
    collector = Collector()
    for number, document in enumerate(documents):
        collector.add(json.dumps(document).encode(), str(number))
    return collector.telemetry()


def spans(*made: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"resource": RESOURCE, "scopeSpans": [{"scope": SCOPE, "schemaUrl": "u", "spans": list(made)}]}]}


def metric(**kind: Any) -> dict[str, Any]:
    made = {"name": "m", "unit": "s", **kind}
    return {"resourceMetrics": [{"resource": RESOURCE, "scopeMetrics": [{"scope": SCOPE, "metrics": [made]}]}]}


@pytest.mark.parametrize(("kind", "code"), [(3, 2), ("SPAN_KIND_CLIENT", "STATUS_CODE_ERROR")], ids=["numbers", "names"])
def test_a_span_is_read_with_enums_as_numbers_or_names(kind: object, code: object) -> None:
    made = {"name": "chat", "kind": kind, "traceId": "AB", "spanId": "CD", "parentSpanId": "", "status": {"code": code, "message": "no"}}
    (span,) = collected(spans(made)).spans
    assert (span.kind, span.status, span.message, span.trace_id, span.span_id) == ("client", "error", "no", "ab", "cd")
    assert span.scope == Scope("acme.genai", "1", "u")


def test_values_of_all_kinds_are_read() -> None:
    values = {
        "text": {"stringValue": ""},
        "no": {"boolValue": False},
        "number": {"intValue": "7"},
        "small": {"doubleValue": 0.5},
        "bytes": {"bytesValue": "aGk="},
        "list": {"arrayValue": {"values": [{"intValue": 1}, {}]}},
        "map": {"kvlistValue": {"values": [{"key": "a", "value": {"stringValue": "b"}}]}},
        "nothing": {},
    }
    (span,) = collected(spans({"attributes": [{"key": key, "value": value} for key, value in values.items()]})).spans
    assert span.attributes == {
        "text": "", "no": False, "number": 7, "small": 0.5, "bytes": b"hi", "list": [1, None], "map": {"a": "b"}, "nothing": None
    }  # fmt: skip
    assert collected(spans({"attributes": [{"key": "bare"}]})).spans[0].attributes == {"bare": None}


@pytest.mark.parametrize(
    ("kind", "instrument", "point"),
    [
        ({"sum": {"isMonotonic": True, "dataPoints": [{"asInt": "7"}]}}, "counter", Point({}, 7.0)),
        ({"sum": {"dataPoints": [{"asDouble": 0.5}]}}, "updowncounter", Point({}, 0.5)),
        ({"gauge": {"dataPoints": [{"asInt": 0}]}}, "gauge", Point({}, 0.0)),
        (
            {"histogram": {"dataPoints": [{"count": "2", "sum": 3.5, "explicitBounds": [1, "2.5"], "bucketCounts": ["0", "1", "1"]}]}},
            "histogram",
            Point({}, 3.5, 2, (1.0, 2.5)),
        ),
        ({"exponentialHistogram": {"dataPoints": [{"count": 1, "sum": 2}]}}, "histogram", Point({}, 2.0, 1)),
        ({"summary": {"dataPoints": [{"count": 1, "sum": 2, "quantileValues": []}]}}, "summary", Point({}, 2.0, 1)),
    ],
)
def test_metrics_of_all_kinds_are_read(kind: dict[str, Any], instrument: str, point: Point) -> None:
    (read_back,) = collected(metric(**kind)).metrics
    assert (read_back.name, read_back.unit, read_back.instrument, read_back.points) == ("m", "s", instrument, (point,))
    assert read_back.scope == Scope("acme.genai", "1")
    assert read_back.resource == Resource({"service.name": "acme"})


def test_a_log_record_is_read() -> None:
    record = {"eventName": "e", "severityNumber": 5, "body": {"stringValue": "b"}, "traceId": "AB", "spanId": "CD", "attributes": []}
    (event,) = collected({"resourceLogs": [{"scopeLogs": [{"scope": SCOPE, "logRecords": [record]}]}]}).records
    assert (event.name, event.severity, event.body, event.trace_id, event.span_id) == ("e", 5, "b", "ab", "cd")


def test_a_resource_that_sends_often_is_one(tmp_path: Path) -> None:
    assert len(collected(spans({}), spans({}), metric()).resources) == 1


def test_files_hold_lines_or_one_document_and_folders_hold_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(spans({})) + "\n\n" + json.dumps(spans({}, {})) + "\n")
    (tmp_path / "b.jsonl").write_text(json.dumps(spans({}), indent=2))
    assert len(read([tmp_path]).spans) == 4


def test_what_cannot_be_read_is_said_with_its_place_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    wrong = spans({}, {"kind": 77}), spans({"kind": "SPAN_KIND_ODD"}), metric(gauge={"dataPoints": [{"asInt": "x"}]}), []
    file.write_text("\n".join(["{not json", *map(json.dumps, wrong)]))
    telemetry = read([file])
    assert telemetry.spans == telemetry.metrics == ()
    assert [line.partition(": ")[0] for line in telemetry.unreadable] == [f"{file}:{number}" for number in range(1, 6)]
