"""JSON for content: fast when the value is well-behaved, and never failing when it is not."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import msgspec

if TYPE_CHECKING:
    from agentops_instrumentors.core.redactors import Redactor

_MARK: Final = "…[{} bytes left out]"
_MARKED: Final = re.compile(r"…\[(\d+) bytes left out\]$")
_INLINE: Final = b";base64,"
_DATA_URL: Final = re.compile(r"(data:[^\s,;\"']{0,100}(?:;[^\s,;\"']{0,100}){0,4};base64,)([A-Za-z0-9+/_=-]+)")
_NOTE: Final = "agentops.elided"
_SHORTEST: Final = 128
_DEEPEST: Final = 64
_TELLING: Final = 10**6
"""Whole numbers from here up may be a card's, a telephone's or an account's: a redactor sees them."""
_LONGEST_INTEGER: Final = 4096
"""In bits; Python refuses to write much longer ones in decimal digits."""
_INTEGERS: Final = range(-(2**63), 2**63)


def plain(value: object) -> object:
    """A value `msgspec` does not know, made of values it knows (its `enc_hook`)."""
    for method in ("model_dump", "to_dict", "dict"):
        dump = getattr(value, method, None)
        if callable(dump) and not isinstance(value, type):
            try:
                return dump(mode="json", warnings=False) if method == "model_dump" else dump()
            except Exception:  # a model that cannot dump itself still has a text
                break
    return str(value)


_encoder: Final = msgspec.json.Encoder(enc_hook=plain)


def to_json(value: object, max_bytes: int, redactor: Redactor | None) -> str:
    """`value` as JSON of at most `max_bytes`; long strings are cut, and middle items dropped, to make it so."""
    if redactor is None:
        try:
            encoded = _encoder.encode(value)
        except Exception:
            encoded = None  # lone surrogates, odd keys, self-containing values: the slow path below takes them
        # One byte is found at 40 times the speed of eight, and many texts have none.
        if encoded is not None and len(encoded) <= max_bytes and not (b";" in encoded and _INLINE in encoded):
            return encoded.decode()
    return _encoder.encode(to_values(value, max_bytes, redactor)).decode()


def to_values(value: object, max_bytes: int, redactor: Redactor | None) -> Any:
    """`value` as lists, dicts and scalars that always encode, redacted, within `max_bytes` of JSON."""
    clean = _clean(value, _Rules(redactor, max_bytes), ())
    if _size(clean) <= max_bytes:
        return clean
    longest = max_bytes // 2
    cut = clean
    while longest >= _SHORTEST:
        cut = _cut(clean, longest)
        if _size(cut) <= max_bytes:
            return cut
        longest //= 2
    return _thin(cast("list[Any]", cut), max_bytes) if isinstance(cut, list) else _MARK.format(_size(clean))


def utf8(text: str) -> str:
    """`text` without lone surrogates, which no exporter can encode."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _inlines(text: str) -> bool:
    return ";" in text and ";base64," in text


def _without_blobs(text: str) -> str:
    """`text` with the bytes of `data:` URLs left out."""
    return _DATA_URL.sub(lambda found: f"{found[1]}[{len(found[2]) * 3 // 4} bytes left out]", text) if _inlines(text) else text


class _Rules(NamedTuple):
    """How values are cleaned: the redactor sees every text; without one, a text longer than `longest` characters is cut at once."""

    redactor: Redactor | None
    longest: int


def _size(value: object) -> int:
    return len(_encoder.encode(value))


def _clean(value: object, rules: _Rules, inside: tuple[int, ...]) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _clean_integer(value, rules.redactor)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _clean_text(value, rules)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"[{len(cast('bytes', value))} bytes]"
    if id(value) in inside or len(inside) == _DEEPEST:
        return "…"
    inside = (*inside, id(value))
    if isinstance(value, msgspec.Struct):
        return _clean_struct(value, rules, inside)
    if isinstance(value, Mapping):
        return _clean_mapping(cast("Mapping[object, object]", value), rules, inside)
    if isinstance(value, (Sequence, set, frozenset)):
        return [_clean(item, rules, inside) for item in cast("Sequence[object]", value)]
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _clean(getattr(value, field.name), rules, inside) for field in fields(value)}
    try:
        return _clean(plain(value), rules, inside)
    except Exception:
        return f"[{type(value).__qualname__}]"


def _clean_text(value: str, rules: _Rules) -> str:
    if rules.redactor is None:
        # What will be cut off in any case is not read first, unless a blob might begin before.
        if len(value) > rules.longest and not _inlines(value[: rules.longest]):
            return _head(value, rules.longest // 2 - _SHORTEST)
        return _without_blobs(utf8(value))
    return utf8(rules.redactor(_without_blobs(utf8(value))))


def _clean_integer(value: int, redactor: Redactor | None) -> int | str:
    if value.bit_length() > _LONGEST_INTEGER:
        return f"[a number of {value.bit_length()} bits]"
    if redactor and abs(value) >= _TELLING:
        text = str(value)
        masked = redactor(text)
        if masked != text:
            return utf8(masked)
    return value if value in _INTEGERS else str(value)


def _clean_mapping(value: Mapping[object, object], rules: _Rules, inside: tuple[int, ...]) -> dict[str, Any]:
    redactor = rules.redactor
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = utf8(str(key))
        if redactor and not name.isidentifier():
            # A name of a field is structure; an address, a number or a key used as one is content.
            name = utf8(redactor(name))
            while name in found:
                name += "'"
        found[name] = _clean(item, rules, inside)
    return found


_STRUCTURE: Final = frozenset({"type", "role", "id", "modality", "mime_type", "finish_reason", "digest"})


def _clean_struct(value: msgspec.Struct, rules: _Rules, inside: tuple[int, ...]) -> dict[str, Any]:
    config = value.__struct_config__
    found: dict[str, Any] = {config.tag_field: config.tag} if config.tag_field else {}
    required = len(value.__struct_fields__) - len(value.__struct_defaults__)
    for index, name in enumerate(value.__struct_fields__):
        item = getattr(value, name)
        if name == "parts":
            found[name] = [_clean_part(part, rules, inside) for part in item]
        elif item is not None or index < required:
            found[name] = _clean_field(name, item, rules, inside)
    return found


def _clean_part(part: object, rules: _Rules, inside: tuple[int, ...]) -> Any:
    if not isinstance(part, dict):
        return _clean(part, rules, inside)
    generic = cast("dict[object, object]", part)
    return {utf8(str(key)): _clean_field(str(key), item, rules, inside) for key, item in generic.items()}


def _clean_field(name: str, value: object, rules: _Rules, inside: tuple[int, ...]) -> Any:
    # Roles, part types, ids and digests are structure, not content: a redactor that rewrote them would break the schema.
    # Only here: a key of the same name inside tool arguments is the user's own.
    return _clean(value, rules._replace(redactor=None) if name in _STRUCTURE and isinstance(value, str) else rules, inside)


def _cut(value: Any, longest: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= longest else _head(value, longest)
    if isinstance(value, dict):
        return {key: _cut(item, longest) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_cut(item, longest) for item in cast("list[Any]", value)]
    return value


def _head(text: str, longest: int) -> str:
    """The first `longest` characters, and how many bytes are left out, by an earlier cut too."""
    earlier = _MARKED.search(text, len(text) - _SHORTEST)
    kept = utf8(text[: min(longest, earlier.start()) if earlier else longest])
    before = int(earlier[1]) - _bytes(earlier[0]) if earlier else 0
    return kept + _MARK.format(_bytes(text) - _bytes(kept) + before)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _thin(items: list[Any], max_bytes: int) -> list[Any]:
    """The head and the tail of a list that is too long even with short strings, and a note of how much is gone."""
    messages = bool(items) and isinstance(items[0], dict) and "parts" in items[0]
    room = max_bytes - 2 * _SHORTEST
    head, *rest = [_fit(item, room // 2) for item in items]
    room -= _size(head)
    tail: list[Any] = []
    for item in reversed(rest):
        room -= _size(item) + 1
        if room < 0:
            break
        tail.append(item)
    dropped = len(rest) - len(tail)
    if not dropped:
        return [head, *reversed(tail)]
    note = {"type": _NOTE, "name": _NOTE, "items": dropped}
    return [head, {"role": "system", "parts": [note]} if messages else note, *reversed(tail)]


def _fit(item: Any, max_bytes: int) -> Any:
    """One item of a thinned list: a message keeps its first and last parts, a part too large is a note of its size."""
    size = _size(item)
    if size <= max_bytes:
        return item
    note = {"type": _NOTE, "name": _NOTE, "bytes": size}
    if not (isinstance(item, dict) and "parts" in item):
        return note
    message = cast("dict[str, Any]", item)
    if max_bytes < 4 * _SHORTEST:
        return {"role": message["role"], "parts": [note]}
    return {**message, "parts": _thin(message["parts"], max_bytes - 2 * _SHORTEST)}
