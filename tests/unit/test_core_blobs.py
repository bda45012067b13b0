"""Inline blobs: their size and a digest of them, whatever form they come in."""

from __future__ import annotations

import base64
import hashlib
import random

import pytest

from agentops_instrumentors.core.blobs import blob
from agentops_instrumentors.core.parts import data_url

WHOLE = 64 * 1024
RANDOM = random.Random(7)


def described(raw: bytes) -> str:
    """The digest as the documentation describes it."""
    if len(raw) <= WHOLE:
        return "sha256:" + hashlib.sha256(raw).hexdigest()
    step = (len(raw) - 768) // 15 // 3 * 3
    pieces = [raw[place : place + 768] for place in range(0, step * 15, step)]
    return "sha256-16x768:" + hashlib.sha256(len(raw).to_bytes(8, "big") + b"".join(pieces) + raw[step * 15 :]).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 256, WHOLE - 1, WHOLE, WHOLE + 1, WHOLE + 2, WHOLE + 3, 1_000_000])
def test_bytes_and_every_form_of_base64_have_one_size_and_digest(size: int) -> None:
    raw = RANDOM.randbytes(size)
    text = base64.b64encode(raw).decode()
    whole = {"type": "blob", "modality": "image", "content": "", "size": size, "digest": described(raw), "mime_type": "image/png"}
    assert blob("image", raw, "image/png") == whole
    assert blob("image", text, "image/png") == whole
    assert blob("image", base64.encodebytes(raw).decode(), "image/png") == whole
    assert data_url(f"data:image/png;base64,{text}") == whole


def test_blobs_that_differ_have_different_digests() -> None:
    raw = RANDOM.randbytes(200_000)
    others = [raw + b"x", raw[:-1], b"x" + raw[1:], raw[:-1] + b"\0\0", raw[:100] + b"xxxx" + raw[104:]]
    assert len({blob("image", each)["digest"] for each in (raw, *others)}) == len(others) + 1


@pytest.mark.parametrize("text", ["not base64!", "ü" * 100_000, "data" * 30_000 + "éééé", "\ud800" * 4])
def test_a_text_that_is_not_base64_is_told_as_it_stands(text: str) -> None:
    as_it_stands = blob("audio", text)
    raw = text.encode("utf-8", "replace")
    assert (as_it_stands["size"], as_it_stands["digest"]) == (len(raw), described(raw))


def test_a_data_url_without_data_is_an_empty_blob() -> None:
    assert data_url("data:image/png;base64")["size"] == 0  # pyright: ignore[reportIndexIssue]
