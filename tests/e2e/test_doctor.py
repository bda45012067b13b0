"""Broken set-ups, each in processes of their own with real entry points: what the doctor finds, and what it says to do."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.broken_setups import SETUPS, Answering, environment, import_path
from tests.fakes.otlp_sink import OtlpSink
from tests.fakes.process import PythonRunner

if TYPE_CHECKING:
    import subprocess

GOLDEN = Path(__file__).parent / "golden" / "doctor.json"
DOCTOR = "import sys\nfrom agentops.cli import main\nsys.exit(main(['doctor', *sys.argv[1:]]))\n"
OFTEN = [name for name, setup in SETUPS.items() if setup.often]
SELDOM = [name for name, setup in SETUPS.items() if not setup.often]
VERSION = re.compile(r"\b\d+\.\d+(\.\d+)?(b\d+)?\b")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return reported(OFTEN, tmp_path_factory.mktemp("doctor"))


def reported(names: list[str], folder: Path) -> dict[str, dict[str, Any]]:
    """What the doctor reports of set-ups, run side by side; texts without what differs from machine to machine."""
    with OtlpSink() as up, Answering(401) as closed, Answering(404) as elsewhere, Answering(200, 403) as stranger:
        unused = Answering(200).start()
        unused.stop()
        places = {"up": up.url, "closed": closed.url, "elsewhere": elsewhere.url, "stranger": stranger.url, "down": unused.url}

        def report(name: str) -> dict[str, Any]:
            own = folder / name.replace(" ", "-").replace("'", "")
            done = run(name, own, {**places, "folder": str(own / "first")})
            text = done.stdout
            for label, place in {**places, "folder": str(own)}.items():
                text = text.replace(place, f"<{label}>").replace(place.removeprefix("http://"), f"<{label}>")
            found = json.loads(text)
            assert done.returncode == int(any(each["severity"] == "error" for each in found["findings"]))
            assert done.stderr == "" or SETUPS[name].sitecustomize, done.stderr
            return found

        with ThreadPoolExecutor(4) as pool:
            found = dict(zip(names, pool.map(report, names), strict=True))
        assert not up.spans()
        assert not up.failures
        return found


def run(name: str, folder: Path, places: dict[str, str]) -> subprocess.CompletedProcess[str]:
    setup = SETUPS[name]
    pythonpath = import_path(setup, folder / "first")
    folder.mkdir(parents=True, exist_ok=True)
    arguments = ["--json", *([] if setup.sdks else ["--no-sdks"]), *([] if setup.launched else ["--init"])]
    runner = PythonRunner(folder, folder / "local")
    return runner(DOCTOR, env=environment(setup, places), args=arguments, pythonpath=pythonpath, check=False)


def findings(report: dict[str, Any]) -> list[list[str]]:
    return [[settled(each[key]) for key in ("severity", "code", "problem", "action")] for each in report["findings"]]


def settled(text: str) -> str:
    """`text` without versions and without the exporters that happen to be installed."""
    return re.sub(r"installed \(agentops.*?\)", "installed (…)", VERSION.sub("<version>", text))


@pytest.mark.parametrize("name", OFTEN)
def test_each_set_up_is_diagnosed(reports: dict[str, dict[str, Any]], name: str) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert findings(reports[name]) == golden[name]


@pytest.mark.e2e
def test_more_set_ups_are_diagnosed(tmp_path: Path) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    found = reported(SELDOM, tmp_path)
    assert {name: findings(report) for name, report in found.items()} == {name: golden[name] for name in SELDOM}


def test_the_golden_findings_are_those_of_the_set_ups() -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert golden.keys() == SETUPS.keys()
    assert [name for name, found in golden.items() if not found] == ["healthy"]
    assert all(action for found in golden.values() for *_, action in found)


def test_who_won_and_why(reports: dict[str, dict[str, Any]]) -> None:
    start = reports["healthy"]["start"]
    assert (start["how"], start["distro"]["name"], start["configurator"]["name"]) == ("opentelemetry-instrument", "agentops", "agentops")
    assert "no vendor's distro" in start["distro"]["why"]
    lost = reports["sitecustomize alone, upstream's distro first"]["start"]
    assert (lost["how"], lost["distro"]["name"], lost["set_up"]) == ("sitecustomize", "distro", False)
    assert "comes first" in lost["distro"]["why"]
    assert "agentops of agentops-opentelemetry" in lost["distro"]["others"]


def test_who_instruments_what(reports: dict[str, dict[str, Any]]) -> None:
    found = {each["name"]: each for each in reports["two other instrumentors"]["instrumentors"]}
    assert found["agentops_openai"]["active"]
    assert found["agentops_openai"]["methods"] > 10
    assert {each["module"] for each in found["agentops_openai"]["wrapped"]} == {
        "openinference.instrumentation.openai",
        "opentelemetry.instrumentation.openai",
    }
    assert (found["openai_openinference"]["who"], found["openai_openinference"]["active"]) == ("foreign", True)
    assert found["threading"]["who"] == "other"
    assert "anthropic" in {each["library"] for each in reports["healthy"]["natives"]}


def test_where_data_goes_and_with_what(reports: dict[str, dict[str, Any]]) -> None:
    healthy, alone = reports["healthy"], reports["an SDK that is too old"]
    assert [(each["name"], each["places"]) for each in healthy["signals"]] == [(name, ["otlp"]) for name in ("traces", "metrics", "logs")]
    assert [each["ok"] for each in healthy["receivers"]] == [True] * 3
    assert healthy["content"]["mode"] == "NO_CONTENT"
    assert "other than AgentOps and the local store" in healthy["content"]["why"]
    assert alone["content"]["mode"] == "SPAN_ONLY"
    assert (alone["store"]["used"], alone["store"]["error"], alone["store"]["files"]) == (True, "", 0)
    assert not healthy["store"]["used"]


def test_no_secret_is_shown(run_python: PythonRunner) -> None:
    env = {"OTEL_EXPORTER_OTLP_HEADERS": "x-token=hunter2hunter2", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://u:hunter2hunter2@127.0.0.1:9"}
    for arguments in ([], ["--json"]):
        done = run_python(DOCTOR, env=env, args=["--no-sdks", "--no-network", "--init", *arguments])
        assert "hunter2" not in done.stdout + done.stderr
        assert "x-token=…" in done.stdout
