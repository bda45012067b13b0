"""A session's log as one text at AgentOps, opt-in, in real programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agentops import config
from agentops.export import tokens
from agentops.export.uploads import SessionLogs
from agentops_instrumentors.core import guard
from tests.fakes.agentops_backend import UPLOAD
from tests.fakes.otlp_sink import Behaviour

if TYPE_CHECKING:
    from tests.fakes.agentops_backend import FakeAgentOps
    from tests.fakes.process import PythonRunner

PROGRAM = """
import agentops, logging
logging.getLogger().setLevel("INFO")
agentops.init(auto_start_session=False)
for name in ("first", "second"):
    with agentops.start_trace(name) as session:
        logging.getLogger("app").info("in %s", name)
        print("printed in", name)
        print(session.trace_number)
print("outside")
"""


@pytest.mark.parametrize("asked", [True, False])
def test_each_sessions_log_is_uploaded_if_asked_for(run_python: PythonRunner, agentops_backend: FakeAgentOps, asked: bool) -> None:
    env = {**agentops_backend.env, "AGENTOPS_CAPTURE_STDOUT": "true", **({"AGENTOPS_UPLOAD_LOGS": "true"} if asked else {})}
    done = run_python(PROGRAM, env=env)
    lines = done.stdout.splitlines()
    assert len(agentops_backend.logs()) == 6
    if not asked:
        assert agentops_backend.uploads == {}
        return
    assert list(agentops_backend.uploads) == [lines[1], lines[3]]
    for name, text in zip(("first", "second"), agentops_backend.uploads.values(), strict=True):
        said = json.loads(text)["body"].splitlines()
        assert said[0].endswith(f"INFO app: in {name}")
        assert said[1] == f"printed in {name}"
    assert agentops_backend.foreign_headers() == set()
    assert done.stderr == ""


@pytest.fixture
def logs(agentops_backend: FakeAgentOps, monkeypatch: pytest.MonkeyPatch) -> SessionLogs:
    monkeypatch.setattr(guard, "_said", set())
    monkeypatch.setattr(tokens, "_known", {})
    monkeypatch.setattr(config, "_current", config.Settings(endpoint=agentops_backend.url, api_key=agentops_backend.keys[0]))
    return SessionLogs(timeout=5, session_bytes=1000)


def test_a_long_log_is_cut_and_says_so(agentops_backend: FakeAgentOps, logs: SessionLogs) -> None:
    for _ in range(100):
        logs.said(7, "x" * 99)
    logs.ended(7)
    logs.ended(8)
    logs.delivery.close(5)
    body = json.loads(agentops_backend.uploads["7"])["body"]
    assert body.splitlines()[-1] == "[log of 10000 bytes cut]"
    assert len(body) < 1100
    assert list(agentops_backend.uploads) == ["7"]


def test_what_may_pass_is_tried_again_and_what_is_too_large_loses_its_beginning(
    agentops_backend: FakeAgentOps, logs: SessionLogs, caplog: pytest.LogCaptureFixture
) -> None:
    agentops_backend.behave(Behaviour(status=503), UPLOAD, times=1)
    agentops_backend.max_log_bytes = 2000
    logs._session_bytes = 10_000
    for number in range(50):
        logs.said(7, f"line {number} {'x' * 90}")
    logs.ended(7)
    logs.delivery.close(5)
    body = json.loads(agentops_backend.uploads["7"])["body"]
    assert "line 49 " in body
    assert "line 1 " not in body
    assert caplog.messages == []
    assert logs.delivery.counts().delivered == 50
