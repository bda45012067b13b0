"""Correlated log records of real programs: where they go under each configuration, each once, and how `agentops show` tells them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from google.protobuf import json_format
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs as encode_protobuf
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from agentops.store.encode_logs import encode_logs
from agentops.store.files import Limits, StoreFiles
from agentops.store.writer import StoreWriter
from tests.e2e.combinations import KEY
from tests.fakes.agentops_backend import FakeAgentOps
from tests.fakes.in_memory import InMemory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

INIT = "import agentops\nagentops.init(auto_start_session=False)\n"
WORK = """
import logging
import agentops
from opentelemetry import trace
logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s")
app = logging.getLogger("app")
app.info("before")
with agentops.start_trace("s"):
    with trace.get_tracer("t").start_as_current_span("tool") as tool:
        app.info("in the tool")
        print("printed")
    app.warning("in the session")
app.info("after")
"""
SAID = ["before", "in the tool", "in the session", "after"]
INSIDE = ["in the tool", "in the session"]
EVERYWHERE = {"AGENTOPS_AUTO_START_SESSION": "false", "OTEL_METRICS_EXPORTER": "none", "AGENTOPS_LOG_LEVEL": "ERROR"}
NO_CONTENT = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "NO_CONTENT"}
CAPTURE = {"AGENTOPS_CAPTURE_STDOUT": "true"}
SDK_HANDLER = {"OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "true", "PYTHONWARNINGS": "ignore::DeprecationWarning"}


def stored_logs(folder: Path) -> list[str]:
    """Bodies in the local store, in order."""
    lines = [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text(encoding="utf-8").splitlines()]
    scopes = [scope for line in lines for resource in line.get("resourceLogs", ()) for scope in resource["scopeLogs"]]
    records = [record for scope in scopes for record in scope["logRecords"] if "body" in record]
    return [record["body"]["stringValue"] for record in sorted(records, key=lambda record: int(record["timeUnixNano"]))]


@pytest.fixture
def agentops_sink() -> object:
    with FakeAgentOps(KEY) as backend:
        yield backend


CASES: Mapping[str, tuple[Mapping[str, str], tuple[list[str], list[str], list[str]]]] = {
    # (environment, (bodies in the local store, at AgentOps, at the OTLP receiver))
    "nothing": ({}, (INSIDE, [], [])),
    "nothing, content off": (NO_CONTENT, ([], [], [])),
    "no logs": ({"OTEL_LOGS_EXPORTER": "none"}, ([], [], [])),
    "key": ({"AGENTOPS_API_KEY": KEY}, ([], INSIDE, [])),
    "key, content off": ({"AGENTOPS_API_KEY": KEY, **NO_CONTENT}, ([], [], [])),
    "endpoint": ({"OTEL_EXPORTER_OTLP_ENDPOINT": "{otlp}"}, ([], [], INSIDE)),
    "endpoint, no logs": ({"OTEL_EXPORTER_OTLP_ENDPOINT": "{otlp}", "OTEL_LOGS_EXPORTER": "none"}, ([], [], [])),
    "prints": (CAPTURE, (["in the tool", "printed", "in the session"], [], [])),
    "prints, endpoint": ({**CAPTURE, "OTEL_EXPORTER_OTLP_ENDPOINT": "{otlp}"}, ([], [], ["in the tool", "printed", "in the session"])),
    # The SDK's own handler takes the whole process's records; in the store are those of sessions, each once.
    "the SDK's handler": (SDK_HANDLER, (INSIDE, [], [])),
    "the SDK's handler, endpoint": ({**SDK_HANDLER, "OTEL_EXPORTER_OTLP_ENDPOINT": "{otlp}"}, ([], [], SAID)),
}


@pytest.mark.parametrize(
    ("way", "case"),
    [*(("init", case) for case in CASES), ("launcher", "nothing"), ("launcher", "key"), ("launcher", "the SDK's handler, endpoint")],
)
def test_records_of_sessions_go_where_logs_go_once(
    run_python: PythonRunner, otlp_sink: OtlpSink, agentops_sink: FakeAgentOps, agentops_local_dir: Path, way: str, case: str
) -> None:
    given, expected = CASES[case]
    env = {**EVERYWHERE, **agentops_sink.places}
    env |= {name: value.format(otlp=otlp_sink.url) for name, value in given.items()}
    done = run_python(("" if way == "launcher" else INIT) + WORK, env=env, instrument=way == "launcher")
    assert done.stdout == "printed\n"
    if "SDK" not in case:
        # With a handler on the root logger, such as the SDK's, a program's basicConfig() prints as it likes.
        assert [line for line in done.stderr.splitlines() if line.startswith("app ")] == [f"app {text}" for text in SAID]
    sent = [sorted(sink.logs(), key=lambda log: log.time) for sink in (agentops_sink, otlp_sink)]
    assert (stored_logs(agentops_local_dir), *([log.body for log in logs] for logs in sent)) == expected
    for log in sent[1]:
        if log.body == "in the tool":
            (tool,) = otlp_sink.spans("tool")
            assert (log.trace_id, log.span_id) == (tool.trace_id, tool.span_id)


def test_show_tells_them_under_their_spans(run_python: PythonRunner, agentops_local_dir: Path) -> None:
    run_python(INIT + WORK, env={**EVERYWHERE, **CAPTURE})
    assert "in the tool" not in show(agentops_local_dir)
    lines = [line.rstrip() for line in show(agentops_local_dir, "--content").splitlines()]
    tree = lines[lines.index("") + 1 :]
    assert [line.split("  ")[0].strip() for line in tree if "invoke_workflow" in line or "tool " in line] != []
    told = [line for line in tree if any(text in line for text in (*SAID, "printed"))]
    assert [line.split(maxsplit=1) for line in (line.strip("│ ") for line in told)] == [
        ["warn", "app: in the session"],
        ["info", "app: in the tool"],
        ["print", "printed"],
    ]
    document = json.loads(show(agentops_local_dir, "--content", "--json"))
    (tool,) = [span for span in document["spans"] if span["name"] == "tool"]
    assert [(log["severity"], log["logger"], log["body"]) for log in tool["logs"]] == [
        ("INFO", "app", "in the tool"),
        ("INFO", "agentops.stdout", "printed"),
    ]
    assert all(span["logs"] == [] for span in json.loads(show(agentops_local_dir, "--json"))["spans"])


def show(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-X", "utf8", "-m", "agentops", "show", *arguments, "--dir", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True, timeout=60).stdout


def test_the_stores_encoding_is_otlps() -> None:
    span = SpanContext(2**127 + 5, 2**63 + 7, is_remote=False, trace_flags=TraceFlags(1))
    context = set_span_in_context(NonRecordingSpan(span), Context())
    full = LogRecord(
        timestamp=1,
        observed_timestamp=2,
        context=context,
        severity_text="WARN",
        severity_number=SeverityNumber.WARN,
        body={"a": [1, "b", True, 2.5, b"x"]},
        attributes={"k": "v", "n": 3},
        event_name="an.event",
    )
    plain = LogRecord(timestamp=5, observed_timestamp=6, context=Context(), body="text")
    with InMemory() as telemetry:
        telemetry.logger_provider.get_logger("one", "1", "https://schema/1").emit(full)
        telemetry.logger_provider.get_logger("two").emit(plain)
        records = telemetry.logs()
    ours = json.loads(encode_logs(records))
    for resource in ours["resourceLogs"]:
        for scope in resource["scopeLogs"]:
            for record in scope["logRecords"]:
                for name in ("traceId", "spanId"):
                    if name in record:
                        record[name] = _base64(record[name])
    parsed = json_format.ParseDict(ours, LogsData())
    assert parsed.resource_logs == LogsData(resource_logs=encode_protobuf(records).resource_logs).resource_logs
    assert records[0].resource == Resource({"service.name": "test"})


def _base64(hexed: str) -> str:
    from base64 import b64encode

    return b64encode(bytes.fromhex(hexed)).decode()


def test_a_sign_of_life_while_sessions_are_open(tmp_path: Path) -> None:
    from agentops.store.records import SessionStart

    open_sessions = [True]
    files = StoreFiles(tmp_path, Limits())
    writer = StoreWriter(files, alive=lambda: bool(open_sessions), heartbeat=0.05)
    writer.submit(SessionStart(1, 2, "s", time.time_ns()))
    assert writer.flush()
    (file,) = tmp_path.glob("*.jsonl")
    written, size = file.stat().st_mtime_ns, file.stat().st_size
    assert _within(10, lambda: file.stat().st_mtime_ns > written + 100_000_000)
    assert file.stat().st_size == size
    open_sessions.clear()
    time.sleep(0.2)
    rested = file.stat().st_mtime_ns
    time.sleep(0.3)
    assert file.stat().st_mtime_ns == rested


def _within(seconds: float, condition: object) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False
