"""Words that were said are found wherever they are left, whatever the attribute is called."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from conformance.leaks import scenario_leak

from agentops_conformance.values import Event, Metric, Point, Span, Telemetry

CALL = Span("chat m", "client", "unset", {"gen_ai.operation.name": "chat", "gen_ai.tool.description": "Says where things are."})
ARGUMENTS = {"type": "tool_call", "name": "look_around", "arguments": {"of": ["the city"]}}
PARTS = [{"type": "text", "content": "Where is Paris?"}, ARGUMENTS]
SAID = Telemetry(spans=(replace(CALL, attributes={"gen_ai.input.messages": json.dumps([{"role": "user", "parts": PARTS}])}),))


def leaked(telemetry: Telemetry) -> list[str]:
    return [finding.message for finding in scenario_leak("openai sync chat", SAID, telemetry)]


def with_attribute(key: str, value: object) -> Telemetry:
    return Telemetry(spans=(replace(CALL, attributes={**CALL.attributes, key: value}),))


def test_names_of_tools_and_what_they_do_are_no_words_of_people() -> None:
    assert leaked(Telemetry(spans=(CALL,))) == []
    assert leaked(with_attribute("gen_ai.tool.name", "look_around")) == []


@pytest.mark.parametrize(
    "telemetry",
    [
        Telemetry(spans=(replace(CALL, name="chat Where is Paris?"),)),
        Telemetry(spans=(replace(CALL, message="no answer to 'Where is Paris?'"),)),
        Telemetry(spans=(replace(CALL, events=(Event("exception", {"exception.message": "Where is Paris?"}),)),)),
        with_attribute("acme.prompt", ["user", "Where is Paris?"]),
        with_attribute("acme.call", {"of": "the city"}),
        Telemetry(records=(Event("", {}, body="asked: Where is Paris?"),)),
        Telemetry(records=(Event("acme.asked", {"acme.prompt": "Where is Paris?"}),)),
        Telemetry(metrics=(Metric("acme", "", "counter", (Point({"acme.prompt": "Where is Paris?"}),)),)),
    ],
)
def test_words_are_found_wherever_they_are_left(telemetry: Telemetry) -> None:
    (message,) = leaked(telemetry)
    assert "without an opt-in to content" in message
