"""Under a sampler that starts spans without what they were given, as the SDK's composite ones do, ours have it all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

import agentops
from agentops.sessions import runtime
from agentops_instrumentors.openai import OpenAIInstrumentor
from tests.fakes.in_memory import InMemory
from tests.unit.sessions_support import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.openai_server import FakeOpenAI

__all__ = ["recorded"]


class Forgetful(Sampler):
    def __init__(self, decision: Decision = Decision.RECORD_AND_SAMPLE) -> None:
        self.decision = decision

    def should_sample(self, *_args: Any, **_named: Any) -> SamplingResult:
        return SamplingResult(self.decision)

    def get_description(self) -> str:
        return "Forgetful"


@pytest.fixture
def in_memory() -> Iterator[InMemory]:
    with InMemory() as telemetry:
        telemetry.tracer_provider.sampler = Forgetful()
        yield telemetry


def test_every_span_has_what_it_was_given(recorded: InMemory, openai_server: FakeOpenAI) -> None:
    instrumentor = OpenAIInstrumentor()
    instrumentor.instrument(tracer_provider=recorded.tracer_provider, meter_provider=recorded.meter_provider)
    try:
        with runtime.start_session("research") as session, openai.OpenAI(base_url=openai_server.base_url, api_key="test") as client:
            agentops.tool(name="look up")(lambda: None)()
            client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}])
    finally:
        instrumentor.uninstrument()
    named = {span.name: span.attributes for span in recorded.spans()}
    expected = {"invoke_workflow research": "invoke_workflow", "execute_tool look up": "execute_tool", "chat gpt-4o-mini": "chat"}
    assert {name: attributes["gen_ai.operation.name"] for name, attributes in named.items()} == expected
    assert {attributes["session.id"] for attributes in named.values()} == {str(session)}
    assert named["invoke_workflow research"]["agentops.span.kind"] == "session"
    assert named["chat gpt-4o-mini"]["gen_ai.request.model"] == "gpt-4o-mini"
