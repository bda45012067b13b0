"""What the fake servers receive and send, as values."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from typing_extensions import Self


@dataclass(frozen=True, slots=True)
class Request:
    """One received request. Header names are in lower case; `received` is nanoseconds since the epoch."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    received: int
    connection: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def json(self) -> Any:
        """The body decoded; None when it is empty."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True, slots=True)
class Reply:
    """One scripted answer.

    `pieces` goes out in chunked transfer encoding, one write a piece; otherwise `body` goes out with its length.
    `delay` is the time in seconds before the first byte, `piece_delay` before every piece after the first.
    Positions of `hang_after` (until `release()`) and `disconnect_after` (`abortive`: by TCP reset): -1 before any byte,
    0 after the head, n after n pieces (a plain body is one piece). `verbatim` bytes replace the whole HTTP answer.
    `payload` is what the body was made from, `usage` what the vendor bills for it: both only for the ledger.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: tuple[bytes, ...] | None = None
    delay: float = 0.0
    piece_delay: float = 0.0
    hang_after: int | None = None
    disconnect_after: int | None = None
    abortive: bool = False
    verbatim: bytes | None = None
    payload: Any = None
    usage: Mapping[str, Any] | None = None

    @classmethod
    def json(cls, value: object, status: int = 200, headers: Mapping[str, str] | None = None, **behaviour: Any) -> Self:
        """A JSON body."""
        head = {"content-type": "application/json", **(headers or {})}
        return cls(status=status, headers=head, body=encode_json(value), payload=value, **behaviour)

    @classmethod
    def sse(
        cls,
        events: Iterable[Any],
        *,
        done: bool = True,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        piece_size: int | None = None,
        **behaviour: Any,
    ) -> Self:
        """Server-sent events, one piece each.

        An event is a JSON value, a `(name, JSON value)` pair, a str (sent as its data) or bytes (sent as they are).
        `done` appends `data: [DONE]`; `piece_size` re-cuts the whole stream into pieces of so many bytes.
        """
        listed = [*events, "[DONE]"] if done else list(events)
        pieces = tuple(encode_event(event) for event in listed)
        if piece_size:
            whole = b"".join(pieces)
            pieces = tuple(whole[start : start + piece_size] for start in range(0, len(whole), piece_size))
        head = {"content-type": "text/event-stream; charset=utf-8", **(headers or {})}
        return cls(status=status, headers=head, pieces=pieces, payload=listed, **behaviour)

    @classmethod
    def garbage(cls, data: bytes = b"\x00\xff<html>not json", content_type: str = "application/json", **behaviour: Any) -> Self:
        """A well-formed HTTP answer whose body is not what its content type says."""
        return cls(headers={"content-type": content_type}, body=data, **behaviour)

    @classmethod
    def hang(cls) -> Self:
        """No byte until the server releases it or the client gives up."""
        return cls(hang_after=-1, status=503)

    @classmethod
    def drop(cls, abortive: bool = False) -> Self:
        """The connection ends without an answer."""
        return cls(disconnect_after=-1, abortive=abortive)


class Exchange:
    """One request with its reply and what became of it: `outcome` is open, served, cut (as scripted) or client gone."""

    __slots__ = ("ended", "outcome", "pieces_sent", "reply", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.reply: Reply | None = None
        self.pieces_sent = 0
        self.outcome = "open"
        self.ended: int | None = None

    def close(self, outcome: str) -> None:
        self.outcome = outcome
        self.ended = time.time_ns()


def encode_json(value: object) -> bytes:
    """Compact UTF-8; a value with lone surrogates is escaped instead."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def encode_event(event: object) -> bytes:
    """One server-sent event, blank line included."""
    if isinstance(event, bytes):
        return event
    if isinstance(event, str):
        return b"data: %b\n\n" % event.encode()
    if isinstance(event, tuple):
        name, data = event
        return b"event: %b\ndata: %b\n\n" % (name.encode(), encode_json(data))
    return b"data: %b\n\n" % encode_json(event)
