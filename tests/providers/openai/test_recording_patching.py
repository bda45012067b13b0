"""Instrumenting the real client: before and after its import, to identity and back, beside others; content by the policy."""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
from functools import reduce
from typing import TYPE_CHECKING, Any

import openai
import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import set_span_in_context

from agentops_instrumentors.core import telemetry as core_telemetry
from agentops_instrumentors.core.content import ContentMode
from agentops_instrumentors.openai.endpoints import ENDPOINTS
from tests.providers.openai.recording import HELLO, MODEL, chat_answer
from tests.unit.message_shapes import check_span

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.openai_server import FakeOpenAI
    from tests.fakes.process import PythonRunner
    from tests.providers.openai.recording import OpenAIRecorder

pytest_plugins = ("tests.providers.openai.recording_fixtures",)

SCRIPT = """
import logging, sys
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from agentops_instrumentors.openai import OpenAIInstrumentor

logging.basicConfig()
exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
if sys.argv[2] == "after":
    import openai
    from openai.resources.chat import Completions
OpenAIInstrumentor().instrument(tracer_provider=provider)
assert ("openai" in sys.modules) == (sys.argv[2] == "after")
if sys.argv[2] == "submodule":
    from openai.resources.chat.completions import Completions
from openai import OpenAI
from openai.resources.chat import Completions as bound

with OpenAI(base_url=sys.argv[1], api_key="test") as client:
    client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}])
    bound(client).create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}])
    OpenAIInstrumentor().uninstrument()
    client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}])
print(*(span.name for span in exporter.get_finished_spans()), sep=",")
"""


@pytest.mark.parametrize("when", ["before", "after", "submodule"])
def test_instrumented_before_or_after_the_import(run_python: PythonRunner, recorded_openai: FakeOpenAI, when: str) -> None:
    recorded_openai.reset()
    done = run_python(SCRIPT, args=[recorded_openai.base_url, when])
    assert (done.stdout.strip(), done.stderr) == ("chat gpt-4o-mini,chat gpt-4o-mini", "")


def _methods() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        module, _, path = endpoint.target.partition(":")
        *owners, name = path.split(".")
        try:
            found[endpoint.target] = vars(reduce(getattr, owners, importlib.import_module(module)))[name]
        except (ImportError, KeyError):
            assert endpoint.versions, endpoint.target
    return found


def test_every_method_is_patched_and_given_back(record: OpenAIRecorder) -> None:
    record.stop()
    before = _methods()
    for _ in range(2):
        record.start()
        patches = record.instrumentor.patches
        assert patches
        assert set(patches.installed) == set(before)
        assert patches.missing == []
        assert all(method is not before[target] for target, method in _methods().items())
        record.stop()
        after = _methods()
        assert all(after[target] is original for target, original in before.items())
    record.client.chat.completions.create(model=MODEL, messages=HELLO)
    record.telemetry.assert_balanced(0)


def test_a_method_that_is_gone_is_left_out_alone(
    record: OpenAIRecorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from openai.resources.embeddings import AsyncEmbeddings, Embeddings

    record.stop()
    monkeypatch.delattr(Embeddings, "create")
    with caplog.at_level(logging.WARNING, "agentops"):
        record.start()
    assert record.instrumentor.patches
    assert record.instrumentor.patches.missing == ["openai.resources.embeddings:Embeddings.create"]
    assert [entry.getMessage().partition(" is not")[0] for entry in caplog.records] == ["openai.resources.embeddings:Embeddings.create"]
    assert hasattr(AsyncEmbeddings.create, "__wrapped__")
    record.client.chat.completions.create(model=MODEL, messages=HELLO)
    assert record.span.name == f"chat {MODEL}"
    record.stop()


def test_suppressed(record: OpenAIRecorder) -> None:
    with suppress_instrumentation():
        record.client.chat.completions.create(model=MODEL, messages=HELLO)
        list(record.client.chat.completions.create(model=MODEL, messages=HELLO, stream=True))
    record.telemetry.assert_balanced(0)
    assert record.telemetry.metrics() == []


def test_the_default_parent(record: OpenAIRecorder) -> None:
    root = record.telemetry.tracer_provider.get_tracer("app").start_span("session")
    core_telemetry.set_default_parent(lambda current: set_span_in_context(root, current))
    try:
        list(record.client.chat.completions.create(model=MODEL, messages=HELLO, stream=True))
    finally:
        core_telemetry.set_default_parent(None)
        root.end()
    (span,) = record.telemetry.spans(f"chat {MODEL}")
    assert span.parent == root.get_span_context()


WRAPPER = """
import wrapt
calls = []
def traced(wrapped, instance, args, kwargs):
    calls.append(kwargs["model"])
    return wrapped(*args, **kwargs)
def instrument(owner):
    owner.create = wrapt.FunctionWrapper(vars(owner)["create"], traced)
"""


@pytest.mark.parametrize("theirs_first", [False, True])
@pytest.mark.parametrize(
    ("module", "measured"), [("opentelemetry.instrumentation.openai_v2", False), ("openinference.instrumentation.openai", True)]
)
def test_beside_another_instrumentor_no_call_counts_twice(
    record: OpenAIRecorder, tmp_path: Path, theirs_first: bool, module: str, measured: bool
) -> None:
    """One that records no metrics leaves these to ours."""
    from openai.resources.chat.completions import Completions

    record.stop()
    original = vars(Completions)["create"]
    (tmp_path / "wrapper.py").write_text(WRAPPER)
    spec = importlib.util.spec_from_file_location(module, tmp_path / "wrapper.py")
    assert spec
    assert spec.loader
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    try:
        if theirs_first:
            theirs.instrument(Completions)
        record.start()
        if not theirs_first:
            theirs.instrument(Completions)
        record.client.chat.completions.create(model=MODEL, messages=HELLO)
        record.telemetry.assert_balanced(0)
        tokens = [point.sum for point in record.telemetry.points("gen_ai.client.token.usage")]
        assert (sum(tokens), bool(record.telemetry.metrics())) == (sum(record.server.tokens()) if measured else 0, measured)
        assert theirs.calls == [MODEL]
        record.client.embeddings.create(model="text-embedding-3-small", input="x")
        record.telemetry.assert_balanced(1)
        record.stop()
        assert vars(Completions)["create"].__wrapped__ is original
    finally:
        Completions.create = original


REQUEST_WRAPPER = """
import wrapt
def traced(wrapped, instance, args, kwargs):
    return wrapped(*args, **kwargs)
def instrument():
    wrapt.wrap_function_wrapper("openai", "OpenAI.request", traced)
"""


def test_beside_one_that_counts_where_the_client_sends_no_call_counts_twice(record: OpenAIRecorder, tmp_path: Path) -> None:
    import openai

    (tmp_path / "wrapper.py").write_text(REQUEST_WRAPPER)
    spec = importlib.util.spec_from_file_location("openinference.instrumentation.openai", tmp_path / "wrapper.py")
    assert spec
    assert spec.loader
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    theirs.instrument()
    try:
        record.client.chat.completions.create(model=MODEL, messages=HELLO)
        record.client.embeddings.create(model="text-embedding-3-small", input="x")
        record.telemetry.assert_balanced(0)
    finally:
        del openai.OpenAI.request
    record.client.chat.completions.create(model=MODEL, messages=HELLO)
    record.telemetry.assert_balanced(1)


def test_the_redactor_sees_what_was_asked_answered_and_raised(record: OpenAIRecorder) -> None:
    record.start(ContentMode.SPAN_AND_EVENT, redactor=lambda text: text.replace("hello", "*****"))
    record.client.chat.completions.create(model=MODEL, messages=HELLO)
    assert record.asked == [{"type": "text", "content": "***** there"}]
    assert record.said == [{"type": "text", "content": "You said: ***** there"}]
    (log,) = record.telemetry.logs()
    assert "hello" not in log.to_json()
    record.telemetry.clear()
    with pytest.raises(openai.NotFoundError):
        record.client.responses.retrieve("resp_hello")
    assert record.span.status.description
    assert "hello" not in record.span.status.description
    (event,) = record.span.events
    assert "resp_*****" in str((event.attributes or {})["exception.message"])


def test_the_byte_budget(record: OpenAIRecorder) -> None:
    record.start(max_bytes=2048)
    record.client.chat.completions.create(model=MODEL, messages=[*HELLO * 50, {"role": "user", "content": "long " * 2000}])
    attributes = record.span.attributes or {}
    for name in ("gen_ai.input.messages", "gen_ai.output.messages"):
        assert len(str(attributes[name]).encode()) <= 2048
    check_span(attributes)
    assert record.content("input.messages")[0]["parts"] == [{"type": "text", "content": "hello there"}]


def test_odd_values_drop_nothing_else(record: OpenAIRecorder) -> None:
    arguments = json.dumps({"big": 2**80, "deep": [[[]]], "\ud800": "\udfff"})
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    record.answer(chat_answer({"content": "fine \ud800", "tool_calls": [call]}))
    record.client.chat.completions.create(model=MODEL, messages=[*HELLO, {"role": "assistant", "tool_calls": [call]}])  # type: ignore[list-item]
    text, answered = record.said
    assert text["content"].startswith("fine ")
    assert answered["name"] == "f"
    str((record.span.attributes or {})["gen_ai.input.messages"]).encode()
    assert [message["role"] for message in record.content("input.messages")] == ["user", "assistant"]
