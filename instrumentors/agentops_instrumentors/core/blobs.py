"""Inline images, audio and files: recorded by their size and a digest, without their bytes."""

from __future__ import annotations

from base64 import b64decode
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agentops_instrumentors.core.messages import BlobPart

if TYPE_CHECKING:
    from collections.abc import Callable

_WHOLE: Final = 64 * 1024
"""Bytes of which all are hashed: a megabyte takes a millisecond, in which an event loop would stand still."""
_PIECES: Final = 16
_PIECE: Final = 768
"""Bytes of a piece; like the places of the pieces a multiple of 3, which base64 writes as 4 characters."""


def blob(modality: str, data: str | bytes, mime_type: str | None = None, start: int = 0) -> dict[str, Any]:
    """An inline blob's part without its bytes: their size and a digest stay, so equal blobs can be told.

    `data` is the bytes, or base64 text from the index `start` on; text that is not base64 is measured and hashed as it stands. The digest
    of up to 64 KiB is `sha256:` and their SHA-256 in hexadecimal. That of more is `sha256-16x768:` and the SHA-256 of their number (8
    bytes, big-endian), 15 pieces of 768 bytes that begin at multiples of `(size - 768) // 15 // 3 * 3`, and all from the 16th such place.
    """
    size, digest = _of_text(data, start) if isinstance(data, str) else _told(len(data), lambda place, end: data[place:end])
    part: dict[str, Any] = {"type": "blob", "modality": modality, "content": "", "size": size, "digest": digest}
    if mime_type:
        part["mime_type"] = mime_type
    return part


class BlobInPieces:
    """A blob that arrives in pieces: its size and SHA-256 are kept, not its bytes."""

    __slots__ = ("_digest", "_mime_type", "_modality", "_size")

    def __init__(self, modality: str, mime_type: str | None = None) -> None:
        self._modality = modality
        self._mime_type = mime_type
        self._size = 0
        self._digest = sha256()

    def add(self, data: bytes) -> None:
        """Take the next piece."""
        self._size += len(data)
        self._digest.update(data)

    def part(self) -> BlobPart:
        """The blob as far as it came."""
        return BlobPart(self._modality, "", self._mime_type, self._size, "sha256:" + self._digest.hexdigest())


def _of_text(text: str, start: int) -> tuple[int, str]:
    length = len(text) - start
    # Of a long text only the pieces are read, and nothing else: it is not in the processor's cache.
    if length > _WHOLE // 3 * 4 and length % 4 == 0:
        size = length // 4 * 3 - text.count("=", -2)
        with suppress(msgspec.ValidationError):
            return _told(size, lambda place, end: msgspec.convert(text[start + place // 3 * 4 : start - end // -3 * 4], bytes))
    try:
        raw = _decoded(text[start:])
    except ValueError:
        raw = text[start:].encode("utf-8", "replace")
    return _told(len(raw), lambda place, end: raw[place:end])


def _told(size: int, read: Callable[[int, int], bytes]) -> tuple[int, str]:
    """Size and digest of a blob of which `read` gives the bytes between two places."""
    if size <= _WHOLE:
        return size, "sha256:" + sha256(read(0, size)).hexdigest()
    hashed = sha256(size.to_bytes(8, "big"))
    step = (size - _PIECE) // (_PIECES - 1) // 3 * 3
    last = step * (_PIECES - 1)
    for place in range(0, last, step):
        hashed.update(read(place, place + _PIECE))
    hashed.update(read(last, size))
    return size, f"sha256-{_PIECES}x{_PIECE}:{hashed.hexdigest()}"


def _decoded(text: str) -> bytes:
    """The bytes that base64 text stands for; ValueError where it does not. msgspec takes a fifth of the time, but no line breaks."""
    try:
        return msgspec.convert(text, bytes)
    except msgspec.ValidationError:
        return b64decode(text)
