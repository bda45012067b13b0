"""Cell by cell in a real IPython shell: no session by itself, `init()` again and again, options for one session."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fakes.openai_server import FakeOpenAI
    from tests.fakes.otlp_sink import OtlpSink, SinkSpan
    from tests.fakes.process import PythonRunner

pytest.importorskip("IPython")

SHELL = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in json.loads(sys.argv[1]):
    result = shell.run_cell(cell, store_history=True)
    result.raise_error()
"""
CALL = "client.chat.completions.create(model='gpt-4o', messages=[{'role': 'user', 'content': 'hi'}]);"
CLIENT = "import openai\nclient = openai.OpenAI()"


def run(
    run_python: PythonRunner, sink: OtlpSink, cells: list[str], server: FakeOpenAI | None = None, instrument: bool = False, **env: str
) -> str:
    env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    if server is not None:
        env |= {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "test"}
    env["IPYTHONDIR"] = "ipython"
    done = run_python(SHELL, args=[json.dumps(cells)], env=env, instrument=instrument)
    return done.stdout + done.stderr


def states(spans: list[SinkSpan]) -> dict[str, str | None]:
    return {span.name: span.attributes.get("agentops.session.end_state") for span in spans}


def test_no_session_starts_by_itself(run_python: PythonRunner, otlp_sink: OtlpSink, openai_server: FakeOpenAI) -> None:
    cells = ["import agentops", "assert agentops.init() is None", CLIENT, CALL]
    run(run_python, otlp_sink, cells, openai_server)
    (call,) = otlp_sink.wait_for_spans(1)
    assert (call.name, call.parent_span_id) == ("chat gpt-4o", "")


def test_nor_under_the_launcher(run_python: PythonRunner, otlp_sink: OtlpSink, openai_server: FakeOpenAI) -> None:
    run(run_python, otlp_sink, [CLIENT, CALL], openai_server, instrument=True)
    assert [span.name for span in otlp_sink.wait_for_spans(1)] == ["chat gpt-4o"]


def test_one_starts_where_it_is_asked_for(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    run(run_python, otlp_sink, ["import agentops", "session = agentops.init(auto_start_session=True)", "assert session.is_open"])
    assert states(otlp_sink.wait_for_spans(1)) == {"agentops.session": "Indeterminate"}


def test_a_trace_over_several_cells(run_python: PythonRunner, otlp_sink: OtlpSink, openai_server: FakeOpenAI) -> None:
    cells = [
        "import agentops\nagentops.init()",
        CLIENT,
        'trace = agentops.start_trace("notebook")',
        CALL,
        CALL,
        "agentops.end_trace(trace)",
    ]
    run(run_python, otlp_sink, cells, openai_server)
    spans = otlp_sink.wait_for_spans(3)
    (root,) = [span for span in spans if not span.parent_span_id]
    assert (root.name, root.attributes["agentops.session.end_state"]) == ("invoke_workflow notebook", "Success")
    assert {span.parent_span_id for span in spans if span is not root} == {root.span_id}


def test_a_failing_cell_does_not_end_the_trace(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    cells = [
        "import agentops\nagentops.init()\ntrace = agentops.start_trace('notebook')",
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    pass",
        "assert trace.is_open\nagentops.end_trace(trace, 'Fail')",
    ]
    run(run_python, otlp_sink, cells)
    assert states(otlp_sink.wait_for_spans(1)) == {"invoke_workflow notebook": "Fail"}


def test_init_in_a_cell_that_runs_twice_is_harmless_and_says_what_it_kept(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    cell = "import agentops\nagentops.init(env_data_opt_out={}, trace_name='t', auto_start_session=True, log_level='INFO')"
    said = run(run_python, otlp_sink, [cell.format(False), cell.format(True), cell.format(True)])
    assert said.count("Kept as it was: env_data_opt_out (the resource has been made)") == 2
    assert "goes on" in said
    assert states(otlp_sink.wait_for_spans(1)) == {"invoke_workflow t": "Indeterminate"}
    assert len(otlp_sink.spans()) == 1


def test_options_of_one_session_take_effect(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    cells = [
        "import agentops\nfrom agentops.config import Config\nagentops.init()",
        "one = agentops.start_session(config=Config(default_tags=['a'], trace_name='first', project_id='p'), tags=['b'])",
        "agentops.end_session(one)",
        "two = agentops.start_session(config={'tags': ['c']})",
        "agentops.end_session(two)",
        "agentops.start_session().end_session()",
    ]
    run(run_python, otlp_sink, cells)
    first, second, third = sorted(otlp_sink.wait_for_spans(3), key=lambda span: span.start)
    assert first.name == "invoke_workflow first"
    assert sorted(first.attributes["agentops.tags"]) == ["a", "b"]
    assert first.attributes["agentops.project.id"] == "p"
    assert (second.name, list(second.attributes["agentops.tags"])) == ("agentops.session", ["c"])
    assert "agentops.tags" not in third.attributes
