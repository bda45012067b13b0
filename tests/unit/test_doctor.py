"""The doctor in the calling process: an application's own set-up, libraries that emit by themselves, answers of receivers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec import json
from msgspec.structs import replace

from agentops.doctor import agentops_backend, answers, findings, natives, receivers, recording, report
from agentops.doctor.collect import shown
from agentops.doctor.facts import Instrumentor, Native, Receiver, Report
from tests.fakes.agentops_backend import FakeAgentOps
from tests.fakes.http import HttpServer, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.process import PythonRunner

KEY = "00000000-1111-2222-3333-444444444444"
OWN_PROVIDER = """
import json
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
import agentops
agentops.init()
from agentops.doctor import report
found = report(sdks=False, receivers=False)
codes = [each.code for each in found.findings]
print(json.dumps([found.start.how, found.start.set_up, found.signals[0].places, found.content.mode, codes]))
print(str(found).splitlines()[0])
"""


@pytest.fixture
def healthy() -> Report:
    """A report of this process, as if OpenTelemetry had been started in it."""
    found = report(sdks=False, receivers=False)
    start = replace(found.start, set_up=True, how="opentelemetry-instrument")
    return replace(found, start=start, instrumentors=(Instrumentor("agentops_openai", "ours", "x", "openai 3.0", active=True),), natives=())


def codes(found: Report) -> list[tuple[str, str]]:
    return [(finding.severity, finding.code) for finding in findings.diagnosed(found).findings]


def test_an_applications_own_provider_is_seen_from_inside(run_python: PythonRunner) -> None:
    first, second = run_python(OWN_PROVIDER).stdout.splitlines()
    how, set_up, places, mode, found = json.decode(first)
    assert (how, set_up, mode) == ("this process", True, "NO_CONTENT")
    assert "exporters of the provider that was there" in places
    assert "not-started" not in found
    assert second.startswith("agentops-opentelemetry ")


def test_a_process_without_opentelemetry_is_told_to_start_it() -> None:
    found = report(sdks=False, receivers=False)
    assert ("error", "not-started") in codes(found)
    assert json.decode(json.encode(found), type=Report) == found


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"OTEL_TRACES_EXPORTER": "none"}, "exporter-none"),
        ({"OTEL_TRACES_SAMPLER": "always_off"}, "sampled-out"),
        ({"OTEL_SDK_DISABLED": "TRUE"}, "sdk-disabled"),
    ],
)
def test_settings_that_record_nothing(healthy: Report, settings: dict[str, str], code: str) -> None:
    assert codes(healthy) == []
    assert codes(replace(healthy, settings=settings)) == [("error", code)]


def test_forced_double_counting_and_disabled_instrumentors(healthy: Report) -> None:
    ours = replace(healthy.instrumentors[0], methods=9)
    theirs = Instrumentor("openai", "foreign", "openinference-instrumentation-openai 1.0", "openai 3.0", active=True)
    unseen = replace(healthy, instrumentors=(ours, theirs), content=replace(healthy.content, mode="SPAN_ONLY"))
    assert codes(unseen) == [("error", "counted-twice")]
    assert codes(replace(unseen, settings={"AGENTOPS_INSTRUMENTATION_CONFLICT": "force"})) == [("warning", "counted-twice")]
    down = replace(ours, standing_down=("openai.x:Completions.create",))
    assert codes(replace(unseen, instrumentors=(down, theirs))) == [("note", "stands-down")]
    assert ("error", "counted-twice") in codes(replace(unseen, instrumentors=(down, theirs, replace(theirs, distribution="another 1.0"))))
    off = replace(healthy.instrumentors[0], active=False, why="OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=*")
    assert codes(replace(healthy, instrumentors=(off,))) == [("warning", "instrumentor-disabled")]
    assert codes(replace(healthy, instrumentors=())) == [("error", "no-instrumentors")]


def test_content_of_other_libraries_is_named(healthy: Report) -> None:
    mistral = Native("mistralai", "3.7.0", "mistralai", "yes: MISTRAL_SDK_TELEMETRY=global", "yes, always", "kept")
    foreign = Instrumentor("openai", "foreign", "openinference-instrumentation-openai 1.0", active=True)
    off = replace(healthy.content, mode="NO_CONTENT")
    found = replace(healthy, content=off, natives=(mistral,), instrumentors=(*healthy.instrumentors, foreign))
    assert codes(found) == [("warning", "native-content"), ("note", "foreign-content")]
    assert "scope mistralai" in findings.diagnosed(found).findings[0].problem


@pytest.mark.parametrize(
    ("env", "emits", "content"),
    [
        ({}, "yes", "no"),
        ({"ANTHROPIC_OPEN_TELEMETRY": "false"}, "no", "no"),
        ({"ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE": "content"}, "yes", "yes"),
    ],
)
def test_whether_an_sdk_emits_by_itself(monkeypatch: pytest.MonkeyPatch, env: dict[str, str], emits: str, content: str) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    (found,) = [each for each in natives.natives() if each.library == "anthropic"]
    assert (found.emits.partition(":")[0], found.content.partition(":")[0]) == (emits, content)


def test_the_exception_that_ended_it_is_found() -> None:
    said = ["Failed to auto initialize OpenTelemetry", "Traceback (most recent call last):", '  File "/x/hook.py", line 2, in hook']
    said += ["    raise Oops()", "theirs.OopsError: no licence"]
    assert recording.raised(said) == ("theirs.OopsError: no licence", "/x/hook.py")
    assert recording.raised([]) == ("", "")


class Once(HttpServer):
    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        super().__init__()
        self.respond = answer  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("reply", "said", "action"),
    [
        (Reply(status=302, headers={"Location": "/login"}), "to /login", "redirects"),
        (Reply(status=405), "405", "OTEL_METRICS_EXPORTER=none"),
        (Reply(status=422), "422", "header"),
        (Reply(status=503), "503", "its own log"),
        (Reply.drop(), "", ""),
        (Reply.hang(), "no answer within 0.3 s", ""),
    ],
)
def test_what_an_answer_means(reply: Reply, said: str, action: str) -> None:
    with Once(lambda _request: reply) as server:
        found = answers.ask(f"{server.url}/v1/metrics", b"", {}, 0.3)
    assert said in found.said
    assert action in answers.refused(found, "metrics", "VARIABLE", "HEADERS")


def test_otlp_endpoints_and_headers_are_those_of_the_exporters(monkeypatch: pytest.MonkeyPatch) -> None:
    with Once(lambda _request: Reply()) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{server.url}/base/")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", f"{server.url}/mine")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-one=1%20a,x-two=2")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x-three=3")
        monkeypatch.setenv("OTEL_METRICS_EXPORTER", "otlp")
        found = receivers.receivers(asked=True)
    assert [each.ok for each in found] == [True] * 3
    asked = {request.path: request.headers for request in server.requests}
    assert asked.keys() == {"/base/v1/traces", "/base/v1/metrics", "/mine"}
    assert (asked["/base/v1/traces"]["x-one"], asked["/mine"].get("x-one"), asked["/mine"]["x-three"]) == ("1 a", None, "3")
    assert all(request.body == b"" for request in server.requests)


def test_the_agentops_backend_takes_a_key_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    from agentops import config

    with FakeAgentOps(KEY) as backend:
        for name, value in backend.env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(config, "_current", None)
        found = agentops_backend.ask_agentops(Receiver("AgentOps", f"{backend.url}/v1/traces", ("traces",)), 3)
        assert found.ok, found
        assert "takes the key" in found.answer
        assert not backend.spans()
        backend.keys = ()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=secret, b=secret", "a=…, b=…"),
        ("AGENTOPS_API_KEY", KEY, "0000…(36 characters)"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://me:secret@otel.example", "https://[masked token]@otel.example"),
        ("OTEL_SERVICE_NAME", "shop", "shop"),
    ],
)
def test_settings_are_shown_without_secrets(name: str, value: str, expected: str) -> None:
    assert shown(name, value) == expected


def test_a_store_that_cannot_be_written_to(healthy: Report, tmp_path: Path) -> None:
    broken = replace(healthy, store=replace(healthy.store, used=True, error="x is not a folder"))
    assert codes(broken) == [("error", "store")]


def test_its_reader_may_leave_early(run_python: PythonRunner) -> None:
    script = "import os, sys\nfrom agentops.cli import main\nr, w = os.pipe()\nos.dup2(w, 1)\nos.close(r)\n"
    done = run_python(script + "sys.exit(main(['doctor', '--no-sdks', '--no-network', '--init']))", check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_code_is_in_the_documentation() -> None:
    source = Path(findings.__file__).parent
    used = {code for path in source.glob("*.py") for code in re.findall(r'Finding\(\s*"([a-z-]+)"', path.read_text(encoding="utf-8"))}
    told = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
    assert len(used) > 20
    assert {code for code in used if f"`{code}`" not in told} == set()
