"""The benchmarks' own logic: verdicts from numbers, failing peers named, parts kept, plots that are SVG, environments that agree."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from benchmarks import document, measure, plots, run, startup
from benchmarks.adapters import BARE, OURS, PEERS, Adapter
from benchmarks.environments import ROOT
from benchmarks.process import FailedError, Worker, environment, finished
from benchmarks.series import Estimate, Result, Series, estimate, results
from benchmarks.shape import CONTENT, NO_CONTENT, SAMPLED_OUT
from benchmarks.suites import BENCH_PEERS, Suite
from benchmarks.targets import Verdict, best, limit, recorded, verdicts

if TYPE_CHECKING:
    from collections.abc import Mapping

WHOLE = {"spans": 1.0, "attributes": 20.0, "text": 1300.0, "logs": 0.0, "metric records": 3.0}
NAMES = [peer.name for peer in PEERS]


def costing(micros: float, total: float | None = None) -> Series:
    """Blocks around a cost, in µs."""
    values = [(micros + off) * 1e3 for off in (-1, 0, 0, 1)]
    return Series(values, list(values), [(total if total is not None else micros) * 1e3] * 4)


def case(name: str = "chat", setting: str = CONTENT, unit: str = "call", **added: Series) -> Result:
    """A case that everyone recorded whole."""
    return Result(name, setting, unit, {"bare": costing(1000)}, dict(added), {who: dict(WHOLE) for who in added})


def verdict(what: str, given: list[Result], parts: Mapping[str, Any] | None = None, limit: str = "") -> Verdict:
    """The one on `what`."""
    return next(each for each in verdicts(given, parts or {}, NAMES) if each.what == what and limit in each.limit)


@pytest.mark.parametrize(("ours", "total", "held"), [(34, 34, True), (36, 36, False), (34, 36, False)])
def test_a_limit_is_held_where_both_clocks_keep_it(ours: float, total: float, held: bool) -> None:
    chat = case(ours=costing(ours, total), official=costing(200), langfuse=costing(100))
    assert verdict("chat, content", [chat], limit="best peer").held is held


def test_the_best_peer_is_one_that_recorded_the_case() -> None:
    chat = case(ours=costing(30), official=costing(200), langfuse=costing(100), openlit=costing(5))
    chat.recorded["openlit"] = {**WHOLE, "text": 12.0}
    assert not recorded(chat, "openlit")
    assert best(chat, NAMES, "cpu") == "langfuse"
    chat.recorded["langfuse"] = {**WHOLE, "spans": 0.0}
    assert best(chat, NAMES, "cpu") == "official"
    assert limit(chat, NAMES) == pytest.approx(0.35 * 200e3)


def test_without_content_no_text_is_asked_for() -> None:
    chat = case(setting=NO_CONTENT, ours=costing(30), official=costing(100))
    chat.recorded["official"] = {**WHOLE, "text": 3.0}
    assert recorded(chat, "official")
    assert verdict("chat, no content", [chat]).held is True


def test_what_was_not_measured_is_neither_held_nor_missed() -> None:
    assert {each.held for each in verdicts([], {}, NAMES)} == {None}
    assert verdict("chat, content", [case(ours=costing(30))], limit="best peer").said == "not measured"
    assert verdict("stream, content", [case("stream", official=costing(30))]).said == "not measured"


def test_the_uncertainty_of_a_median_is_that_of_all_its_values_together() -> None:
    values = [float(value) for value in range(1, 100)]
    assert estimate(values) == Estimate(50.0, pytest.approx(1.57 * 50 / 99**0.5))
    assert estimate(values * 100).error == pytest.approx(1.57 * 50 / 9900**0.5)
    assert estimate([3.0]) == Estimate(3.0, 0.0)
    assert Estimate(30, 3).over(Estimate(100, 5)) == Estimate(0.3, pytest.approx(0.3 * (0.1**2 + 0.05**2) ** 0.5))
    assert Estimate(30, 3).less(Estimate(10, 4)) == Estimate(20, 5)


def test_a_limit_within_the_uncertainty_is_judged_by_the_figure_which_shows_it() -> None:
    wide = Series(*([value * 1e3 for value in range(13, 54)] for _ in range(3)))
    judged = verdict("chat, no content", [case(setting=NO_CONTENT, ours=wide, official=costing(100))])
    assert judged.held is True
    assert judged.measured == "0.33 ± 0.05 of official (cpu); 0.33 ± 0.05 of official (total)"


def test_a_peer_lost_in_its_own_scatter_is_nothing_to_compare_with() -> None:
    scattered = Series([-9e3, -5e3, 8e3, 9e3], [-9e3, -5e3, 8e3, 9e3], [-9e3, -5e3, 8e3, 9e3])
    assert verdict("chat, no content", [case(setting=NO_CONTENT, ours=costing(3), official=scattered)]).held is None


@pytest.mark.parametrize(("ours", "theirs", "held"), [(2.9, 1, True), (8, 30, True), (12, 30, False)])
def test_a_chunk_may_cost_three_microseconds_or_a_share(ours: float, theirs: float, held: bool) -> None:
    assert verdict("stream, content", [case("stream", ours=costing(ours), official=costing(theirs))]).held is held


def test_an_image_may_cost_and_leave_so_much() -> None:
    image = case("1 MB image", ours=costing(199))
    image.recorded["ours"]["text"] = 1025.0
    assert verdict("1 MB image", [image]).held is True
    assert verdict("1 MB image", [case("1 MB image", ours=costing(199, 201))]).held is False
    assert verdict("1 MB image, text kept of the whole call", [image]).held is False


def test_sampled_out_is_held_against_the_records_of_the_same_run() -> None:
    what = "chat, sampled out"
    assert verdict(what, [case(setting=SAMPLED_OUT, ours=costing(54), records=costing(40))]).held is True
    assert verdict(what, [case(setting=SAMPLED_OUT, ours=costing(56), records=costing(40))]).held is False
    assert verdict(what, [case(setting=SAMPLED_OUT, ours=costing(10))]).held is None


def test_growth_decorators_sessions_and_loops_are_judged() -> None:
    parts = {
        "spans": {"ours": {"off": 290.0, "rounds": [{"span by hand": 10.0, "@tool": 13.1, "@operation": 12.9}] * 3}},
        "memory": [
            {"adapter": "ours", "what": "calls", "count": 100_000, "samples": [50_000_000, 51_000_000]},
            {"adapter": "ours", "what": "streams", "count": 10_000, "samples": [50_000_000, 51_000_001]},
            {"adapter": "official", "what": "calls", "count": 10_000, "samples": [50_000_000, 90_000_000]},
        ],
        "open sessions": {"chat": [100.0, 100.0, 110.0], "session": [100.0, 100.0, 111.0]},
        "event loop": {"bare": [24e6] * 4, "ours": [26.1e6] * 4},
    }
    held = {each.what: each.held for each in verdicts([], parts, NAMES) if each.held is not None}
    assert held == {
        "`@tool` around nothing": False,
        "`@operation` around nothing": True,
        "a decorator, not initialised": True,
        "memory over 100,000 calls": True,
        "memory over 10,000 streams": False,
        "a chat with 10,000 open sessions": True,
        "a session with 10,000 open sessions": False,
        "event loop, 5 MB prompt: longest gap over bare": False,
    }


def test_results_survive_as_json() -> None:
    chat = case(ours=costing(30), official=costing(100))
    assert results(json.loads(json.dumps([chat.plain()]))) == [chat]


def test_a_process_that_ends_says_why() -> None:
    with pytest.raises(FailedError, match="No module named"):
        Worker(Path(sys.executable), "benchmarks.worker", ["benchmarks.adapters.nobody", CONTENT], {})


SILENT = ["-n", "1", "-r", "1", "import os, time; os.fork(); time.sleep(600)"]
"""What `python -m timeit` never answers to, in two processes."""


def test_a_process_that_never_answers_is_ended_and_says_so() -> None:
    with pytest.raises(FailedError, match=r"no answer within 0\.5 s"):
        Worker(Path(sys.executable), "timeit", SILENT, {}, within=0.5)


def test_a_question_that_is_never_answered_ends_the_process_and_what_it_forked() -> None:
    said = "import os, sys, time; os.fork() or time.sleep(600); print('{}', flush=True); sys.stdin.readline(); time.sleep(600)"
    worker = Worker(Path(sys.executable), "timeit", ["-n", "1", "-r", "1", said], {}, within=2)
    with pytest.raises(FailedError, match="no answer within 2 s"):
        worker.ask(times=1)
    worker.close()


def test_a_process_that_does_not_end_in_time_is_ended() -> None:
    python, variables = Path(sys.executable), environment({})
    with pytest.raises(FailedError, match=r"no answer within 0\.2 s"):
        finished([str(python), "-c", "import time; time.sleep(600)"], variables, within=0.2)
    with pytest.raises(FailedError, match=r"no answer within 0\.2 s"):
        startup.launch(python, "import time; time.sleep(600)", variables, within=0.2)


def test_a_process_that_fails_gives_its_last_words() -> None:
    with pytest.raises(FailedError, match="it broke"):
        finished([sys.executable, "-c", "import sys; sys.exit('it broke')"], environment({}))


@pytest.mark.e2e
def test_a_peer_that_fails_is_named_and_the_others_are_measured() -> None:
    python = Path(sys.executable)
    broken = Adapter("broken", "", module_name="nobody")
    suite = Suite("test", (), generations=2, blocks=1, launches=1, rounds=1)
    failures: dict[str, str] = {}
    (measured,) = measure.calls({BARE: python, OURS: python, broken: python}, NO_CONTENT, suite, failures, lambda _: None, only="chat")
    assert list(failures) == ["broken"]
    assert "nobody" in failures["broken"]
    assert set(measured.added) == {"ours", "bare"}
    assert set(measured.bare) == {"bare"}
    assert len(measured.added["ours"].cpu) == 2
    assert measured.recorded["ours"]["spans"] == 1


def test_bare_code_that_fails_ends_the_part() -> None:
    with pytest.raises(FailedError), measure.noted(BARE, {}):
        raise FailedError("gone")


def test_the_report_names_failures_and_every_verdict(tmp_path: Path) -> None:
    image = case("1 MB image", ours=costing(900), official=costing(800))
    started = case("every provider, by hand", "start-up", "process", ours=costing(70_000))
    found = {
        "calls, content": {"value": [image.plain()], "failures": {"langfuse": "it broke"}, "load": 1.0, "took": 1.0},
        "start-up, every provider": {"value": [started.plain()], "failures": {}, "load": 1.0, "took": 1.0},
        "memory": {
            "value": [{"adapter": "ours", "what": "calls", "count": 5, "samples": [1, 2]}],
            "failures": {},
            "load": 1.0,
            "took": 1.0,
        },
        "open sessions": {"value": {"chat": [1.0] * 5}, "failures": {}, "load": 1.0, "took": 1.0},
        "spool": {"value": None, "failures": {"ours": "no such thing"}, "load": 1.0, "took": 1.0},
    }
    document.write(BENCH_PEERS, found, tmp_path)
    text = (tmp_path / "RESULTS.md").read_text()
    assert "Langfuse could not be measured in “calls, content”: it broke" in text
    assert "ours could not be measured in “spool”: no such thing" in text
    assert "| 1 MB image | ≤ 0.2 ms | 0.90 ± 0.00 ms (cpu); 0.90 ± 0.00 ms (total) | missed |" in text
    assert "| start-up, every provider, by hand | ≤ 60 ms | 70.0 ± 0.0 ms (wall); 70.0 ± 0.0 ms (cpu) | missed |" in text
    shown = re.findall(r"\((\S+\.svg)\)", text)
    assert {"calls.svg", "start-up.svg", "growth.svg"} == set(shown)
    for name in shown:
        root = ElementTree.parse(tmp_path / name).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert any("ours" in (element.text or "") or "calls" in (element.text or "") for element in root.iter())


def test_bars_are_as_long_as_their_values() -> None:
    bars = [plots.Bar("ours", Estimate(10, 1), 20, ours=True), plots.Bar("other", Estimate(40, 0), 40)]
    drawn = ElementTree.fromstring(f"<g>{plots.Panel('chat', 'µs', bars, 30).draw()}</g>")
    widths = [float(element.attrib["width"]) for element in drawn.iter("rect")]
    assert widths == [pytest.approx(widths[-1] / 2, abs=0.2), pytest.approx(widths[-1] / 4, abs=0.2), widths[-1]]
    assert "limit" in [element.text for element in drawn.iter("text")]


def test_a_run_that_was_interrupted_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    state = ["one"]

    def part(name: str, fails: bool = False) -> Any:
        def measured(_: object) -> str:
            done.append(name)
            if fails:
                raise FailedError("broke")
            return name

        return measured

    monkeypatch.setattr(run, "PARTS", {"a": part("a"), "b": part("b", fails=True), "c": part("c")})
    monkeypatch.setattr(run, "_environments", lambda suite, failures: {})
    monkeypatch.setattr(run, "_state", lambda suite: state[0])
    suite = Suite("test", (), 1, 1, 1, 1)

    def again(fresh: bool = False) -> list[str]:
        done.clear()
        run.measured(suite, tmp_path / "home", ["a", "b", "c"], None, fresh=fresh)
        return list(done)

    assert again() == ["a", "b", "c"]
    assert again() == ["b"], "what failed as a whole is tried again, and nothing else"
    assert json.loads((tmp_path / "home" / "b.json").read_text())["failures"] == {"ours": "broke"}
    state[0] = "another"
    assert again() == ["a", "b", "c"], "another state is measured anew"
    assert again(fresh=True) == ["a", "b", "c"]


def test_peers_stand_on_the_versions_of_this_project() -> None:
    """All but the one that refuses its client."""
    alike = r"^(openai|opentelemetry-sdk|opentelemetry-api|pydantic|httpx2)==(\S+)"

    def pinned(name: str) -> set[tuple[str, str]]:
        return set(re.findall(alike, (ROOT / "requirements" / name).read_text(), re.MULTILINE))

    for peer in PEERS:
        if not peer.other_client:
            assert pinned(peer.requirements) == pinned(OURS.requirements) == pinned(BARE.requirements), peer.name
        else:
            assert "refuses" in peer.remark
