"""End states in every spelling users know."""

from __future__ import annotations

import logging
from enum import Enum
from typing import TYPE_CHECKING

import pytest
from opentelemetry.trace import StatusCode

import agentops
from agentops.sessions import runtime
from agentops.sessions.states import EndState, normalise
from tests.unit.sessions_support import recorded, root_of

if TYPE_CHECKING:
    from tests.fakes.in_memory import InMemory

__all__ = ["recorded"]


class LegacyState(Enum):
    SUCCESS = "Success"
    FAIL = "Fail"


@pytest.mark.parametrize(
    ("given", "state"),
    [
        *[(text, EndState.SUCCESS) for text in ("Success", "success", "SUCCESS", " Success ", "OK", "TraceState.SUCCESS", "StatusCode.OK")],
        *[(text, EndState.FAIL) for text in ("Fail", "fail", "Failure", "FAILURE", "Error", "error", "failed", "StatusCode.ERROR")],
        *[(text, EndState.INDETERMINATE) for text in ("Indeterminate", "INDETERMINATE", "Unset", None)],
        (StatusCode.OK, EndState.SUCCESS),
        (StatusCode.ERROR, EndState.FAIL),
        (StatusCode.UNSET, EndState.INDETERMINATE),
        (agentops.TraceState.SUCCESS, EndState.SUCCESS),
        (agentops.SUCCESS, EndState.SUCCESS),
        (agentops.ERROR, EndState.FAIL),
        (agentops.UNSET, EndState.INDETERMINATE),
        (LegacyState.FAIL, EndState.FAIL),
        *[(state, state) for state in EndState],
    ],
)
def test_spellings(given: object, state: EndState) -> None:
    assert normalise(given) == (state, None)
    assert normalise(given, "why") == (state, "why")


def test_free_text_becomes_the_reason_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "agentops"):
        assert normalise("Timeout of the day") == (EndState.INDETERMINATE, "Timeout of the day")
        assert normalise("Timeout of the day", "slow") == (EndState.INDETERMINATE, "Timeout of the day: slow")
        assert normalise("it is not.ok") == (EndState.INDETERMINATE, "it is not.ok")
    (said, _) = [record.getMessage() for record in caplog.records]
    assert "Timeout of the day" in said
    for accepted in ("Success", "Fail", "Failure", "Error", "Indeterminate"):
        assert accepted in said


def test_status_of_the_root(recorded: InMemory) -> None:
    sessions = {state: runtime.start_session(state) for state in ("Success", "Fail", "Indeterminate")}
    for state, session in sessions.items():
        session.end_session(end_state=state, end_state_reason=f"because {state}")
    roots = {state: root_of(recorded, session) for state, session in sessions.items()}
    for state, root in roots.items():
        assert root.attributes["agentops.session.end_state"] == state
        assert root.attributes["agentops.session.end_state_reason"] == f"because {state}"
        assert root.status.status_code is (StatusCode.ERROR if state == "Fail" else StatusCode.UNSET)
    assert roots["Fail"].attributes["error.type"] == "session_failed"
    assert "error.type" not in roots["Indeterminate"].attributes


def test_trace_state_keeps_its_older_face() -> None:
    assert str(agentops.TraceState.ERROR) == "ERROR"
    assert agentops.TraceState.ERROR.to_status_code() is StatusCode.ERROR
