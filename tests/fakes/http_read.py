"""Reads HTTP/1.1 requests off a socket, without the cost of a full parser."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.fakes.http_values import Request

if TYPE_CHECKING:
    import socket


def read_request(connection: socket.socket, unread: bytearray) -> Request | None:
    """The next request on the connection; None when the peer closed it between two requests."""
    end = unread.find(b"\r\n\r\n")
    while end < 0:
        data = connection.recv(65536)
        if not data:
            return None
        unread += data
        end = unread.find(b"\r\n\r\n")
    first, *lines = unread[:end].decode("latin-1").split("\r\n")
    del unread[: end + 4]
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = _read_chunked(connection, unread)
    else:
        body = _read_exactly(connection, unread, int(headers.get("content-length", "0")))
    return Request(method, target, headers, body, time.time_ns(), connection.fileno())


def _read_exactly(connection: socket.socket, unread: bytearray, size: int) -> bytes:
    while len(unread) < size:
        data = connection.recv(max(65536, size - len(unread)))
        if not data:
            raise ConnectionError("the peer closed in the middle of a body")
        unread += data
    body = bytes(unread[:size])
    del unread[:size]
    return body


def _read_chunked(connection: socket.socket, unread: bytearray) -> bytes:
    parts: list[bytes] = []
    while True:
        while b"\r\n" not in unread:
            data = connection.recv(65536)
            if not data:
                raise ConnectionError("the peer closed in the middle of a body")
            unread += data
        line, _, _ = bytes(unread).partition(b"\r\n")
        del unread[: len(line) + 2]
        size = int(line.split(b";")[0], 16)
        parts.append(_read_exactly(connection, unread, size + 2)[:-2])
        if size == 0:
            return b"".join(parts)
