"""The gate on instruction counts: what fails it, and what it says where there is nothing to compare."""

from __future__ import annotations

import json
from dataclasses import replace

from benchmarks.adapters import OURS
from benchmarks.instructions import record
from benchmarks.instructions.__main__ import comparison, gate

COUNTED = {"chat, content, call": 400_000.0, "stream, content, call": 20_000.0}


def test_a_record_one_fifth_lower_fails_and_names_the_case() -> None:
    verdict = record.judge({**COUNTED, "chat, content, call": 320_000.0}, COUNTED)
    assert not verdict.passed
    assert [line for line in verdict.lines if "OVER" in line] == ["chat, content, call: 320,000 -> 400,000 (+25.0%) OVER THE RECORD"]


def test_a_little_more_and_much_less_than_the_record_pass() -> None:
    assert record.judge({name: count / 1.09 for name, count in COUNTED.items()}, COUNTED).passed
    assert record.judge({name: count * 2 for name, count in COUNTED.items()}, COUNTED).passed


def test_a_case_that_is_not_counted_any_more_fails() -> None:
    verdict = record.judge(COUNTED, {"chat, content, call": 400_000.0})
    assert not verdict.passed
    assert "stream, content, call: not counted any more" in verdict.lines


def test_an_absent_record_passes_and_says_so(tmp_path, capsys) -> None:
    assert gate(tmp_path / "record.json")
    said = capsys.readouterr().out
    assert "nothing compared: no record fits" in said
    assert record.conditions(OURS.requirements).name in said


def test_a_record_of_another_interpreter_is_not_compared_and_is_kept(tmp_path) -> None:
    path = tmp_path / "record.json"
    here = record.conditions(OURS.requirements)
    elsewhere = replace(here, interpreter="another")
    counts = record.Recorded({"chat, content, call": 1.0}, {"chat, content, call": 2.0})
    record.save(elsewhere, counts, path)
    assert record.load(here, path) is None
    record.save(here, counts, path)
    assert record.load(here, path) == record.load(elsewhere, path) == counts


def test_records_of_other_packages_are_dropped_when_a_new_one_is_made(tmp_path) -> None:
    path = tmp_path / "record.json"
    here = record.conditions(OURS.requirements)
    counts = record.Recorded({}, {})
    record.save(replace(here, packages="requirements of yesterday"), counts, path)
    record.save(here, counts, path)
    assert list(json.loads(path.read_text())) == [here.name]


def test_a_comparison_has_a_row_for_each_case_and_a_column_for_everyone() -> None:
    bare = {"chat, content, call": 4_100.0, "chat, content, collection": 1_100.0}
    ours = {"chat, content, call": 445_440.0, "chat, content, collection": 444_800.0}
    floor = {"chat, content, call": 303_600.0, "chat, content, collection": -40.0}
    rows = [line.rsplit(maxsplit=3) for line in comparison(bare, {"ours": ours, "floor": floor}).splitlines()]
    assert rows == [
        ["thousands of instructions, added", "bare", "ours", "floor"],
        ["chat, content, call", "4.1", "445.4", "303.6"],
        ["chat, content, collection", "1.1", "444.8", "-0.0"],
    ]
