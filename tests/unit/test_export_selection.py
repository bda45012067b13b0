"""What AGENTOPS_EXPORT sends to AgentOps, from real providers through the real exporter to a backend."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context

from agentops import config
from agentops.export import attach, backend, selection
from agentops.export.selection import Lineage, Selection
from agentops.sessions.ids import root_span_id, session_id_of
from tests.fakes.in_memory import InMemory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.trace import Span

    from tests.fakes.agentops_backend import FakeAgentOps

CHAT = {"gen_ai.operation.name": "chat"}


class Laboratory:
    """A provider with the AgentOps exporter on it; `sent` is what arrived."""

    def __init__(self, server: FakeAgentOps) -> None:
        self.server = server
        self.provider = TracerProvider(shutdown_on_exit=False)
        attach.spans(self.provider)
        self.tracer = self.provider.get_tracer("program")

    def start(self, name: str, above: Span | None = None, **attributes: Any) -> Span:
        context = None if above is None else set_span_in_context(above)
        return self.tracer.start_span(name, context, attributes=attributes)

    def sent(self) -> list[str]:
        assert self.provider.force_flush()
        return sorted(span.name for span in self.server.spans())


@pytest.fixture
def laboratory(agentops_backend: FakeAgentOps, monkeypatch: pytest.MonkeyPatch) -> Iterator[Laboratory]:
    place = f"{agentops_backend.url}/v1/traces"
    chosen = config.Settings(endpoint=agentops_backend.url, exporter_endpoint=place, api_key=agentops_backend.keys[0])
    monkeypatch.setattr(config, "_current", chosen)
    made = Laboratory(agentops_backend)
    yield made
    made.provider.shutdown()


def test_what_is_above_a_model_call_is_sent_and_what_is_beside_or_below_it_is_not(laboratory: Laboratory) -> None:
    server = laboratory.start("GET /")
    query = laboratory.start("SELECT", server)
    query.end()
    step = laboratory.start("step", server)
    chat = laboratory.start("chat", step, **CHAT)
    laboratory.start("POST", chat).end()
    chat.end()
    step.end()
    server.end()
    laboratory.start("GET /health").end()
    assert laboratory.sent() == ["GET /", "chat", "step"]


def test_all_sends_everything(laboratory: Laboratory) -> None:
    config.configure_settings(export="all")
    laboratory.start("GET /health").end()
    assert laboratory.sent() == ["GET /health"]


def test_a_span_that_ends_before_the_call_below_it_is_sent(laboratory: Laboratory) -> None:
    server = laboratory.start("GET /")
    step = laboratory.start("step", server)
    server.end()
    assert laboratory.sent() == []
    chat = laboratory.start("chat", step, **CHAT)
    step.end()
    assert laboratory.sent() == ["GET /", "step"]  # The call is under way.
    chat.end()
    assert laboratory.sent() == ["GET /", "chat", "step"]


def test_a_span_whose_kind_is_told_late_counts_too(laboratory: Laboratory) -> None:
    server = laboratory.start("GET /")
    late = laboratory.start("late", server)
    server.end()
    assert laboratory.sent() == []
    late.set_attribute("openinference.span.kind", "LLM")
    late.end()
    assert laboratory.sent() == ["GET /", "late"]


def test_a_parent_in_another_process_ends_the_way_up(laboratory: Laboratory) -> None:
    remote = NonRecordingSpan(SpanContext(0x1234, 0x5678, is_remote=True, trace_flags=TraceFlags(1)))
    server = laboratory.tracer.start_span("GET /", set_span_in_context(remote), kind=SpanKind.SERVER)
    laboratory.start("chat", server, **CHAT).end()
    server.end()
    assert laboratory.sent() == ["GET /", "chat"]


@pytest.mark.parametrize(("export", "session", "moved"), [("genai", True, True), ("genai", False, False), ("all", True, False)])
def test_a_server_that_a_session_called_hangs_on_its_root(laboratory: Laboratory, export: str, session: bool, moved: bool) -> None:
    """The client's span is left out in the process that has it."""
    config.configure_settings(export=export)
    trace_id, client = 0xABCDEF << 100, 0x5678
    remote = NonRecordingSpan(SpanContext(trace_id, client, is_remote=True, trace_flags=TraceFlags(1)))
    named = {"session.id": session_id_of(trace_id)} if session else {}
    server = laboratory.tracer.start_span("GET /", set_span_in_context(remote), kind=SpanKind.SERVER, attributes=named)
    laboratory.start("chat", server, **CHAT, **named).end()
    server.end()
    assert laboratory.sent() == ["GET /", "chat"]
    found = {span.name: span for span in laboratory.server.spans()}
    assert found["GET /"].parent_span_id == f"{root_span_id(trace_id) if moved else client:016x}"
    assert found["chat"].parent_span_id == found["GET /"].span_id


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.system": "openai"},
        {"gen_ai.tool.name": "search"},
        {"agentops.span.kind": "operation"},
        {"openinference.span.kind": "TOOL"},
        {"traceloop.span.kind": "workflow"},
        {"langfuse.observation.type": "generation"},
    ],
)
def test_other_vocabularies_are_known(laboratory: Laboratory, attributes: dict[str, Any]) -> None:
    laboratory.start("found", **attributes).end()
    assert [name.split(".")[0] for name in laboratory.sent()] == ["found"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"http.request.method": "GET", "session.id": "1", "agentops.agent.id": "2", "agentops.agent.name": "3"},
        {"db.system.name": "sqlite", "gen_ai.conversation.id": "1", "gen_ai.agent.name": "researcher"},
        {"traceloop.association.properties.user": "u", "traceloop.workflow.name": "w"},
    ],
)
def test_what_is_stamped_on_every_span_says_nothing(laboratory: Laboratory, attributes: dict[str, Any]) -> None:
    laboratory.start("left out", **attributes).end()
    assert laboratory.sent() == []


def test_an_exporter_that_the_environment_named_chooses_too(laboratory: Laboratory) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(backend.AgentOpsSpanExporter()))
    attach.spans(provider)  # Takes that one for the provider's own.
    tracer = provider.get_tracer("program")
    with tracer.start_as_current_span("above"):
        tracer.start_span("SELECT").end()
        tracer.start_span("chat", attributes=CHAT).end()
    assert len(laboratory.sent()) == 0
    provider.shutdown()
    assert laboratory.sent() == ["above", "chat"]


def test_other_exporters_get_everything(laboratory: Laboratory) -> None:
    with InMemory() as telemetry:
        attach.spans(telemetry.tracer_provider)
        telemetry.tracer_provider.get_tracer("program").start_span("SELECT").end()
        assert [span.name for span in telemetry.spans()] == ["SELECT"]
    assert laboratory.sent() == []


@pytest.mark.parametrize("seed", range(20))
def test_every_span_that_is_sent_has_its_parent_sent_in_whatever_order_they_end(seed: int) -> None:
    """Random trees, ended in random order and exported in random batches; no span more than once, none without a call below it."""
    chance, known, sent = random.Random(seed), Lineage(), []
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(known)
    chosen, tracer = Selection(known), provider.get_tracer("program")
    waiting: list[Any] = []
    started: list[Any] = []
    ended = 0
    while ended < 200:
        if len(started) < 200 and (chance.random() < 0.6 or ended == len(started)):
            above = chance.choice([*started, None]) if started else None
            context = None if above is None else set_span_in_context(above)
            started.append(tracer.start_span("call" if chance.random() < 0.1 else "other", context))
            if started[-1].name == "call" and chance.random() < 0.5:
                started[-1].set_attributes(CHAT)
        else:
            span = chance.choice([span for span in started if span.end_time is None])
            if span.name == "call":
                span.set_attributes(CHAT)
            span.end()
            ended += 1
            waiting.append(span)
        if chance.random() < 0.1:
            sent += chosen.chosen(waiting)
            waiting = []
    sent += chosen.chosen(waiting)
    ids = [span.context.span_id for span in sent]
    assert len(ids) == len(set(ids))
    wanted: set[int] = set()
    by_id = {span.context.span_id: span for span in started}
    for span in started:
        above = span if span.name == "call" else None
        while above is not None:
            wanted.add(above.context.span_id)
            above = by_id[above.parent.span_id] if above.parent else None
    assert set(ids) == wanted


def test_threads_that_export_at_once_lose_nothing_and_double_nothing() -> None:
    known = Lineage()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(known)
    chosen, tracer = Selection(known), provider.get_tracer("program")
    spans: list[Any] = []
    for _ in range(300):
        parent = tracer.start_span("above")
        below = tracer.start_span("late", set_span_in_context(parent))
        parent.end()
        below.set_attributes(CHAT)
        below.end()
        spans += [parent, below]
    with ThreadPoolExecutor(8) as pool:
        sent = [span for part in pool.map(lambda span: chosen.chosen([span]), spans) for span in part]
    assert sorted(span.context.span_id for span in sent) == sorted(span.context.span_id for span in spans)


def test_memory_is_bounded() -> None:
    known = Lineage()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(known)
    chosen, tracer = Selection(known), provider.get_tracer("program")
    root = tracer.start_span("root")
    context = set_span_in_context(root)
    for number in range(selection._MARKS + 100):
        span: Any = tracer.start_span("never ended", context, attributes=CHAT if number % 2 else None)
        if number < 3 * selection._HELD:
            span.end()
            chosen.chosen([span])
    for kept, bound in ((known._parents, selection._MARKS), (known._marked, selection._MARKS), (chosen._held, selection._HELD)):
        assert 0 < len(kept._entries) <= bound
    root.end()
    assert chosen.chosen([root]) == [root]  # type: ignore[list-item]
