"""What an application can observe, as comparable values, and how two observations are compared."""

from __future__ import annotations

import copy
import re
import traceback
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from pydantic import BaseModel

if TYPE_CHECKING:
    from types import TracebackType

_ADDRESS: Final = re.compile(r"0x[0-9a-f]+|Task-\d+|cancel scope [0-9a-f]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OURS: Final = ("agentops_instrumentors", "wrapt")


def without_addresses(text: str) -> str:
    """`text` with what differs from run to run blotted out."""
    return _ADDRESS.sub("@", text)


def describe(value: Any) -> Any:
    """`value` as something comparable: exact types all the way down, addresses left out."""
    kind = type(value)
    if isinstance(value, BaseException):
        return _describe_error(value)
    if isinstance(value, BaseModel):
        extra = {name: getattr(value, name) for name in ("_request_id",) if hasattr(value, name)}
        return (kind, value.model_dump(), sorted(value.model_fields_set), sorted(dir(value)), without_addresses(repr(value)), extra)
    if isinstance(value, (list, tuple)):
        return (kind, [describe(item) for item in value])
    if isinstance(value, dict):
        return (kind, [(name, describe(item)) for name, item in value.items()])
    if value is None or isinstance(value, (str, bytes, int, float, type)):
        return (kind, value)
    # `__slotnames__` is what `copy` leaves on a class, the first time that something of the class is copied.
    return (kind, sorted(name for name in dir(value) if name != "__slotnames__"), without_addresses(repr(value)))


def _describe_error(error: BaseException | None, depth: int = 0) -> Any:
    if error is None or depth > 6:
        return None
    return {
        "type": type(error),
        "args": [without_addresses(repr(arg)) for arg in error.args],
        "frames": frames(error.__traceback__),
        "cause": _describe_error(error.__cause__, depth + 1),
        "context": _describe_error(error.__context__, depth + 1),
        "suppress": error.__suppress_context__,
        "notes": getattr(error, "__notes__", None),
        "public": sorted(name for name in dir(error) if not name.startswith("__")),
        "status": getattr(error, "status_code", None),
        "request_id": getattr(error, "request_id", None),
        "body": getattr(error, "body", None),
    }


def frames(found: TracebackType | None) -> list[tuple[str, str, int | None]]:
    """File, function and line of every frame that is neither ours nor the patching library's."""
    summary = traceback.extract_tb(found)
    return [(frame.filename, frame.name, frame.lineno) for frame in summary if not any(f"/{name}/" in frame.filename for name in _OURS)]


@dataclass(slots=True)
class Outcome:
    """What one run showed. `own` are log records of ours, which must not be; `connections` still open at its end."""

    notes: list[tuple[str, Any]] = field(default_factory=list)
    error: Any = None
    requests: list[Any] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    unraisable: list[str] = field(default_factory=list)
    looped: list[str] = field(default_factory=list)
    alive: list[str] = field(default_factory=list)
    connections: int = 0
    stray_spans: int = 0


class Eyes:
    """How a body tells what it sees. `failure` is the last exception that came out of the SDK's code."""

    def __init__(self, server: Any, mode: str) -> None:
        self.server = server
        self.mode = mode
        self.notes: list[tuple[str, Any]] = []
        self.watched: list[tuple[str, weakref.ref[Any]]] = []
        self.failure: type[BaseException] | None = None
        self.chunks = 0
        self.strays = 0
        self.caller = trace.get_current_span()

    def see(self, label: str, value: Any) -> Any:
        """Note `value`, and that the caller's own span is still the current one."""
        self.notes.append((label, describe(value)))
        self.strays += trace.get_current_span() is not self.caller
        return value

    def chunk(self, value: Any) -> int:
        self.see("chunk", value)
        self.chunks += 1
        return self.chunks

    def failed(self, error: BaseException) -> None:
        self.see("raised", error)
        self.failure = type(error)

    def watch(self, label: str, value: Any) -> Any:
        """Remember `value` weakly: it must be collected when it is without us."""
        self.watched.append((label, weakref.ref(value)))
        return value


def compare(bare: Outcome, ours: Outcome) -> None:
    """Fail with the first thing an application could tell apart, or when the body itself does not run to its end."""
    assert bare.error is None, bare.error
    for index, (left, right) in enumerate(zip(bare.notes, ours.notes, strict=False)):
        assert left == right, f"note {index}: {difference(left, right)}"
    for name in ("error", "requests", "warned", "logged", "unraisable", "looped", "alive"):
        assert getattr(bare, name) == getattr(ours, name), f"{name}: {difference(getattr(bare, name), getattr(ours, name))}"
    assert len(bare.notes) == len(ours.notes)
    assert (bare.stray_spans, ours.stray_spans) == (0, 0), "the caller's span was not the current one"
    assert ours.own == []
    assert ours.connections <= bare.connections, "a connection stayed open"


def difference(bare: Any, ours: Any, path: str = "") -> str:
    """Where two descriptions first differ."""
    if type(bare) is type(ours) and isinstance(bare, dict) and bare.keys() == ours.keys():
        return next((difference(bare[name], ours[name], f"{path}.{name}") for name in bare if bare[name] != ours[name]), "")
    if type(bare) is type(ours) and isinstance(bare, (list, tuple)) and len(bare) == len(ours):
        pairs = enumerate(zip(bare, ours, strict=True))
        return next((difference(left, right, f"{path}[{index}]") for index, (left, right) in pairs if left != right), "")
    return f"{path}: bare {bare!r}, with us {ours!r}"


def copies(value: Any) -> list[Any]:
    """`value` copied in every way a program might."""
    return [copy.copy(value), copy.deepcopy(value)]
