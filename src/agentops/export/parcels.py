"""OTLP requests as parcels: cut into parts below a receiver's limit, and shortened where a single item is beyond it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from agentops_instrumentors.core.guard import warn_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

REQUEST_BYTES: Final = 4 << 20
"""Of one request before compression; the usual limit of an OTLP receiver is 4 MiB (gRPC) or 20 MiB (HTTP)."""
_SMALLEST_CUT: Final = 256
_MARK: Final = " … ({} bytes cut)"
_MARK_BYTES: Final = 48
_PATHS: Final = {
    "traces": ("resource_spans", "scope_spans", "spans"),
    "metrics": ("resource_metrics", "scope_metrics", "metrics"),
    "logs": ("resource_logs", "scope_logs", "log_records"),
}


@dataclass(frozen=True, slots=True, eq=False)
class OtlpParcel:
    """One export request of `signal` (traces, metrics or logs) that is nobody else's."""

    signal: str
    request: Message
    items: int
    size: int

    def body(self, project_attribute: str, project_id: str) -> bytes:
        """The request's bytes, every resource with the project's id unless it names one."""
        if project_id:
            for entry in getattr(self.request, _PATHS[self.signal][0]):
                if all(pair.key != project_attribute for pair in entry.resource.attributes):
                    entry.resource.attributes.add(key=project_attribute).value.string_value = project_id
        return self.request.SerializeToString()

    def smaller(self) -> list[OtlpParcel]:
        """The same in parts of half the size at most, a single item's longest texts cut; nothing where it can't be smaller."""
        return parcels(self.signal, self.request, self.size // 2) if self.size > 4 * _SMALLEST_CUT else []


def parcels(signal: str, request: Message, limit: int = REQUEST_BYTES) -> list[OtlpParcel]:
    """`request`, which must be nobody else's, in requests of `limit` bytes at most.

    A single item beyond the limit has its longest texts cut, which is said once; where that is not enough it stays too large.
    """
    found: list[OtlpParcel] = []
    todo = [request]
    while todo:
        one = todo.pop()
        size, items = one.ByteSize(), sum(1 for _ in _scoped(signal, one))
        if size <= limit or items < 2:
            if size > limit and items:
                _shorten(signal, one, size - limit)
                size = one.ByteSize()
            if items:
                found.append(OtlpParcel(signal, one, items, size))
            continue
        first, second = _halves(signal, one, items // 2)
        todo += [second, first]
    return found


def _scoped(signal: str, request: Message) -> Iterator[tuple[Any, Any]]:
    """Every item with the list it is in."""
    resources, scopes, items = _PATHS[signal]
    for entry in getattr(request, resources):
        for scoped in getattr(entry, scopes):
            listed = getattr(scoped, items)
            for item in listed:
                yield listed, item


def _halves(signal: str, request: Message, count: int) -> tuple[Message, Message]:
    """The first `count` items, and the others, each with its resource and scope."""
    second = type(request)()
    second.CopyFrom(request)
    for part, kept in ((request, range(count)), (second, range(count, 1 << 62))):
        _keep(signal, part, kept)
    return request, second


def _keep(signal: str, request: Message, kept: range) -> None:
    resources, scopes, items = _PATHS[signal]
    number = 0
    for entry in getattr(request, resources):
        for scoped in getattr(entry, scopes):
            listed = getattr(scoped, items)
            first = number
            number += len(listed)
            wanted = range(max(first, kept.start) - first, max(min(number, kept.stop) - first, 0))
            del listed[max(wanted.stop, 0) :]
            del listed[: min(wanted.start, len(listed))]
        _without_empty(getattr(entry, scopes), items)
    _without_empty(getattr(request, resources), scopes)


def _without_empty(entries: Any, field: str) -> None:
    for index in range(len(entries) - 1, -1, -1):
        if not getattr(entries[index], field):
            del entries[index]


def _shorten(signal: str, request: Message, excess: int) -> None:
    """Cut the longest texts of the request's one item until it has lost `excess` bytes, or nothing is left to cut."""
    for _, item in _scoped(signal, request):
        for value in sorted(_texts(item), key=lambda value: -len(value.string_value)):
            if excess <= 0:
                break
            excess -= _cut(value, excess)
    warn_once(f"export:{signal}:cut", "An item of %s is larger than AgentOps takes: its longest texts are cut (said once)", signal)


def _cut(value: Any, excess: int) -> int:
    """Shorten a text by `excess` bytes, or down to nothing but the mark; returns by how much."""
    whole = cast("str", value.string_value).encode("utf-8", "replace")
    kept = len(whole) - excess - _MARK_BYTES
    if len(whole) <= _SMALLEST_CUT:
        return 0
    kept = max(kept, _SMALLEST_CUT - _MARK_BYTES)
    value.string_value = whole[:kept].decode("utf-8", "ignore") + _MARK.format(len(whole) - kept)
    return len(whole) - len(value.string_value.encode())


def _texts(item: Any) -> Iterator[Any]:
    """Every AnyValue of the item's that holds a text: attributes, those of its events, a log record's body."""
    if hasattr(item, "body"):
        yield from _within(item.body)
    for owner in (item, *getattr(item, "events", ())):
        for pair in getattr(owner, "attributes", ()):
            yield from _within(pair.value)


def _within(value: Any) -> Iterator[Any]:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        yield value
    elif kind == "array_value":
        for one in value.array_value.values:
            yield from _within(one)
    elif kind == "kvlist_value":
        for pair in value.kvlist_value.values:
            yield from _within(pair.value)
