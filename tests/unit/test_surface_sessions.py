"""What sessions carry beyond their state: metadata, video, project; who may end them; older events on their spans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import agentops
from agentops.config import configure_settings
from agentops.sessions import api, runtime
from agentops_instrumentors.core import content
from tests.unit.sessions_support import recorded, root_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.in_memory import InMemory

__all__ = ["recorded"]


@pytest.fixture(autouse=True)
def as_after_init(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(api, "_initialised", True)
    yield
    configure_settings(project_id="", skip_auto_end_session=False)


def test_metadata_goes_on_the_root(recorded: InMemory) -> None:
    tracer = recorded.tracer_provider.get_tracer("program")
    with agentops.start_trace("w", tags=["a"]) as session, tracer.start_as_current_span("deep"):
        assert agentops.update_trace_metadata({"step": 3, "ratio": 0.5, "ok": True, "names": ["x", 1], "none": None}) is True
        assert agentops.update_trace_metadata({"tags": ["b"], "agent_name": "Ann", "error.type": "Odd"}) is True
        assert agentops.update_trace_metadata({"step": 4}, prefix="mine") is True
    found = root_of(recorded, session).attributes
    assert {name: value for name, value in found.items() if name.startswith(("trace.", "mine."))} == {
        "trace.metadata.step": 3,
        "trace.metadata.ratio": 0.5,
        "trace.metadata.ok": True,
        "trace.metadata.names": '["x", 1]',
        "mine.step": 4,
    }
    assert found["agentops.tags"] == ("a", "b")
    assert (found["gen_ai.agent.name"], found["error.type"]) == ("Ann", "Odd")
    (deep,) = recorded.spans("deep")
    assert set(deep.attributes) <= {"session.id", "agentops.agent.id", "agentops.agent.name"}


def test_metadata_that_is_none_is_left_out_and_said(recorded: InMemory, caplog: pytest.LogCaptureFixture) -> None:
    with agentops.start_trace("w"):
        assert agentops.update_trace_metadata({"thing": object(), "nothing": None, "deep": {"a": 1}}) is False
    assert [message.split("is left out")[0].split()[-1] for message in caplog.messages] == ["thing", "deep"]


def test_metadata_goes_to_the_session_one_is_in(recorded: InMemory) -> None:
    tracer = recorded.tracer_provider.get_tracer("program")
    first = agentops.start_trace("first")
    second = agentops.start_trace("second")
    agentops.update_trace_metadata({"k": 2})
    agentops.end_trace(second)
    agentops.update_trace_metadata({"k": 1})
    agentops.end_trace(first)
    assert root_of(recorded, first).attributes["trace.metadata.k"] == 1
    assert root_of(recorded, second).attributes["trace.metadata.k"] == 2
    with tracer.start_as_current_span("no session"):
        assert agentops.update_trace_metadata({"k": 3}) is True
    assert recorded.spans("no session")[0].attributes["trace.metadata.k"] == 3
    assert agentops.update_trace_metadata({"k": 4}) is False


@pytest.mark.parametrize("by", ["session", "function"])
def test_an_end_with_reason_and_video(recorded: InMemory, by: str) -> None:
    session = agentops.start_session()
    how: dict[str, Any] = {"end_state": "Fail", "end_state_reason": "out of budget", "video": "https://v/1"}
    if by == "session":
        session.end_session(**how)
    else:
        agentops.end_session(session, **how)
    found = root_of(recorded, session).attributes
    assert found["agentops.session.video"] == "https://v/1"
    assert found["agentops.session.end_state_reason"] == session.end_state_reason == "out of budget"
    assert found["agentops.session.end_state"] == session.end_state == "Fail"


def test_a_framework_ends_a_session_unless_told_not_to(recorded: InMemory) -> None:
    session = agentops.start_session()
    configure_settings(skip_auto_end_session=True)
    agentops.end_session("Success", "Finished Execution", is_auto_end=True)
    assert session.is_open
    configure_settings(skip_auto_end_session=False)
    agentops.end_session("Success", end_state_reason="Finished Execution", is_auto_end=True)
    assert not session.is_open
    assert session.end_state_reason == "Finished Execution"


def test_the_project_once_it_is_known(recorded: InMemory) -> None:
    session = agentops.start_session()
    agentops.configure(project_id="p-1")
    session.end_session()
    assert root_of(recorded, session).attributes["agentops.project.id"] == "p-1"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_error_event_leaves_its_exception_on_the_span(recorded: InMemory) -> None:
    content.set_default_mode(content.ContentMode.SPAN_ONLY)
    try:
        with agentops.start_session() as session:
            event = session.record(agentops.ErrorEvent(exception=LookupError("lost")))
            assert session.create_agent("a", "id-1") == "id-1"
    finally:
        content.set_default_mode(content.ContentMode.NO_CONTENT)
    assert event.end_timestamp
    (said,) = root_of(recorded, session).events
    assert (said.attributes["exception.type"], said.attributes["exception.message"]) == ("LookupError", "lost")


def test_a_session_is_its_id_in_text(recorded: InMemory) -> None:
    session = agentops.start_session()
    assert str(session) == session.session_id == agentops.legacy.Session.__str__(session)
    assert session.session_url.endswith(session.trace_id)
    assert session.trace_context is session
    assert session.token is None
    assert runtime.current_session() is session


def test_active_traces_of_the_tracer(recorded: InMemory) -> None:
    with agentops.start_trace("w") as session:
        assert agentops.tracer.get_active_traces() == {session.trace_id: session}
        assert agentops.tracer.get_active_trace_count() == 1
    assert agentops.tracer.get_active_traces() == {}
    other = agentops.tracer.start_trace("x", tags=["t"])
    agentops.tracer.end_trace(other, "Fail")
    assert root_of(recorded, other).attributes["agentops.session.end_state"] == "Fail"
    assert agentops.tracer.initialized
