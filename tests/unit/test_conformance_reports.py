"""Findings counted and written: grouped, ordered, filtered, and harmless to terminals and Markdown."""

from __future__ import annotations

import json

import pytest

from agentops_conformance.reports import FORMATS, Report, report, summary
from agentops_conformance.values import Finding, Level, Span, Telemetry
from agentops_conformance.vocabulary import vocabulary

TELEMETRY = Telemetry(spans=(Span("a", "client", "unset", {}), Span("b", "client", "unset", {})))


def finding(name: str = "a", rule: str = "deprecated", attribute: str = "gen_ai.system", level: Level = Level.VIOLATION) -> Finding:
    return Finding(rule, level, "span", name, {"attribute_key": attribute} if attribute else {}, f"{attribute or 'it'} is bad: do better")


def made(*findings: Finding, ignoring: tuple[str, ...] = (), telemetry: Telemetry = TELEMETRY) -> Report:
    return report(telemetry, findings, vocabulary(), ignoring)


def test_the_same_said_of_several_is_one_entry_with_its_places() -> None:
    (entry,) = made(finding("a"), finding("b"), finding("a")).entries
    assert (entry.rule, entry.attribute, entry.message, entry.count) == (
        "deprecated",
        "gen_ai.system",
        "gen_ai.system is bad: do better",
        3,
    )
    assert [str(place) for place in entry.places] == ["span 'a' (2 times)", "span 'b'"]


def test_worst_and_most_frequent_stand_first() -> None:
    found = made(
        finding(level=Level.INFORMATION, rule="i"),
        *[finding(level=Level.IMPROVEMENT, rule="m")] * 3,
        finding(rule="v"),
        *[finding(rule="w")] * 2,
    )
    assert [entry.rule for entry in found.entries] == ["w", "v", "m", "i"]
    assert summary(found) == "3 violations, 3 improvements, 1 information in 2 spans, 0 metrics, 0 log records"


@pytest.mark.parametrize(
    ("findings", "telemetry", "code"),
    [
        ((), TELEMETRY, 0),
        ((finding(level=Level.IMPROVEMENT),), TELEMETRY, 0),
        ((finding(),), TELEMETRY, 1),
        ((finding(),), Telemetry(spans=TELEMETRY.spans, unreadable=("x:1: no",)), 2),
        ((), Telemetry(), 2),
    ],
)
def test_the_exit_code_is_of_the_worst(findings: tuple[Finding, ...], telemetry: Telemetry, code: int) -> None:
    assert made(*findings, telemetry=telemetry).exit_code == code


@pytest.mark.parametrize(
    ("pattern", "left"),
    [("deprecated", 1), ("deprecated:gen_ai.system", 1), ("*:gen_ai.*", 1), ("dep*", 1), ("deprecated:other", 2), ("missing", 2)],
)
def test_what_is_ignored_is_counted_and_does_not_fail(pattern: str, left: int) -> None:
    found = made(finding(), finding(rule="other", attribute=""), ignoring=(pattern,))
    assert (found.count(Level.VIOLATION), found.ignored) == (left, 2 - left)


def test_a_level_hides_what_is_less_but_counts_it() -> None:
    found = made(finding(), finding(rule="m", level=Level.IMPROVEMENT), finding(rule="i", level=Level.INFORMATION))
    shown = {level: json.loads(FORMATS["json"](found, level)) for level in Level}
    assert [len(shown[level]["findings"]) for level in (Level.VIOLATION, Level.IMPROVEMENT, Level.INFORMATION)] == [1, 2, 3]
    assert all(document["counts"] == {"violation": 1, "improvement": 1, "information": 1} for document in shown.values())


def test_the_json_document() -> None:
    telemetry = Telemetry(spans=TELEMETRY.spans, unreadable=("f:2: no",))
    document = json.loads(FORMATS["json"](made(finding(), telemetry=telemetry), Level.VIOLATION))
    assert document == {
        "conventions": document["conventions"],
        "checked": {"spans": 2, "metrics": 0, "log_records": 0},
        "counts": {"violation": 1, "improvement": 0, "information": 0},
        "ignored": 0,
        "unreadable": ["f:2: no"],
        "findings": [
            {
                "level": "violation",
                "rule": "deprecated",
                "attribute": "gen_ai.system",
                "message": "gen_ai.system is bad: do better",
                "count": 1,
                "places": [{"signal": "span", "name": "a", "count": 1}],
            }
        ],
    }
    assert vocabulary().meta["commit"][:12] in document["conventions"]


def test_text_shows_control_characters_and_does_not_send_them() -> None:
    text = FORMATS["text"](made(finding(attribute="a\x1b[2J\u202eb")), Level.VIOLATION)
    assert "a\\x1b[2J\\u202eb is bad" in text
    assert not set(text) & {"\x1b", "\u202e"}


def test_markdown_escapes_what_telemetry_says() -> None:
    text = FORMATS["markdown"](made(finding("x | <b>\n`y`", attribute="a|b")), Level.VIOLATION)
    row = text.splitlines()[-1]
    assert row.replace("\\|", "").count("|") == 6
    assert "a\\|b is bad: do better" in row
    assert "\\<b\\>" in row


def test_many_places_are_named_in_part() -> None:
    text = FORMATS["text"](made(*(finding(f"span {number}") for number in range(8))), Level.VIOLATION)
    assert "span 'span 4' and 3 more" in text
