"""Helper functions under the names programs import them by."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from agentops import helpers
from agentops.helpers.debug import debug_print_function_params
from agentops.helpers.validation import is_coroutine_or_generator

if TYPE_CHECKING:
    from collections.abc import Iterator

ID = UUID("0f6f0e3a-61f1-4c2f-9a58-1d7a3a0f7b11")


class Colour(Enum):
    RED = "red"


class Model:
    def model_dump(self) -> dict[str, int]:
        return {"a": 1}


@dataclass
class Plain:
    x: int


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        ({"id": ID}, json.dumps({"id": str(ID)})),
        ([datetime(2026, 1, 2, tzinfo=timezone.utc)], '["2026-01-02T00:00:00+00:00"]'),
        ([Decimal("1.5"), Colour.RED, Model()], '["1.5", "red", {"a": 1}]'),
        ({"set": {1}}, '{"set": [1]}'),
        ({"plain": Plain(1)}, '{"plain": "Plain(x=1)"}'),
        ({(1, 2): 3}, "{(1, 2): 3}"),
    ],
)
def test_anything_is_text(value: Any, text: str) -> None:
    assert helpers.safe_serialize(value) == text


def test_what_json_takes() -> None:
    assert helpers.is_jsonable({"a": [1, None]})
    assert not helpers.is_jsonable({"a": ID})
    assert helpers.filter_unjsonable({"a": ID, "b": [Colour.RED, 1], 2: None}) == {"a": str(ID), "b": ["Colour.RED", 1], "2": None}
    assert helpers.serialize_uuid(ID) == str(ID)


@pytest.mark.parametrize("moment", ["2026-11-21T08:35:48.123457+00:00", "1970-01-01T00:00:00+00:00"])
def test_times_there_and_back(moment: str) -> None:
    assert helpers.from_unix_nano_to_iso(helpers.iso_to_unix_nano(moment)) == moment
    assert helpers.iso_to_unix_nano(moment.replace("+00:00", "Z")) == helpers.iso_to_unix_nano(moment.replace("+00:00", ""))
    assert datetime.fromisoformat(helpers.get_ISO_time()).tzinfo is not None


def test_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("A_BOOL", "yes"), ("AN_INT", "7"), ("A_LIST", "x, y,")):
        monkeypatch.setenv(name, value)
    assert helpers.get_env_bool("A_BOOL", False)
    assert helpers.get_env_int("AN_INT", 1) == 7
    assert helpers.get_env_list("A_LIST") == {"x", "y"}
    assert helpers.get_env_list("NOT_SET", ["z"]) == {"z"}


def test_kinds_of_functions() -> None:
    async def coroutine() -> None: ...

    def generator() -> Iterator[int]:
        yield 1

    assert is_coroutine_or_generator(coroutine)
    assert is_coroutine_or_generator(generator)
    assert not is_coroutine_or_generator(len)


def test_a_call_is_logged_without_its_arguments(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "agentops")
    assert debug_print_function_params(max)(1, 2) == 2
    assert caplog.messages == ["max() is called with 2 arguments"]
