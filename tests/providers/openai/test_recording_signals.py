"""Metrics in both profiles, GenAI events in every capture mode, and what content off leaves out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
import pytest
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from agentops_instrumentors.core.content import ContentMode, Policy, set_default_mode
from agentops_instrumentors.openai import OpenAIInstrumentor
from tests.fakes.in_memory import InMemory
from tests.fakes.openai_server import Reply
from tests.providers.openai.recording import DATED, HELLO, MODEL, chat_answer, response_answer
from tests.providers.recorder import CONTENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.providers.openai.recording import OpenAIRecorder

pytest_plugins = ("tests.providers.openai.recording_fixtures",)

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(4**power for power in range(14))
TOLD: Any = {"stream": True, "stream_options": {"include_usage": True}}
DETAILS = "gen_ai.client.inference.operation.details"
EXCEPTION = "gen_ai.client.operation.exception"
CANARY = "CANARY-7f3a"


def identity(record: OpenAIRecorder, operation: str = "chat", model: str = MODEL) -> dict[str, Any]:
    return {"gen_ai.operation.name": operation, "gen_ai.provider.name": "openai", "gen_ai.request.model": model, **record.where()}


def answered(record: OpenAIRecorder) -> dict[str, Any]:
    fingerprint = {"openai.response.service_tier": "default", "openai.response.system_fingerprint": "fp_44709d6fcb"}
    return {**identity(record), "gen_ai.response.model": DATED, **fingerprint}


def names(record: OpenAIRecorder) -> dict[str, str]:
    return {metric.name: metric.unit for metric in record.telemetry.metrics()}


def tokens(record: OpenAIRecorder, name: str) -> list[tuple[dict[str, Any], Any]]:
    return [(dict(point.attributes), getattr(point, "sum", None) or getattr(point, "value", 0)) for point in record.telemetry.points(name)]


def test_published_metrics_of_a_stream(record: OpenAIRecorder) -> None:
    chunks = len(list(record.client.chat.completions.create(model=MODEL, messages=HELLO, **TOLD)))
    assert names(record) == {
        "gen_ai.client.operation.duration": "s",
        "gen_ai.client.token.usage": "{token}",
        "gen_ai.client.operation.time_to_first_chunk": "s",
        "gen_ai.client.operation.time_per_output_chunk": "s",
    }
    (duration,) = record.telemetry.points("gen_ai.client.operation.duration")
    assert (duration.count, duration.explicit_bounds, dict(duration.attributes)) == (1, SECONDS, answered(record))
    usage = record.telemetry.points("gen_ai.client.token.usage")
    assert {(point.attributes["gen_ai.token.type"], point.sum, point.explicit_bounds) for point in usage} == {
        ("input", 10, TOKENS),
        ("output", 5, TOKENS),
    }
    assert all(
        dict(point.attributes) == {**answered(record), "gen_ai.token.type": point.attributes["gen_ai.token.type"]} for point in usage
    )
    (first,) = record.telemetry.points("gen_ai.client.operation.time_to_first_chunk")
    (later,) = record.telemetry.points("gen_ai.client.operation.time_per_output_chunk")
    assert (first.count, later.count) == (1, chunks - 1)
    assert first.explicit_bounds == later.explicit_bounds == SECONDS
    assert dict(first.attributes) == dict(later.attributes) == {**identity(record), "gen_ai.response.model": DATED}


def test_latest_metrics_of_a_stream(record: OpenAIRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTOPS_GENAI_METRICS", "latest")
    record.start()
    details = {"cached_tokens": 4, "cache_write_tokens": 2, "audio_tokens": 3}
    usage = {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16, "prompt_tokens_details": details}
    usage["completion_tokens_details"] = {"reasoning_tokens": 5}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": DATED, "choices": []}
    record.server.enqueue(Reply.sse([chunk, {**chunk, "usage": usage}]))
    list(record.client.chat.completions.create(model=MODEL, messages=HELLO, **TOLD))
    counters = ("input_tokens", "output_tokens", "cache_read.input_tokens", "cache_write.input_tokens", "reasoning.output_tokens")
    assert names(record) == {
        "gen_ai.client.inference.duration": "s",
        "gen_ai.client.inference.time_to_first_chunk": "s",
        "gen_ai.client.inference.time_per_output_chunk": "s",
        "gen_ai.client.inference.operation.input_tokens": "{token}",
        "gen_ai.client.inference.operation.output_tokens": "{token}",
        **{f"gen_ai.client.inference.usage.{name}": "{token}" for name in counters},
    }
    (size,) = record.telemetry.points("gen_ai.client.inference.operation.input_tokens")
    assert (size.sum, size.explicit_bounds) == (9, TOKENS)
    counted = {
        name: {
            point.attributes["gen_ai.token.modality"]: point.value
            for point in record.telemetry.points(f"gen_ai.client.inference.usage.{name}")
        }
        for name in counters
    }
    assert counted == {
        "input_tokens": {"audio": 3, "text": 6},
        "output_tokens": {"text": 7},
        "cache_read.input_tokens": {"text": 4},
        "cache_write.input_tokens": {"text": 2},
        "reasoning.output_tokens": {"text": 5},
    }


def test_latest_counters_count_a_failed_call_too(record: OpenAIRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTOPS_GENAI_METRICS", "latest")
    record.start()
    with pytest.raises(openai.RateLimitError):
        record.client.chat.completions.create(model="error-429", messages=HELLO)
    expected = {**identity(record, model="error-429"), "error.type": "openai.RateLimitError"}
    (duration,) = record.telemetry.points("gen_ai.client.inference.duration")
    assert dict(duration.attributes) == expected
    for name in ("input_tokens", "output_tokens"):
        ((attributes, count),) = tokens(record, f"gen_ai.client.inference.usage.{name}")
        assert count == 0
        assert attributes["gen_ai.token.modality"] == "unknown"


def test_metrics_of_embeddings(record: OpenAIRecorder) -> None:
    record.client.embeddings.create(model="text-embedding-3-small", input="one two")
    attributes = {**identity(record, "embeddings", "text-embedding-3-small"), "gen_ai.response.model": "text-embedding-3-small"}
    (duration,) = record.telemetry.points("gen_ai.client.operation.duration")
    assert dict(duration.attributes) == attributes
    assert tokens(record, "gen_ai.client.token.usage") == [({**attributes, "gen_ai.token.type": "input"}, 2)]


def test_metrics_of_a_fetched_response_count_no_token_again(record: OpenAIRecorder) -> None:
    made = record.client.responses.create(model=MODEL, input="hello there")
    before = tokens(record, "gen_ai.client.token.usage")
    record.telemetry.clear()
    record.client.responses.retrieve(made.id)
    assert tokens(record, "gen_ai.client.token.usage") == before
    assert record.attributes("gen_ai.usage") == {}
    operations = {point.attributes["gen_ai.operation.name"] for point in record.telemetry.points("gen_ai.client.operation.duration")}
    assert operations == {"chat", "fetch_response"}


@pytest.mark.parametrize("call", ["raised", "in the body"])
def test_failures_are_in_the_metrics(record: OpenAIRecorder, call: str) -> None:
    if call == "raised":
        with pytest.raises(openai.InternalServerError):
            record.client.chat.completions.create(model="error-500", messages=HELLO)
    else:
        record.answer(response_answer(status="failed", error={"code": "server_error", "message": "x"}))
        record.client.responses.create(model=MODEL, input="x")
    (duration,) = record.telemetry.points("gen_ai.client.operation.duration")
    assert duration.attributes["error.type"] == ("openai.InternalServerError" if call == "raised" else "server_error")


def test_metrics_without_a_sampled_span_and_without_building_content(record: OpenAIRecorder) -> None:
    record.stop()
    looked: list[str] = []

    class Watched(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            looked.append(key)
            return super().get(key, default)

    with InMemory(ALWAYS_OFF) as telemetry:
        instrumentor = OpenAIInstrumentor()
        instrumentor.instrument(**telemetry.kwargs, policy=Policy(ContentMode.SPAN_ONLY))
        try:
            record.client.chat.completions.create(model=MODEL, messages=[Watched(HELLO[0])])  # type: ignore[list-item]
        finally:
            instrumentor.uninstrument()
        assert telemetry.spans() == []
        assert {metric.name for metric in telemetry.metrics()} == {"gen_ai.client.operation.duration", "gen_ai.client.token.usage"}
    assert "role" not in looked
    assert "content" not in looked


MODES = [
    (ContentMode.NO_CONTENT, None, False, False, False),
    (ContentMode.NO_CONTENT, True, False, True, False),
    (ContentMode.SPAN_ONLY, None, True, False, False),
    (ContentMode.SPAN_ONLY, True, True, True, False),
    (ContentMode.EVENT_ONLY, None, False, True, True),
    (ContentMode.EVENT_ONLY, False, False, False, False),
    (ContentMode.SPAN_AND_EVENT, None, True, True, True),
    (ContentMode.SPAN_AND_EVENT, False, True, False, False),
]


@pytest.mark.parametrize(("mode", "emit_event", "on_span", "event", "on_event"), MODES)
@pytest.mark.parametrize("by_environment", [False, True])
def test_capture_modes(
    record: OpenAIRecorder,
    monkeypatch: pytest.MonkeyPatch,
    mode: ContentMode,
    emit_event: bool | None,
    on_span: bool,
    event: bool,
    on_event: bool,
    by_environment: bool,
) -> None:
    if by_environment:
        script = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": mode.value.lower()}
        if emit_event is not None:
            script["OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT"] = str(emit_event)
        for name, value in script.items():
            monkeypatch.setenv(name, value)
        record.stop()
        record.instrumentor.instrument(**record.telemetry.kwargs)
        set_default_mode(ContentMode.NO_CONTENT)
    else:
        record.start(mode, emit_event=emit_event)
    tools: Any = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    record.answer(chat_answer({"content": "hello"}, usage={"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}))
    record.client.chat.completions.create(model=MODEL, messages=HELLO, tools=tools, temperature=0.5)
    spoken = {name: (record.span.attributes or {}).get(name) for name in CONTENT}
    expected = {
        "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "hello there"}]}],
        "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": "hello"}], "finish_reason": "stop"}],
        "gen_ai.tool.definitions": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
        "gen_ai.system_instructions": None,
    }
    assert {name: value and json.loads(str(value)) for name, value in spoken.items()} == (expected if on_span else dict.fromkeys(CONTENT))
    logs = record.telemetry.logs()
    assert [log.log_record.event_name for log in logs] == ([DETAILS] if event else [])
    for log in logs:
        written = log.log_record
        assert (written.severity_number, written.body) == (SeverityNumber.DEBUG, None)
        context = record.span.get_span_context()
        assert context
        assert (written.trace_id, written.span_id) == (context.trace_id, context.span_id)
        attributes = plain(dict(written.attributes or {}))
        assert {name: attributes.pop(name, None) for name in CONTENT} == (expected if on_event else dict.fromkeys(CONTENT))
        attributes = {name: value for name, value in attributes.items() if not name.startswith("agentops.usage")}
        assert attributes == plain(record.attributes())


def plain(value: Any) -> Any:
    """SDK values with lists for tuples."""
    if isinstance(value, dict) or hasattr(value, "items"):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def test_the_event_has_the_time_to_the_first_chunk(record: OpenAIRecorder) -> None:
    record.start(ContentMode.NO_CONTENT, emit_event=True)
    list(record.client.chat.completions.create(model=MODEL, messages=HELLO, **TOLD))
    (log,) = record.telemetry.logs(DETAILS)
    name = "gen_ai.response.time_to_first_chunk"
    assert (log.log_record.attributes or {})[name] == (record.span.attributes or {})[name]


def test_structured_instructions_on_events(record: OpenAIRecorder) -> None:
    record.start(ContentMode.EVENT_ONLY)
    record.client.responses.create(model=MODEL, input="x", instructions="be brief")
    (log,) = record.telemetry.logs(DETAILS)
    found = plain((log.log_record.attributes or {})["gen_ai.system_instructions"])
    assert found == [{"type": "text", "content": "be brief"}]


@pytest.mark.parametrize("mode", [ContentMode.NO_CONTENT, ContentMode.SPAN_ONLY])
def test_the_exception_event(record: OpenAIRecorder, mode: ContentMode) -> None:
    record.start(mode)
    with pytest.raises(openai.NotFoundError) as raised:
        record.client.chat.completions.create(model="error-404", messages=HELLO)
    (log,) = record.telemetry.logs()
    written = log.log_record
    assert (written.event_name, written.severity_number) == (EXCEPTION, SeverityNumber.WARN)
    attributes = dict(written.attributes or {})
    assert attributes["exception.type"] == "openai.NotFoundError"
    told = {"exception.type"} if mode is ContentMode.NO_CONTENT else {"exception.type", "exception.message", "exception.stacktrace"}
    assert set(attributes) == told
    (event,) = record.span.events
    assert set(event.attributes or {}) == told
    assert record.span.status.description == (None if mode is ContentMode.NO_CONTENT else str(raised.value))


def _speaking(client: openai.OpenAI) -> dict[str, Callable[[], Any]]:
    said: Any = [{"role": "user", "content": CANARY}, {"role": "assistant", "content": CANARY}, {"role": "user", "content": CANARY}]
    tools: Any = [{"type": "function", "function": {"name": "f", "description": CANARY, "parameters": {"type": "object", "title": CANARY}}}]
    error: Any = {"model": "error-400", "messages": said}
    return {
        "chat": lambda: client.chat.completions.create(model=MODEL, messages=said, user=CANARY, metadata={"a": CANARY}),
        "tools": lambda: client.chat.completions.create(model=MODEL, messages=said, tools=tools),
        "streamed": lambda: list(client.chat.completions.create(model=MODEL, messages=said, stream=True)),
        "responses": lambda: client.responses.create(model=MODEL, input=CANARY, instructions=CANARY),
        "responses streamed": lambda: list(client.responses.create(model=MODEL, input=CANARY, stream=True)),
        "failed response": lambda: client.responses.create(model=MODEL, input=CANARY),
        "embeddings": lambda: client.embeddings.create(model="text-embedding-3-small", input=CANARY),
        "completions": lambda: client.completions.create(model="gpt-3.5-turbo-instruct", prompt=CANARY),
        "error": lambda: client.chat.completions.create(**error),
    }


@pytest.mark.parametrize("call", list(_speaking(openai.OpenAI(api_key="test"))))
@pytest.mark.parametrize("emit_event", [False, True])
def test_content_off_leaves_no_content_anywhere(record: OpenAIRecorder, call: str, emit_event: bool) -> None:
    record.start(ContentMode.NO_CONTENT, emit_event=emit_event)
    if call == "failed response":
        record.answer(response_answer(status="failed", error={"code": "server_error", "message": CANARY}))
    if call == "error":
        record.server.enqueue(Reply.json({"error": {"message": f"bad prompt: {CANARY}"}}, status=400))
        with pytest.raises(openai.BadRequestError, match=CANARY):
            _speaking(record.client)[call]()
    else:
        _speaking(record.client)[call]()
    everything = [record.span.to_json(), *(log.to_json() for log in record.telemetry.logs())]
    everything += [metric.to_json() for metric in record.telemetry.metrics()]
    assert CANARY in record.server.requests[0].body.decode()
    assert not [text for text in everything if CANARY in text]
