"""OpenTelemetry Weaver's live check over telemetry that was read, and its findings beside ours.

Weaver is a program of its own: https://github.com/open-telemetry/weaver. It takes samples in its own JSON and reports in its own JSON.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agentops_conformance.values import Attributes, Event, Finding, Metric, Point, Span, Telemetry, Value
    from agentops_conformance.vocabulary import OwnSection, Vocabulary

Json = dict[str, Any]

SHARED: Final = frozenset(
    {
        "missing_attribute",
        "template_attribute",
        "missing_metric",
        "missing_event",
        "deprecated",
        "type_mismatch",
        "not_stable",
        "unit_mismatch",
        "unexpected_instrument",
        "undefined_enum_variant",
        "required_attribute_not_present",
        "recommended_attribute_not_present",
        "opt_in_attribute_not_present",
        "conditionally_required_attribute_not_present",
        "entity_required_attribute_not_present",
        "entity_recommended_attribute_not_present",
        "entity_opt_in_attribute_not_present",
        "entity_conditionally_required_attribute_not_present",
        "entity_association_not_satisfied",
        "missing_namespace",
        "invalid_format",
        "illegal_namespace",
        "extends_namespace",
    }
)
"""Findings that Weaver and we both make; the rest of ours goes beyond it."""
_REPORT: Final = "live_check.json"
_TIMEOUT_SECONDS: Final = 600


class WeaverError(RuntimeError):
    """Weaver is not there, or did not report; the text says what to do."""


@dataclass(frozen=True, slots=True, order=True)
class Said:
    """A finding as both make it. `name` is that of a metric or an event, empty for other signals."""

    id: str
    level: str
    signal: str
    name: str
    attribute: str

    def __str__(self) -> str:
        about = " ".join(word for word in (self.name, self.attribute) if word)
        return f"{self.level}  {self.id}  {self.signal}: {about}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Findings of both and of one alone. `outside` is how many of Weaver's are about names that only our own registry section has."""

    both: tuple[Said, ...]
    weaver_only: tuple[Said, ...]
    ours_only: tuple[Said, ...]
    outside: int


def registry_of(vocabulary: Vocabulary) -> str:
    """The registry our extract was made from, as Weaver takes it."""
    meta = vocabulary.meta
    return f"https://github.com/{meta['repository']}.git@{meta['commit']}[model]"


def executable() -> str:
    """Weaver's path. Raises WeaverError where it is not there."""
    weaver = shutil.which("weaver")
    if weaver is None:
        raise WeaverError(
            "weaver is not on PATH. Download its release for this machine from https://github.com/open-telemetry/weaver/releases, put the "
            "binary on PATH and try again."
        )
    return weaver


def live_check(telemetry: Telemetry, registry: str) -> list[Said]:
    """Run `weaver registry live-check` from the path on this telemetry. Raises WeaverError."""
    weaver = executable()
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder, "samples.json")
        given.write_text(json.dumps(list(samples(telemetry))), encoding="utf-8")
        source = ["--registry", registry, "--input-source", str(given), "--input-format", "json"]
        command = [weaver, "registry", "live-check", *source, "--no-stream", "--format", "json", "--output", folder]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise WeaverError(f"weaver did not run to its end: {error}") from error
        try:
            # Its exit code tells violations as well as failures; a report tells them apart.
            return list(findings(json.loads(Path(folder, _REPORT).read_bytes())))
        except (OSError, ValueError) as error:
            raise WeaverError(f"weaver made no report ({error}); it said:\n{done.stdout}{done.stderr}") from error


def findings(report: object) -> Iterator[Said]:
    """Every finding in a report of Weaver's, at whichever depth it stands."""
    if isinstance(report, list):
        for item in cast("list[object]", report):
            yield from findings(item)
    elif isinstance(report, dict):
        for key, value in cast("Json", report).items():
            if key == "live_check_result":
                advised = cast("Json", value or {}).get("all_advice", ())
                yield from (_said_by_weaver(advice) for advice in cast("Sequence[Json]", advised))
            else:
                yield from findings(value)


def said(found: Iterable[Finding]) -> list[Said]:
    """Our findings in the form of both."""
    return [
        Said(each.id, each.level.value, each.signal_type, _named(each.signal_type, each.signal_name), each.context.get("attribute_key", ""))
        for each in found
    ]


def compare(ours: Sequence[Said], weavers: Sequence[Said], own: OwnSection) -> Comparison:
    """Which of the shared findings are whose. How often each was made is not compared: Weaver counts points, we count metrics."""
    mine = {each for each in ours if each.id in SHARED and not _outside(each, own)}
    inside = [each for each in weavers if not _outside(each, own)]
    theirs = set(inside)
    return Comparison(tuple(sorted(mine & theirs)), tuple(sorted(theirs - mine)), tuple(sorted(mine - theirs)), len(weavers) - len(inside))


def samples(telemetry: Telemetry) -> Iterator[Json]:
    """The telemetry as Weaver's samples, resources first."""
    for resource in telemetry.resources:
        yield {"resource": {"attributes": _attributes(resource.attributes)}}
    for span in telemetry.spans:
        yield {"span": _span(span)}
    for metric in telemetry.metrics:
        yield {"metric": _metric(metric)}
    for record in telemetry.records:
        yield {"log": _log(record)}


def _span(span: Span) -> Json:
    return {
        "name": span.name,
        "kind": "internal" if span.kind == "unspecified" else span.kind,
        "status": {"code": span.status, "message": span.message},
        "attributes": _attributes(span.attributes),
        "span_events": [{"name": event.name, "attributes": _attributes(event.attributes)} for event in span.events],
    }


def _metric(metric: Metric) -> Json:
    point = _histogram_point if metric.instrument == "histogram" else _number_point
    points = [point(each) for each in metric.points]
    return {"name": metric.name, "unit": metric.unit, "instrument": metric.instrument, "data_points": points}


def _number_point(point: Point) -> Json:
    return {"attributes": _attributes(point.attributes), "value": point.value}


def _histogram_point(point: Point) -> Json:
    bounds = list(point.buckets or ())
    return {"attributes": _attributes(point.attributes), "count": point.count, "sum": point.value, "explicit_bounds": bounds}


def _log(record: Event) -> Json:
    body = record.body if isinstance(record.body, str) or record.body is None else json.dumps(record.body, default=str)
    return {
        "event_name": record.name,
        "severity_number": record.severity,
        "body": body,
        "attributes": _attributes(record.attributes),
    }


def _attributes(attributes: Attributes) -> list[Json]:
    return [{"name": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: Value) -> object:
    return b64encode(value).decode() if isinstance(value, bytes) else value


def _said_by_weaver(advice: Json) -> Said:
    context = cast("Json", advice.get("context") or {})
    signal = str(advice.get("signal_type") or "")
    attribute = str(context.get("attribute_key") or context.get("attribute_name") or "")
    return Said(str(advice["id"]), str(advice["level"]), signal, _named(signal, str(advice.get("signal_name") or "")), attribute)


def _named(signal: str, name: str) -> str:
    return name if signal in {"metric", "log"} else ""


def _outside(each: Said, own: OwnSection) -> bool:
    return each.attribute in own.attributes or each.name in own.events or each.name in own.metrics
