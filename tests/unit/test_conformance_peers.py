"""Scenarios through one instrumentation, observed and compared: ours for real, peers' telemetry made up."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from conformance import scenarios
from conformance.gate import Result as Verdict
from conformance.ledger import Bill, bill
from conformance.peers import OURS, PEERS, better, document, tables
from conformance.peers.observe import NO_SPAN, Observed, Result, is_call, observe
from conformance.peers.report_values import REPORT, Ran, Report

from agentops_conformance.values import Span
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.process import clean_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
OPENAI = scenarios.provider("openai")
PLAIN, STREAM = (next(each for each in OPENAI.scenarios if each.name == f"openai sync chat.create{rest}") for rest in ("", " stream"))
CALL = Span(
    "chat m",
    "client",
    "unset",
    {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 2},
)


def seen(**changes: object) -> Observed:
    ran = Ran(Bill(1, 5, 2), "0.jsonl", 0, "")
    whole = Observed(PLAIN, ran, (CALL,), {("deprecated", "gen_ai.system"): 3}, frozenset({"server.address"}), frozenset({"m"}))
    return replace(whole, **changes)  # type: ignore[arg-type]


def result(number: int = 0, **observed: Observed) -> Result:
    peer = OURS if number == 0 else PEERS[number - 1]
    return Result(peer, {"its-package": "1.0", "openai": "3.0"}, {PLAIN.name: seen(), **observed})


def rows(table: str) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {row[0]: row[1:] for row in cells}


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Result]:
    """Ours, driven in this environment as a peer is in its own."""
    folder = tmp_path_factory.mktemp("driven")
    environment = {**clean_environment(), **dict(OURS.environment), "AGENTOPS_LOCAL_DIR": str(folder / "store")}
    environment["PYTHONPATH"] = os.pathsep.join(str(ROOT / name) for name in ("conformance", "instrumentors"))
    command = [sys.executable, "-m", "conformance.peers.drive", str(folder), "ours", "openai"]
    subprocess.run(command, cwd=ROOT, env=environment, timeout=100, check=True)
    report = msgspec.json.decode((folder / REPORT).read_bytes(), type=Report)
    return report, observe(OURS, "openai", report, folder)


def test_every_scenario_is_run_billed_and_told_apart(driven: tuple[Report, Result]) -> None:
    report, ours = driven
    assert list(report.ran) == [scenario.name for scenario in OPENAI.scenarios]
    assert report.versions.keys() == {"agentops-opentelemetry", "openai"}
    for each in ours.observed.values():
        assert len(each.calls) == each.ran.bill.requests == len(each.scenario.operations), each.scenario.name
        for kind in ("input", "output"):
            assert each.tokens(kind) == each.billed(kind), each.scenario.name
    assert ours.observed[PLAIN.name].ran.bill == Bill(1, 22, 10)
    assert "gen_ai.client.operation.duration" in ours.observed[PLAIN.name].metrics
    assert ours.observed[STREAM.name].ran.chunks > 1
    assert not any(each.ran.error for each in ours.observed.values())


def test_an_undamaged_scenario_of_ours_has_nothing_to_find(driven: tuple[Report, Result]) -> None:
    plain = driven[1].observed[PLAIN.name]
    assert (dict(plain.violations), plain.missing) == ({}, frozenset())


def test_what_a_span_lacks_counts_even_where_it_does_not_say_what_it_is(tmp_path: Path) -> None:
    attributes = [{"key": "llm.token_count.prompt", "value": {"intValue": "22"}}]
    spans = [
        {"traceId": "a" * 32, "spanId": "1" * 16, "name": PLAIN.name, "kind": 1},
        {"traceId": "a" * 32, "spanId": "2" * 16, "parentSpanId": "1" * 16, "name": "Chat", "kind": 1, "attributes": attributes},
    ]
    scoped = [
        {"scope": {"name": name, "version": "1"}, "spans": [span]} for name, span in zip(("conformance.scenario", "p"), spans, strict=True)
    ]
    (tmp_path / "9.jsonl").write_bytes(msgspec.json.encode({"resourceSpans": [{"scopeSpans": scoped}]}))
    ran = Ran(Bill(1, 22, 10), "0.jsonl", 0, "")
    report = Report({scenario.name: ran for scenario in OPENAI.scenarios}, {})
    observed = observe(PEERS[0], "openai", report, tmp_path).observed
    plain = observed[PLAIN.name]
    assert [span.name for span in plain.calls] == ["Chat"]
    assert {"gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.response.id", "server.address"} <= plain.missing
    assert (plain.tokens("input"), plain.tokens("output"), plain.billed("input")) == (22, 0, 22)
    assert observed[STREAM.name].missing == {NO_SPAN}


@pytest.mark.parametrize(
    ("attributes", "counts"),
    [
        ({}, True),
        ({"gen_ai.operation.name": "chat"}, True),
        ({"gen_ai.operation.name": "execute_tool"}, False),
        ({"openinference.span.kind": "TOOL"}, False),
    ],
)
def test_spans_of_tools_are_no_calls(attributes: Mapping[str, str], counts: bool) -> None:
    assert is_call(replace(CALL, attributes=attributes)) is counts


def test_the_summary_counts_what_it_says() -> None:
    broken = seen(calls=(CALL, CALL), violations={}, missing=frozenset(), ran=Ran(Bill(1, 5, 2), "0.jsonl", 3, "TypeError: x"))
    cells = rows(tables.summary([result(), result(1, **{PLAIN.name: broken})]))
    assert cells["spans of calls"] == ["1", "2"]
    assert cells["scenarios with more spans than calls"] == ["0", "1"]
    assert cells["input tokens on spans"] == ["5", "10"]
    assert cells["scenarios whose tokens are not the ledger's"] == ["0", "1"]
    assert cells["violations, each kind once a scenario"] == ["1", "0"]
    assert cells["scenarios with all spans and no violation"] == ["0", "1"]
    assert cells["… that some other has there"] == ["1", "0"]
    assert cells["scenarios with an error that is none of the client's"] == ["0", "1"]
    assert cells["streams that give the program other chunks"] == ["0", "1"]


def test_kinds_of_violations_are_counted_by_scenario_and_foreign_namespaces_joined() -> None:
    violations = {
        ("missing_attribute", "llm.a"): 9,
        ("missing_attribute", "llm.b"): 9,
        ("missing_attribute", "gen_ai.x"): 1,
        ("unit_mismatch", ""): 2,
    }
    cells = rows(tables.kinds([result(), result(1, **{PLAIN.name: seen(violations=violations)})]))
    assert cells["`missing_attribute` llm.*"] == ["", "1"]
    assert cells["`missing_attribute` gen_ai.x"] == ["", "1"]
    assert cells["`unit_mismatch`"] == ["", "1"]
    assert cells["`deprecated` gen_ai.system"] == ["1", ""]


def test_scenarios_show_sync_and_async_once_where_they_agree() -> None:
    sister = f"openai async {PLAIN.name.split(' ', 2)[2]}"
    gone = seen(calls=(), missing=frozenset({NO_SPAN}))
    same = result(**{sister: seen()})
    other = result(1, **{sister: gone})
    assert rows(tables.by_scenario([same, other]))["chat.create"] == ["1 · 1", f"1 · 1 / {NO_SPAN}"]


def test_an_advantage_is_shown_with_its_remark_or_as_open() -> None:
    ahead = replace(CALL, attributes={**CALL.attributes, "gen_ai.request.temperature": 1.0, "acme.x": 1, "gen_ai.request.top_p": 0.5})
    theirs = seen(calls=(ahead,), violations={})
    openlit = next(number for number, peer in enumerate(PEERS, 1) if peer.name == "openlit")
    shown = better.better("openai", [result(), result(openlit, **{PLAIN.name: theirs})])
    assert "| `gen_ai.request.temperature` | OpenLIT | 1 | `1.0` | A value the request does not carry. |" in shown
    assert f"| `fewer violations` | OpenLIT | 1 | `0 instead of 1` | {better.OPEN} |" in shown
    assert "acme.x" not in shown


def test_who_missed_the_call_has_no_advantage() -> None:
    assert better.better("openai", [result(), result(1, **{PLAIN.name: seen(calls=(), missing=frozenset({NO_SPAN}), violations={})})]) == ""


def test_tokens_and_counts_nearer_to_the_ledger_are_advantages() -> None:
    ours = seen(calls=(CALL, CALL))
    found = {each.what for each in better.advantages(seen(), ours)}
    assert found == {"input tokens nearer to the ledger", "output tokens nearer to the ledger", "a count of spans nearer to that of calls"}


def test_every_remark_says_something_of_a_known_peer() -> None:
    titles = {peer.title for peer in PEERS}
    for remark in better.remarks():
        assert remark.says
        assert set(remark.peers) <= titles


def test_the_document_has_every_part() -> None:
    text = document.document({"openai": [result(), result(1)]}, Verdict((), ("openai sync x: it fails", "stale gap: y"), "summary"))
    for heading in (
        "## OpenAI",
        "### OpenAI: where others do better",
        "### OpenAI: which violations",
        "## Every scenario of ours",
        "### Declared gaps",
    ):
        assert f"\n{heading}\n" in text
    assert "| ours | its-package 1.0 | 3.0 |" in text
    assert "- it fails" in text


def test_every_peer_has_pinned_requirements() -> None:
    for peer in (OURS, *PEERS):
        pinned = (ROOT / "requirements" / peer.requirements).read_text(encoding="utf-8")
        assert "--hash=sha256:" in pinned
        assert "index-url" not in pinned


def test_a_bill_is_of_the_requests_between_two_numbers() -> None:
    with FakeOpenAI() as service:
        plain = next(each for each in OPENAI.scenarios if each.name == PLAIN.name)
        for _ in range(3):
            OPENAI.drive(plain, service)
    assert bill(service, 1, 3) == Bill(2, 44, 20)
