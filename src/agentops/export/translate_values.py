"""Attribute values of encoded spans as plain ones, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span


def plain(value: AnyValue) -> Any:
    """Text, numbers and booleans as they are, arrays of them as lists; whatever else as the encoded value itself."""
    kind = value.WhichOneof("value")
    if kind in ("string_value", "int_value", "double_value", "bool_value"):
        return getattr(value, kind)
    if kind == "array_value":
        found = [plain(one) for one in value.array_value.values]
        return found if all(isinstance(one, (str, int, float)) for one in found) else value
    return value


def put(span: Span, values: Mapping[str, Any]) -> None:
    """Give `span` these attributes, in their order, and no others."""
    # Values that have no plain form are parts of the attributes deleted here.
    encoded = [(name, _copied(value)) for name, value in values.items()]
    del span.attributes[:]
    for name, value in encoded:
        pair = span.attributes.add(key=name)
        _encode(pair.value, value)


def _copied(value: Any) -> Any:
    if not hasattr(value, "CopyFrom"):
        return value
    copy = type(value)()
    copy.CopyFrom(value)
    return copy


def _encode(target: AnyValue, value: object) -> None:
    if isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, (list, tuple)):
        target.array_value.SetInParent()
        for one in cast("Sequence[object]", value):
            _encode(target.array_value.values.add(), one)
    elif value is not None:
        target.CopyFrom(cast("AnyValue", value))
