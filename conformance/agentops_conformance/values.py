"""What is checked and what is found, as frozen values."""

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
    """One thing a rule found. `signal_type` is span, log or resource; `context` holds `attribute_key` where there is one."""

    id: str
    level: Level
    signal_type: str
    signal_name: str
    context: Mapping[str, str]
    message: str

    def __str__(self) -> str:
        return f"{self.level.value}  {self.id}  {self.signal_type} {self.signal_name!r}: {self.message}"


@dataclass(frozen=True, slots=True)
class Resource:
    """Where telemetry comes from."""

    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Event:
    """A log record, or an event of a span; `name` is empty for a plain log record."""

    name: str
    attributes: Attributes
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A span as OTLP tells it: `kind` and `status` in lower case (`client`, `error`), ids in lower-case hex."""

    name: str
    kind: str
    status: str
    attributes: Attributes
    trace_id: str = ""
    span_id: str = ""
    parent_id: str = ""
    scope: str = ""
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Everything that was read."""

    resources: tuple[Resource, ...] = ()
    spans: tuple[Span, ...] = ()
    records: tuple[Event, ...] = ()
    unreadable: tuple[str, ...] = field(default=())
    """`file:line` of what is not OTLP JSON."""
