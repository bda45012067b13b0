"""Weaver's findings beside ours, with a stand-in for its executable that takes its arguments and writes its report."""

from __future__ import annotations

import json
import os
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from conformance.weaver import main

from agentops_conformance import weaver
from agentops_conformance.values import Event, Finding, Level, Metric, Point, Resource, Span, Telemetry
from agentops_conformance.vocabulary import vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Json = dict[str, Any]

TELEMETRY = Telemetry(
    resources=(Resource({"service.name": "s"}),),
    spans=(
        Span(
            "chat m",
            "client",
            "error",
            {"gen_ai.system": "x", "raw": b"\0", "list": ["a"]},
            events=(Event("exception", {"exception.type": "E"}),),
            message="no",
        ),
        Span("odd", "unspecified", "unset", {}),
    ),
    metrics=(
        Metric("gen_ai.x", "s", "histogram", (Point({"a.b": 1}, value=2.5, count=3, buckets=(1.0, 2.0)),)),
        Metric("n", "1", "counter", (Point({}, value=4.0),)),
    ),
    records=(Event("an.event", {"c.d": True}, severity=9, body={"k": 1}),),
)
# What Weaver writes: samples as they were given, with a result at each level that was checked.
STAND_IN = """#!{python}
import json, pathlib, sys

arguments = sys.argv[1:]
folder = pathlib.Path(arguments[arguments.index("--output") + 1])
samples = json.loads(pathlib.Path(arguments[arguments.index("--input-source") + 1]).read_text())
pathlib.Path({said!r}).write_text(json.dumps({{"arguments": arguments, "samples": samples}}))
{body}
"""
REPORTING = """
def advice(id, level, signal_type, signal_name, **context):
    one = {"id": id, "level": level, "message": "m", "signal_type": signal_type, "signal_name": signal_name, "context": context}
    return {"all_advice": [one], "highest_advice_level": level}

for sample in samples:
    for attribute in sample.get("span", {}).get("attributes", ()):
        if attribute["name"] == "gen_ai.system":
            attribute["live_check_result"] = advice("deprecated", "violation", "span", "chat m", attribute_key="gen_ai.system")
    if "metric" in sample:
        sample["metric"]["live_check_result"] = advice("missing_metric", "violation", "metric", sample["metric"]["name"])
        sample["metric"]["data_points"][0]["live_check_result"] = {"all_advice": [], "highest_advice_level": None}
    if "span" in sample:
        sample["span"]["live_check_result"] = None
report = {"samples": samples, "statistics": {"total_entities": len(samples)}}
(folder / "live_check.json").write_text(json.dumps(report))
sys.exit(1)
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Callable[[], Json]]:
    """Puts a `weaver` that does this on the path; what comes back tells what it was given."""

    def install(body: str) -> Callable[[], Json]:
        said = tmp_path / "said.json"
        program = tmp_path / "weaver"
        program.write_text(STAND_IN.format(python=sys.executable, said=str(said), body=body))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        return lambda: json.loads(said.read_text())

    return install


def test_weaver_is_given_samples_in_its_own_form(stand_in: Callable[[str], Callable[[], Json]]) -> None:
    given = stand_in(REPORTING)
    weaver.live_check(TELEMETRY, "registry")
    samples: list[Json] = given()["samples"]
    assert [next(iter(sample)) for sample in samples] == ["resource", "span", "span", "metric", "metric", "log"]
    assert samples[0]["resource"] == {"attributes": [{"name": "service.name", "value": "s"}]}
    assert samples[1]["span"] == {
        "name": "chat m",
        "kind": "client",
        "status": {"code": "error", "message": "no"},
        "attributes": [{"name": "gen_ai.system", "value": "x"}, {"name": "raw", "value": "AA=="}, {"name": "list", "value": ["a"]}],
        "span_events": [{"name": "exception", "attributes": [{"name": "exception.type", "value": "E"}]}],
    }
    assert samples[2]["span"]["kind"] == "internal"
    points = [{"attributes": [{"name": "a.b", "value": 1}], "count": 3, "sum": 2.5, "explicit_bounds": [1.0, 2.0]}]
    assert samples[3]["metric"] == {"name": "gen_ai.x", "unit": "s", "instrument": "histogram", "data_points": points}
    assert samples[4]["metric"]["data_points"] == [{"attributes": [], "value": 4.0}]
    attributes = [{"name": "c.d", "value": True}]
    assert samples[5]["log"] == {"event_name": "an.event", "severity_number": 9, "body": '{"k": 1}', "attributes": attributes}


def test_weaver_is_asked_for_json_of_the_registry_our_extract_is_of(stand_in: Callable[[str], Callable[[], Json]]) -> None:
    given = stand_in(REPORTING)
    registry = weaver.registry_of(vocabulary())
    weaver.live_check(TELEMETRY, registry)
    arguments = given()["arguments"]
    assert arguments[:2] == ["registry", "live-check"]
    options = dict(pairwise(arguments))
    assert (options["--registry"], options["--input-format"], options["--format"]) == (registry, "json", "json")
    assert "--no-stream" in arguments
    assert registry == f"https://github.com/open-telemetry/semantic-conventions-genai.git@{vocabulary().meta['commit']}[model]"


def test_findings_are_read_at_every_depth(stand_in: Callable[[str], Callable[[], Json]]) -> None:
    stand_in(REPORTING)
    assert weaver.live_check(TELEMETRY, "r") == [
        weaver.Said("deprecated", "violation", "span", "", "gen_ai.system"),
        weaver.Said("missing_metric", "violation", "metric", "gen_ai.x", ""),
        weaver.Said("missing_metric", "violation", "metric", "n", ""),
    ]


def test_the_comparison_is_of_shared_findings_about_shared_names() -> None:
    def ours(rule: str, signal: str, name: str, attribute: str = "") -> Finding:
        return Finding(rule, Level.VIOLATION, signal, name, {"attribute_key": attribute} if attribute else {}, "m")

    own = vocabulary().own
    declared = next(iter(own.attributes))
    found = [
        ours("deprecated", "span", "chat m", "gen_ai.system"),
        ours("deprecated", "span", "chat n", "gen_ai.system"),
        ours("unit_mismatch", "metric", "gen_ai.x"),
        ours("genai_span_name_format", "span", "chat m"),
    ]
    theirs = [
        weaver.Said("deprecated", "violation", "span", "", "gen_ai.system"),
        weaver.Said("missing_metric", "violation", "metric", "n", ""),
        weaver.Said("missing_attribute", "violation", "span", "", declared),
        weaver.Said("missing_metric", "violation", "metric", next(iter(own.metrics)), ""),
    ]
    compared = weaver.compare(weaver.said(found), theirs, own)
    assert compared == weaver.Comparison(
        both=(weaver.Said("deprecated", "violation", "span", "", "gen_ai.system"),),
        weaver_only=(weaver.Said("missing_metric", "violation", "metric", "n", ""),),
        ours_only=(weaver.Said("unit_mismatch", "violation", "metric", "gen_ai.x", ""),),
        outside=2,
    )


def test_a_level_that_differs_is_a_difference() -> None:
    ours = Finding("deprecated", Level.IMPROVEMENT, "span", "s", {"attribute_key": "a.b"}, "m")
    theirs = weaver.Said("deprecated", "violation", "span", "", "a.b")
    compared = weaver.compare(weaver.said([ours]), [theirs], vocabulary().own)
    assert (compared.both, len(compared.weaver_only), len(compared.ours_only)) == ((), 1, 1)


def test_a_weaver_that_fails_is_quoted(stand_in: Callable[[str], Callable[[], Json]]) -> None:
    stand_in("print('no such registry', file=sys.stderr)\nsys.exit(1)")
    with pytest.raises(weaver.WeaverError, match="no such registry"):
        weaver.live_check(TELEMETRY, "r")


def test_without_weaver_the_command_says_what_to_do(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(weaver.WeaverError, match=r"weaver is not on PATH.*releases.*try again"):
        weaver.live_check(TELEMETRY, "r")
    assert main([]) == 2
    assert "weaver is not on PATH" in capsys.readouterr().err


def test_the_command_lists_what_one_alone_finds(
    stand_in: Callable[[str], Callable[[], Json]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = stand_in(REPORTING)
    monkeypatch.setenv("WEAVER_REGISTRY", "a/copy")
    assert main(["--provider", "ollama"]) == 1
    output = capsys.readouterr().out
    assert "a/copy" in given()["arguments"]
    assert "Weaver alone: violation  missing_metric  metric: gen_ai.client.inference.duration" in output
    assert "ours alone: improvement  not_stable  span: gen_ai.operation.name" in output
    assert "of Weaver alone" in output.splitlines()[-2]
