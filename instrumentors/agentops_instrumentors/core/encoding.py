"""JSON for content: fast when the value is well-behaved, and never failing when it is not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any, Final, cast

import msgspec

_MARK: Final = "…[{} bytes left out]"
_SHORTEST: Final = 64
_DEEPEST: Final = 64

Redactor = Callable[[str], str]


def plain(value: object) -> object:
    """A value `msgspec` does not know, made of values it knows (its `enc_hook`)."""
    for method in ("model_dump", "to_dict", "dict"):
        dump = getattr(value, method, None)
        if callable(dump) and not isinstance(value, type):
            try:
                return dump(mode="json") if method == "model_dump" else dump()
            except Exception:  # a model that cannot dump itself still has a text
                break
    return str(value)


_encoder: Final = msgspec.json.Encoder(enc_hook=plain)


def to_json(value: object, max_bytes: int, redactor: Redactor | None) -> str:
    """`value` as JSON of at most about `max_bytes`; long strings are cut, and middle items dropped, to make it so."""
    if redactor is None:
        try:
            encoded = _encoder.encode(value)
        except Exception:
            encoded = None  # lone surrogates, odd keys, self-containing values: the slow path below takes them
        if encoded is not None and len(encoded) <= max_bytes:
            return encoded.decode()
    return _encoder.encode(to_values(value, max_bytes, redactor)).decode()


def to_values(value: object, max_bytes: int, redactor: Redactor | None) -> Any:
    """`value` as lists, dicts and scalars that always encode, redacted, within about `max_bytes` of JSON."""
    clean = _clean(value, redactor, _DEEPEST)
    if len(_encoder.encode(clean)) <= max_bytes:
        return clean
    longest = max_bytes // 2
    cut = clean
    while longest >= _SHORTEST:
        cut = _cut(clean, longest)
        if len(_encoder.encode(cut)) <= max_bytes:
            return cut
        longest //= 2
    return _thin(cut, max_bytes)


def _clean(value: object, redactor: Redactor | None, depth: int) -> Any:
    if depth == 0:
        return "…"
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        text = value if value.isascii() else value.encode("utf-8", "replace").decode()
        return redactor(text) if redactor else text
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"[{len(cast('bytes', value))} bytes]"
    if isinstance(value, msgspec.Struct):
        return _clean_struct(value, redactor, depth)
    if isinstance(value, Mapping):
        mapping = cast("Mapping[object, object]", value)
        return {_key(key): _clean_field(_key(key), item, redactor, depth - 1) for key, item in mapping.items()}
    if isinstance(value, (Sequence, set, frozenset)):
        return [_clean(item, redactor, depth - 1) for item in cast("Sequence[object]", value)]
    if is_dataclass(value) and not isinstance(value, type):
        return _clean(asdict(value), redactor, depth - 1)
    try:
        return _clean(plain(value), redactor, depth - 1)
    except Exception:
        return f"[{type(value).__qualname__}]"


def _clean_struct(value: msgspec.Struct, redactor: Redactor | None, depth: int) -> dict[str, Any]:
    config = value.__struct_config__
    found: dict[str, Any] = {config.tag_field: config.tag} if config.tag_field else {}
    for name in value.__struct_fields__:
        item = getattr(value, name)
        if item is not None:
            found[name] = _clean_field(name, item, redactor, depth - 1)
    return found


def _clean_field(name: str, value: object, redactor: Redactor | None, depth: int) -> Any:
    # Roles, part types and digests are structure, not content: a redactor that rewrote them would break the schema.
    return _clean(value, None if name in _STRUCTURE and isinstance(value, str) else redactor, depth)


_STRUCTURE: Final = frozenset({"type", "role", "modality", "mime_type", "finish_reason", "digest"})


def _key(key: object) -> str:
    text = key if isinstance(key, str) else str(key)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _cut(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        if len(value) <= longest:
            return value
        left_out = len(value.encode()) - len(value[:longest].encode())
        return value[:longest] + _MARK.format(left_out)
    if isinstance(value, dict):
        return {key: _cut(item, longest) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_cut(item, longest) for item in cast("list[Any]", value)]
    return value


def _thin(value: Any, max_bytes: int) -> Any:
    """Keep the head and tail of a list that is too long even with short strings, and say how many items are gone."""
    if not isinstance(value, list):
        return _MARK.format(len(_encoder.encode(value)))
    items = cast("list[Any]", value)
    head = items[:1]
    budget = max_bytes - len(_encoder.encode(head)) - 256
    tail: list[Any] = []
    for item in reversed(items[1:]):
        budget -= len(_encoder.encode(item)) + 1
        if budget < 0:
            break
        tail.append(item)
    dropped = len(items) - len(head) - len(tail)
    note = {"role": "system", "parts": [{"type": "agentops.elided", "items": dropped}]}
    return [*head, note, *reversed(tail)]
