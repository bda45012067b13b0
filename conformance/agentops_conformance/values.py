"""What is checked and what is found, as frozen values. Names are OTLP's in lower case, ids lower-case hex."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

Value = str | bool | int | float | bytes | list["Value"] | dict[str, "Value"] | None
Attributes = Mapping[str, Value]


class Level(Enum):
    """How bad a finding is; only a violation fails a check."""

    INFORMATION = "information"
    IMPROVEMENT = "improvement"
    VIOLATION = "violation"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a rule found. `signal_type` is span, log, metric or resource; `context` holds `attribute_key` where there is one."""

    id: str
    level: Level
    signal_type: str
    signal_name: str
    context: Mapping[str, str]
    message: str

    def __str__(self) -> str:
        return f"{self.level.value}  {self.id}  {self.signal_type} {self.signal_name!r}: {self.message}"


@dataclass(frozen=True, slots=True)
class Scope:
    """The instrumentation that made something."""

    name: str = ""
    version: str = ""
    schema_url: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """Where telemetry comes from."""

    attributes: Attributes = field(default_factory=dict[str, Value])


@dataclass(frozen=True, slots=True)
class Event:
    """A log record, or an event of a span. `name` is empty for a plain log record, `severity` OTLP's number, 0 for none."""

    name: str
    attributes: Attributes
    trace_id: str = ""
    span_id: str = ""
    severity: int = 0
    body: Value = None
    scope: Scope = Scope()
    resource: Resource = field(default_factory=Resource)


@dataclass(frozen=True, slots=True)
class Span:
    """A span. `kind` is such as `client`, `status` unset, ok or error, `message` the status's description."""

    name: str
    kind: str
    status: str
    attributes: Attributes
    trace_id: str = ""
    span_id: str = ""
    parent_id: str = ""
    scope: Scope = Scope()
    events: tuple[Event, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """One data point. `value` is a sum, or the sum of a histogram, whose number of measurements is `count`.

    `buckets` are an explicit histogram's boundaries, None for every other kind of point.
    """

    attributes: Attributes
    value: float = 0
    count: int = 0
    buckets: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as one export has it. `instrument` is counter, updowncounter, gauge or histogram, or OTLP's word where it is none."""

    name: str
    unit: str
    instrument: str
    points: tuple[Point, ...] = ()
    scope: Scope = Scope()
    resource: Resource = field(default_factory=Resource)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Everything that was read."""

    resources: tuple[Resource, ...] = ()
    spans: tuple[Span, ...] = ()
    records: tuple[Event, ...] = ()
    metrics: tuple[Metric, ...] = ()
    unreadable: tuple[str, ...] = field(default=())
    """`place: reason` of what is not OTLP JSON."""
