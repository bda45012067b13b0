"""`agentops conformance` as users run it: on files, on pipes, as an endpoint, around a command."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentops.cli import main
from tests.fakes.process import clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [str(Path(sys.executable).with_name("agentops")), "conformance"]
# What any program with an OpenTelemetry SDK does; its exporter reads the environment.
PROGRAM = """
import sys
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
attributes = {
    "gen_ai.operation.name": "embeddings",
    "gen_ai.provider.name": "acme",
    "gen_ai.request.model": "m",
    "gen_ai.request.encoding_formats": ["float"],
    "gen_ai.response.model": "m",
    "gen_ai.embeddings.dimension.count": 2,
    "gen_ai.usage.input_tokens": 1,
    "server.address": "localhost",
    "server.port": 443,
}
attributes |= dict(pair.split("=") for pair in sys.argv[2:])
provider.get_tracer("lib", "1").start_span("embeddings m", kind=SpanKind.CLIENT, attributes=attributes).end()
provider.shutdown()
print("said by the program")
sys.exit(int(sys.argv[1]))
"""
BAD = "gen_ai.system=acme"


def run(*arguments: str, stdin: bytes = b"", timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[bytes]:
    whole = {**clean_environment(), **environment}
    return subprocess.run([*COMMAND, *arguments], input=stdin, capture_output=True, timeout=timeout, env=whole, check=False)


@pytest.fixture
def program(tmp_path: Path) -> list[str]:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return [sys.executable, str(path)]


def line(name: str = "chat m", **attributes: str) -> bytes:
    pairs = [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()]
    span = {"traceId": "a" * 32, "spanId": "b" * 16, "name": name, "kind": 1, "attributes": pairs}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"scope": {"name": "s", "version": "1"}, "spans": [span]}]}]}).encode()


def test_a_file_without_violations_is_0_and_one_with_some_is_1(tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_bytes(line() + b"\n\n" + line())
    (tmp_path / "bad.json").write_bytes(line(**{"gen_ai.system": "openai"}))
    good, bad, both = run(str(tmp_path / "good.jsonl")), run(str(tmp_path / "bad.json")), run(str(tmp_path))
    assert (good.returncode, bad.returncode, both.returncode) == (0, 1, 1)
    assert b"0 violations, 0 improvements, 0 information in 2 spans" in good.stdout
    assert b"violation  deprecated: gen_ai.system is deprecated: use gen_ai.provider.name\n    in span 'chat m'\n" in bad.stdout
    assert b"in 3 spans" in both.stdout
    assert good.stderr == bad.stderr == both.stderr == b""


def test_standard_input_and_one_document_over_several_lines() -> None:
    document = json.dumps(json.loads(line(**{"gen_ai.system": "x"})), indent=2).encode()
    done = run("-", "--format", "json", stdin=document)
    report = json.loads(done.stdout)
    assert (done.returncode, report["checked"]["spans"]) == (1, 1)
    assert [(entry["rule"], entry["attribute"]) for entry in report["findings"]] == [("deprecated", "gen_ai.system")]


def test_input_that_cannot_be_read_is_2_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "mixed.jsonl").write_bytes(line() + b"\nnot JSON\n")
    mixed, absent, nothing, usage = run(str(tmp_path / "mixed.jsonl")), run(str(tmp_path / "absent")), run("-"), run()
    assert [done.returncode for done in (mixed, absent, nothing, usage)] == [2, 2, 2, 2]
    assert b"mixed.jsonl:2" in mixed.stdout
    assert b"absent" in absent.stderr
    assert run("--declare", str(tmp_path / "mixed.jsonl"), "--", "echo", "ran").stdout == b""
    assert b"there was no telemetry to check" in nothing.stderr
    assert b"--listen" in usage.stderr


def test_metrics_and_log_records_of_a_collectors_file_are_checked(tmp_path: Path) -> None:
    point = {"asDouble": 1.0, "attributes": [], "startTimeUnixNano": "1", "timeUnixNano": "2"}
    metric = {
        "name": "gen_ai.client.token.usage",
        "unit": "s",
        "sum": {"isMonotonic": True, "aggregationTemporality": 2, "dataPoints": [point]},
    }
    scoped = {"scope": {"name": "s", "version": "1"}}
    lines = [
        {"resourceMetrics": [{"resource": {}, "scopeMetrics": [{**scoped, "metrics": [metric]}]}]},
        {"resourceLogs": [{"resource": {}, "scopeLogs": [{**scoped, "logRecords": [{"eventName": "gen_ai.nothing", "body": {}}]}]}]},
    ]
    file = tmp_path / "telemetry.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    report = json.loads(run(str(file), "--format", "json").stdout)
    assert report["checked"] == {"spans": 0, "metrics": 1, "log_records": 1}
    assert {"unit_mismatch", "unexpected_instrument", "missing_event"} <= {entry["rule"] for entry in report["findings"]}


def test_options_of_the_check_and_of_the_report(tmp_path: Path) -> None:
    file, output = tmp_path / "t.jsonl", tmp_path / "report.md"
    file.write_bytes(line(**{"gen_ai.system": "x", "gen_ai.input.messages": "[]", "nameless": "1"}))
    done = run(str(file), "--format", "markdown", "--output", str(output), "--ignore", "deprecated:gen_ai.*")
    assert (done.stdout, done.stderr) == (b"", b"")
    assert "1 ignored" in output.read_text(encoding="utf-8")
    assert "| violation | `missing_attribute` |" in output.read_text(encoding="utf-8")
    rules = {
        options: {entry["rule"] for entry in json.loads(run(str(file), "--format", "json", *options).stdout)["findings"]}
        for options in [(), ("--no-content",), ("--stability",), ("--level", "violation")]
    }
    assert len(rules["--no-content",]) == len(rules[()]) + 1
    assert "not_stable" in rules["--stability",] - rules[()]
    assert "missing_namespace" in rules[()] - rules["--level", "violation"]


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_bytes(b"\n".join(line(**{f"unknown.name{number}": "x" * 100}) for number in range(2000)))
    command = f'"{COMMAND[0]}" conformance "{tmp_path}" | head -1'
    done = subprocess.run(command, shell=True, capture_output=True, timeout=60, env=clean_environment(), check=False)
    assert (done.stdout.count(b"\n"), done.stderr) == (1, b"")


def test_a_commands_telemetry_is_checked_and_its_own_output_stays(program: list[str], tmp_path: Path) -> None:
    saved = tmp_path / "saved.jsonl"
    good, bad = run("--save", str(saved), "--", *program, "0"), run("--listen", "--", *program, "0", BAD)
    assert (good.returncode, bad.returncode) == (0, 1), good.stdout
    assert good.stdout.startswith(b"said by the program\nconventions: ")
    assert b"gen_ai.system is deprecated" in bad.stdout
    assert run(str(saved)).stdout == good.stdout.partition(b"\n")[2]


def test_what_cannot_be_saved_is_said_and_still_checked(program: list[str]) -> None:
    full = Path("/dev/full")
    assert full.exists()
    done = run("--save", str(full), "--", *program, "0")
    assert (done.returncode, b"in 1 span" in done.stdout) == (2, True)
    assert b"nothing more is saved to /dev/full: " in done.stderr


def test_a_command_sends_here_whatever_the_environment_says(program: list[str]) -> None:
    elsewhere = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/v1/traces", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assert b"1 span," in run("--", *program, "0", **elsewhere).stdout


def test_a_failing_command_fails_the_check(program: list[str]) -> None:
    clean, violating = run("--", *program, "7"), run("--", *program, "7", BAD)
    assert (clean.returncode, violating.returncode) == (7, 1)
    assert b"ended with exit code 7" in clean.stderr
    silent, unknown = run("--", sys.executable, "-c", "pass"), run("--", "no-such-command-anywhere")
    assert (silent.returncode, unknown.returncode) == (2, 2)
    assert b"no telemetry" in silent.stderr
    assert b"no-such-command-anywhere" in unknown.stderr


def test_a_command_that_outlasts_its_time_is_ended() -> None:
    headers = {"content-type": "application/json"}
    request = f"urllib.request.Request(os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'] + '/v1/traces', {line()!r}, {headers!r})"
    done = run(
        "--for", "8", "--", sys.executable, "-c", f"import os, time, urllib.request; urllib.request.urlopen({request}); time.sleep(600)"
    )
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert b"0 violations" in done.stdout
    assert b"ended with signal 15" in done.stderr


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The command, listening, and its endpoint."""
    with subprocess.Popen(
        [*COMMAND, "--listen", "127.0.0.1:0", "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment()
    ) as process:
        assert process.stderr
        yield process, process.stderr.readline().decode().strip().rpartition("=")[2]
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_listens_until_a_signal(listening: tuple[subprocess.Popen[bytes], str], program: list[str], number: int) -> None:
    process, endpoint = listening
    for arguments in (["0"], ["0", BAD]):
        subprocess.run([*program, *arguments], env={**clean_environment(), "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}, timeout=60, check=True)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, json.loads(output)["checked"]["spans"]) == (1, 2)
    assert errors == b""


def test_a_signal_ends_the_command_too(program: list[str]) -> None:
    script = "import time; print('up', flush=True); time.sleep(600)"
    with subprocess.Popen([*COMMAND, "--", sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"up\n"
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"ended with signal 15" in errors


def test_an_address_in_use_says_so(listening: tuple[subprocess.Popen[bytes], str]) -> None:
    done = run("--listen", listening[1].removeprefix("http://"))
    assert done.returncode == 2
    assert b"in use" in done.stderr


NONSENSE = ("f --listen", "f -- true", "--listen nowhere", "--listen h:99999", "f --for 1", "f --save g", "--listen --for 0", "--for nan")


@pytest.mark.parametrize("arguments", [*(words.split() for words in NONSENSE), ["--"], ["f", "--format", "html"]])
def test_arguments_that_make_no_sense_are_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["conformance", *arguments])
    assert raised.value.code == 2
    assert capsys.readouterr().err.startswith("usage: agentops conformance")


def test_it_works_as_a_module_and_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agentops_conformance", "-"],
        input=line(),
        capture_output=True,
        timeout=60,
        env=clean_environment(),
        check=False,
    )
    assert done.returncode == 0
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "conformance" in capsys.readouterr().out
