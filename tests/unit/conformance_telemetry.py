"""Telemetry that conforms, of all signals, for the tests of the checker to break."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from agentops_conformance.values import Event, Metric, Point, Resource, Scope, Span, Telemetry

if TYPE_CHECKING:
    from agentops_conformance.values import Value

SCOPE = Scope("acme.instrumentation", "1.0")
TRACE = "a" * 32
DURATIONS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(float(4**power) for power in range(14))
RESOURCE = Resource(
    {"service.name": "acme", "gen_ai.main_agent.id": "1", "gen_ai.main_agent.name": "a", "gen_ai.main_agent.description": "A."}
)

MESSAGES = {
    "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Hello"}]}]),
    "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "Hi"}], "finish_reason": "stop"}]),
}
ROOT = Span(
    name="invoke_workflow travel",
    kind="internal",
    status="unset",
    attributes={
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "travel",
        "gen_ai.conversation.id": "c1",
        "session.id": "0af76519-16cd-43dd-8448-eb211c80319c",
    },
    trace_id=TRACE,
    span_id="1" * 16,
    scope=SCOPE,
)
AGENT = replace(
    ROOT,
    name="invoke_agent planner",
    attributes={
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "planner",
        "gen_ai.conversation.id": "c1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 5,
    },
    span_id="2" * 16,
    parent_id=ROOT.span_id,
)
CHAT = Span(
    name="chat gpt-4o-mini",
    kind="client",
    status="unset",
    attributes={
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.stream": True,
        "gen_ai.conversation.id": "c1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.time_to_first_chunk": 0.2,
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 5,
        "openai.api.type": "chat_completions",
        "openai.response.system_fingerprint": "fp_1",
        "server.address": "api.openai.com",
        "server.port": 443,
        **MESSAGES,
    },
    trace_id=TRACE,
    span_id="3" * 16,
    parent_id=AGENT.span_id,
    scope=SCOPE,
)
TOOL = replace(
    ROOT,
    name="execute_tool weather",
    attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather", "gen_ai.conversation.id": "c1"},
    span_id="4" * 16,
    parent_id=AGENT.span_id,
)
FETCH = replace(
    CHAT,
    name="fetch_response",
    attributes={
        "gen_ai.operation.name": "fetch_response",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.status": "completed",
        "openai.api.type": "responses",
        "server.address": "api.openai.com",
        "server.port": 443,
    },
    span_id="5" * 16,
)
DETAILS = Event(
    "gen_ai.client.inference.operation.details",
    {key: json.loads(str(value)) if key in MESSAGES else value for key, value in CHAT.attributes.items() if not key.startswith("openai.")},
    trace_id=TRACE,
    span_id=CHAT.span_id,
    severity=5,
    scope=SCOPE,
)
EXCEPTION = Event("gen_ai.client.operation.exception", {"exception.type": "ValueError"}, trace_id=TRACE, severity=13, scope=SCOPE)

_ASKED: dict[str, Value] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    "server.address": "api.openai.com",
    "server.port": 443,
}
_BY_OPENAI: dict[str, Value] = {"openai.response.service_tier": "default", "openai.response.system_fingerprint": "fp_1"}


def histogram(name: str, buckets: tuple[float, ...] = DURATIONS, unit: str = "s", **attributes: Value) -> Metric:
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    return Metric(name, unit, "histogram", (Point({**_ASKED, **named}, 1.0, 1, buckets),), SCOPE, RESOURCE)


def counter(name: str) -> Metric:
    point = Point({**_ASKED, **_BY_OPENAI, "gen_ai.token.modality": "text"}, 7.0)
    return Metric(f"gen_ai.client.inference.usage.{name}", "{token}", "counter", (point,), SCOPE, RESOURCE)


def openais(metric: Metric) -> Metric:
    """With what OpenAI's share of the conventions adds."""
    return replace(metric, points=tuple(replace(point, attributes={**point.attributes, **_BY_OPENAI}) for point in metric.points))


PUBLISHED = (
    openais(histogram("gen_ai.client.operation.duration")),
    openais(histogram("gen_ai.client.token.usage", TOKENS, "{token}", gen_ai__token__type="input")),
    histogram("gen_ai.client.operation.time_to_first_chunk"),
    histogram("gen_ai.client.operation.time_per_output_chunk"),
)
LATEST = (
    openais(histogram("gen_ai.client.inference.duration")),
    openais(histogram("gen_ai.client.inference.operation.input_tokens", TOKENS, "{token}")),
    openais(histogram("gen_ai.client.inference.operation.output_tokens", TOKENS, "{token}")),
    histogram("gen_ai.client.inference.time_to_first_chunk"),
    histogram("gen_ai.client.inference.time_per_output_chunk"),
    counter("input_tokens"),
    counter("output_tokens"),
)
GOOD = Telemetry((RESOURCE,), (ROOT, AGENT, CHAT, TOOL, FETCH), (DETAILS, EXCEPTION), PUBLISHED)
