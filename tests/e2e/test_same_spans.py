"""The example agent gives the same spans however recording starts, and they are the ones in `golden/agent.json`.

After a change that is meant, `UPDATE_GOLDEN=1 make test` writes the file anew; look at what changed before you commit it.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.fakes.openai_server import FakeOpenAI
    from tests.fakes.otlp_sink import OtlpSink, SinkSpan
    from tests.fakes.process import PythonRunner

AGENT = Path(__file__).parents[2] / "examples" / "agent.py"
GOLDEN = Path(__file__).with_name("golden") / "agent.json"
UNCHANGED = AGENT.read_text(encoding="utf-8")
WITH_INIT = f"import agentops, runpy\nagentops.init()\nrunpy.run_path({str(AGENT)!r}, run_name='__main__')\n"
VOLATILE = {"server.port", "thread.id", "thread.name", "session.id", "agentops.agent.id", "gen_ai.response.time_to_first_chunk"}
COST = "agentops.usage.cost."  # follows the price list's release, and a first call may be over before the list is loaded


def span_tree(spans: list[SinkSpan]) -> list[dict[str, Any]]:
    """Spans as a tree of what does not change from run to run, siblings in the order they started."""
    children: dict[str, list[SinkSpan]] = defaultdict(list)
    known = {span.span_id for span in spans}
    for span in sorted(spans, key=lambda span: span.start):
        children[span.parent_span_id if span.parent_span_id in known else ""].append(span)

    def grown(parent: str) -> list[dict[str, Any]]:
        return [
            {
                "name": span.name,
                "kind": span.kind,
                "status": span.status_code,
                "scope": span.scope_name,
                "attributes": {name: value for name, value in sorted(span.attributes.items()) if not _volatile(name)},
                "events": [event.name for event in span.events],
                "children": grown(span.span_id),
            }
            for span in children[parent]
        ]

    return grown("")


def _volatile(name: str) -> bool:
    return name in VOLATILE or name.startswith(COST)


@pytest.mark.parametrize("way", ["launcher", "init", "both"])
def test_the_example_gives_the_golden_spans_however_it_is_started(
    way: str, run_python: PythonRunner, openai_server: FakeOpenAI, otlp_sink: OtlpSink
) -> None:
    run_python(
        UNCHANGED if way == "launcher" else WITH_INIT,
        instrument=way != "init",
        env={
            "OPENAI_BASE_URL": openai_server.base_url,
            "OPENAI_API_KEY": "key",
            "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url,
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
        },
    )
    spans = otlp_sink.spans()
    tree = json.loads(json.dumps(span_tree(spans), default=str))
    if os.environ.get("UPDATE_GOLDEN") and way == "launcher":
        GOLDEN.write_text(json.dumps(tree, indent=1) + "\n", encoding="utf-8")
    assert tree == json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert len({span.attributes["session.id"] for span in spans}) == 1
    assert len({span.trace_id for span in spans}) == 1
