"""A session through an HTTP service, with instrumented clients and server: at AgentOps one whole tree without the clients' spans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.neighbours import tree
from tests.e2e.test_inherited_http import CLIENT, environment, serve

if TYPE_CHECKING:
    from tests.fakes.agentops_backend import FakeAgentOps
    from tests.fakes.openai_server import FakeOpenAI
    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

pytestmark = pytest.mark.e2e
GENAI = ["GET /work", "call.tool", "chat m", "chat m", "job.session"]


@pytest.mark.parametrize(("chosen", "expected"), [("", GENAI), ("all", sorted([*GENAI, "GET"]))])
def test_the_tree_is_whole_without_the_clients_spans(
    run_python: PythonRunner,
    otlp_sink: OtlpSink,
    openai_server: FakeOpenAI,
    agentops_backend: FakeAgentOps,
    chosen: str,
    expected: list[str],
) -> None:
    env = {**environment(otlp_sink, openai_server), **agentops_backend.env, "AGENTOPS_EXPORT": chosen}
    url = serve(run_python, env)
    # A page that the server is asked for outside every session has no model call in it.
    health = "\nimport requests\nrequests.get(sys.argv[1] + '/nowhere')\n"
    run_python(CLIENT + health + "with agentops.start_trace('job'):\n    call()\n    ask()\n", env=env, args=[url])
    otlp_sink.wait_for_spans(8)
    agentops_backend.wait_for_spans(len(expected))
    (trace_id,) = {span.trace_id for span in agentops_backend.spans("job.session")}
    spans = [span for span in agentops_backend.spans() if span.trace_id == trace_id]
    assert sorted(span.name for span in spans) == expected
    assert tree(spans).name == "job.session"
    if not chosen:
        assert len(agentops_backend.spans()) == len(expected)
    # Everybody else gets everything.
    assert len({span.span_id for span in otlp_sink.spans()}) == 8
