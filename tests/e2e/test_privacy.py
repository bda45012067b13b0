"""Canaries in everything a program and a model say: none leaves us with content off, nor past a redactor."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.e2e.canaries import PROGRAM, canaries, kept, script, sent
from tests.e2e.combinations import KEY, stored_spans
from tests.fakes.agentops_backend import FakeAgentOps

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.fakes.openai_server import FakeOpenAI
    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
REDACTOR = "import re\ndef hide(text):\n    return re.sub(r'CANARY\\w*', '[gone]', text)\n"


def left(sink: OtlpSink, folder: Path, errors: str) -> set[str]:
    """Canaries that left the process."""
    return {canary for data in (*sent(sink), *kept(folder), errors.encode()) for canary in canaries(data)}


@pytest.mark.parametrize("start", ["launcher", pytest.param("init", marks=pytest.mark.e2e)])
def test_with_content_off_no_byte_of_it_leaves(
    start: str, run_python: PythonRunner, openai_server: FakeOpenAI, otlp_sink: OtlpSink, agentops_local_dir: Path
) -> None:
    script(openai_server)
    env = {
        "SERVICE": openai_server.url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url,
        "OTEL_TRACES_EXPORTER": "otlp,agentops_local",
        "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT": "true",
        "SESSION": "1",
    }
    done = run_python("import agentops\nagentops.init()\n" * (start == "init") + PROGRAM, env=env, instrument=start == "launcher")
    assert left(otlp_sink, agentops_local_dir, done.stderr) == set()
    names = {span.name for span in otlp_sink.spans()}
    assert {"chat gpt-4o-mini", "embeddings text-embedding-3-small", "invoke_agent researcher", "execute_tool broken"} <= names
    assert otlp_sink.metrics()
    assert otlp_sink.logs()
    assert stored_spans(agentops_local_dir)
    (broken,) = otlp_sink.spans("execute_tool broken")
    assert broken.attributes["error.type"] == "ValueError"


@pytest.mark.parametrize("mode", ["NO_CONTENT", pytest.param("SPAN_ONLY", marks=pytest.mark.e2e)])
def test_nor_does_it_go_to_agentops(mode: str, run_python: PythonRunner, openai_server: FakeOpenAI, tmp_path: Path) -> None:
    script(openai_server)
    (tmp_path / "house_rules.py").write_text(REDACTOR, encoding="utf-8")
    with FakeAgentOps(KEY) as backend:
        settings = {CAPTURE: mode, "AGENTOPS_REDACTOR": "house_rules:hide", "AGENTOPS_UPLOAD_LOGS": "true", "SESSION": "1"}
        done = run_python(PROGRAM, env={**backend.env, **settings, "SERVICE": openai_server.url}, instrument=True)
    assert left(backend, tmp_path / "agentops-local", done.stderr) == set()
    (chat, *_rest) = backend.spans("chat gpt-4o-mini")
    assert any("[gone]" in str(value) for value in chat.attributes.values()) == (mode == "SPAN_ONLY")


def test_a_crash_tells_its_type_alone(
    run_python: PythonRunner, openai_server: FakeOpenAI, otlp_sink: OtlpSink, agentops_local_dir: Path
) -> None:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url, "OTEL_TRACES_EXPORTER": "otlp,agentops_local"}
    program = "import agentops\nagentops.start_session()\nraise RuntimeError('CANARYraised')\n"
    run_python(program, env=env, instrument=True, check=False)
    assert left(otlp_sink, agentops_local_dir, "") == set()
    (root,) = otlp_sink.spans()
    assert root.attributes["agentops.session.end_state"] == "Fail"


@pytest.mark.parametrize("mode", [pytest.param("SPAN_ONLY", marks=pytest.mark.e2e), "SPAN_AND_EVENT"])
def test_past_a_redactor_only_its_replacement_goes(
    mode: str, run_python: PythonRunner, openai_server: FakeOpenAI, otlp_sink: OtlpSink, agentops_local_dir: Path, tmp_path: Path
) -> None:
    script(openai_server)
    (tmp_path / "house_rules.py").write_text(REDACTOR, encoding="utf-8")
    env: Mapping[str, str] = {
        "SERVICE": openai_server.url,
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url,
        "OTEL_TRACES_EXPORTER": "otlp,agentops_local",
        CAPTURE: mode,
        "AGENTOPS_REDACTOR": "house_rules:hide",
        "SESSION": "1",
        "CRASH": "1",
    }
    done = run_python(PROGRAM, env=env, instrument=True, check=False)
    said = done.stderr.replace("RuntimeError: CANARYraised", "").replace('raise RuntimeError("CANARYraised")', "")
    assert left(otlp_sink, agentops_local_dir, said) == set()
    (chat, *_rest) = otlp_sink.spans("chat gpt-4o-mini")
    for name in ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.definitions"):
        assert "[gone]" in str(chat.attributes[name])
    (look_up,) = otlp_sink.spans("execute_tool look_up")
    assert "[gone]" in str(look_up.attributes["gen_ai.tool.call.arguments"])
    assert "[gone]" in str(look_up.attributes["gen_ai.tool.call.result"])
    (broken,) = otlp_sink.spans("execute_tool broken")
    assert [event.attributes["exception.message"] for event in broken.events] == ["[gone]"]
    assert any("[gone]" in str(log) for log in otlp_sink.logs())


def test_the_search_finds_what_is_there() -> None:
    for offset in range(3):
        assert canaries(base64.b64encode(b"x" * offset + b"CANARYimage and more"))
    assert canaries(b"CANARY".hex().encode())
    assert canaries(b'{"a": "CANARYx"}') == {"CANARYx"}
    assert not canaries(b"nothing")
