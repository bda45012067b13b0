"""Encodes `application/vnd.amazon.eventstream`, the binary framing of the streams of AWS services. Standard library only.

A message is a prelude (total length, length of the headers, CRC of these two), headers, a payload and the CRC of everything
before it; every number is big-endian, every CRC is CRC-32.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from tests.fakes.http_values import Reply, encode_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
_INTEGERS: Final = ((2, ">b"), (3, ">h"), (4, ">i"), (5, ">q"))


def encode_message(headers: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """One message. A header is a bool, int, bytes, str, `datetime` or `UUID`; an int takes the smallest type that holds it."""
    head = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return body + struct.pack(">I", zlib.crc32(body))


def encode_event(name: str, value: Any, content_type: str = "application/json") -> bytes:
    """An event: `value` as JSON, or as it is where it is bytes."""
    payload = value if isinstance(value, bytes) else encode_json(value)
    return encode_message({":event-type": name, ":content-type": content_type, ":message-type": "event"}, payload)


def encode_exception(name: str, message: str, **fields: Any) -> bytes:
    """A modelled exception in the middle of a stream, such as `throttlingException`."""
    payload = encode_json({"message": message, **fields})
    return encode_message({":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}, payload)


def encode_error(code: str, message: str) -> bytes:
    """An error no exception is modelled for."""
    return encode_message({":message-type": "error", ":error-code": code, ":error-message": message})


def reply(
    messages: Iterable[bytes],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    piece_size: int | None = None,
    **behaviour: Any,
) -> Reply:
    """A streamed answer of encoded messages, one piece each; `piece_size` re-cuts the whole into pieces of so many bytes."""
    pieces = tuple(messages)
    if piece_size:
        whole = b"".join(pieces)
        pieces = tuple(whole[start : start + piece_size] for start in range(0, len(whole), piece_size))
    return Reply(status=status, headers={"content-type": CONTENT_TYPE, **(headers or {})}, pieces=pieces, **behaviour)


def _header(name: str, value: Any) -> bytes:
    encoded = name.encode()
    return bytes([len(encoded)]) + encoded + _value(value)


def _value(value: Any) -> bytes:
    if isinstance(value, bool):
        return bytes([0 if value else 1])
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, bytes):
        return struct.pack(">BH", 6, len(value)) + value
    if isinstance(value, str):
        encoded = value.encode()
        return struct.pack(">BH", 7, len(encoded)) + encoded
    if isinstance(value, datetime):
        return struct.pack(">Bq", 8, round(value.timestamp() * 1000))
    if isinstance(value, uuid.UUID):
        return b"\x09" + value.bytes
    raise TypeError(f"no header type for {value!r}")


def _integer(value: int) -> bytes:
    for kind, layout in _INTEGERS:
        try:
            return bytes([kind]) + struct.pack(layout, value)
        except struct.error:
            continue
    raise OverflowError(value)
