"""The event-stream encoder, read back by botocore's decoder."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer

from tests.fakes import aws_eventstream


def decoded(data: bytes) -> list[Any]:
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return list(buffer)


def test_every_header_type() -> None:
    when = datetime(2026, 11, 21, 12, 0, 0, 125_000, tzinfo=timezone.utc)
    unique = uuid.UUID(int=7)
    headers = {
        "yes": True,
        "no": False,
        "byte": -3,
        "short": 300,
        "integer": 70_000,
        "long": 1 << 40,
        "bytes": b"\x00\xff",
        "text": "é" * 300,
        "when": when,
        "unique": unique,
    }
    (message,) = decoded(aws_eventstream.encode_message(headers, b"payload"))
    expected = {**headers, "when": round(when.timestamp() * 1000), "unique": unique.bytes}
    assert message.headers == expected
    assert message.payload == b"payload"


def test_messages_follow_each_other_in_pieces_of_any_size() -> None:
    messages = [aws_eventstream.encode_event("chunk", {"n": n, "text": "ü"}) for n in range(5)]
    for size in (1, 7, 64, 10_000):
        reply = aws_eventstream.reply(messages, piece_size=size)
        buffer, found = EventStreamBuffer(), []
        for piece in reply.pieces or ():
            buffer.add_data(piece)
            found += [one.payload for one in buffer]
        assert found == [b'{"n":%d,"text":"\xc3\xbc"}' % n for n in range(5)]
    assert reply.headers == {"content-type": "application/vnd.amazon.eventstream"}


def test_exceptions_and_errors() -> None:
    (known,) = decoded(aws_eventstream.encode_exception("throttlingException", "slow down"))
    assert known.to_response_dict()["status_code"] == 400
    assert (known.headers[":exception-type"], known.payload) == ("throttlingException", b'{"message":"slow down"}')
    (unknown,) = decoded(aws_eventstream.encode_error("InternalFailure", "broken"))
    assert unknown.to_response_dict()["status_code"] == 400
    assert (unknown.headers[":error-code"], unknown.headers[":error-message"], unknown.payload) == ("InternalFailure", "broken", b"")


@pytest.mark.parametrize("position", [0, 9, 20, -1])
def test_a_flipped_bit_is_noticed(position: int) -> None:
    message = bytearray(aws_eventstream.encode_event("chunk", {"n": 1}))
    message[position] ^= 1
    with pytest.raises(ChecksumMismatch):
        decoded(bytes(message))


def test_what_has_no_header_type_is_refused() -> None:
    with pytest.raises(TypeError, match="no header type"):
        aws_eventstream.encode_message({"x": 1.5})
    with pytest.raises(OverflowError):
        aws_eventstream.encode_message({"x": 1 << 63})
