"""Instrumenting the real client: functions bound at the SDK's import included, to identity and back, beside others."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ollama
import pytest
import wrapt
from opentelemetry.instrumentation.utils import suppress_instrumentation

from tests.providers.ollama.vendor import MODEL

if TYPE_CHECKING:
    from tests.fakes.ollama_server import FakeOllama
    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner
    from tests.providers.ollama.conftest import OllamaRecorder

EXAMPLE = Path(__file__).parents[3] / "examples" / "ollama_chat.py"
HELLO: Any = [{"role": "user", "content": "hello there"}]
KINDS = (ollama.Client, ollama.AsyncClient)
SCRIPT = """
import asyncio, logging, sys
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from agentops_instrumentors.ollama import OllamaInstrumentor

logging.basicConfig()
exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
if sys.argv[1] == "after":
    import ollama
    from ollama import chat, generate, embed, embeddings, Client
    made = Client()
OllamaInstrumentor().instrument(tracer_provider=provider)
assert ("ollama" in sys.modules) == (sys.argv[1] == "after")
import ollama
if sys.argv[1] == "before":
    from ollama import chat, generate, embed, embeddings, Client
    made = Client()

said = [{"role": "user", "content": "hi"}]
def work():
    chat("m", said)
    list(chat("m", said, stream=True))
    generate("m", "hi")
    embed("m", "hi")
    embeddings("m", "hi")
    ollama.chat("m", said)
    made.chat("m", said)
    asyncio.run(ollama.AsyncClient().chat("m", said))
    ollama.list()

work()
print(*(span.name for span in exporter.get_finished_spans()), sep=",")
OllamaInstrumentor().uninstrument()
work()
print(len(exporter.get_finished_spans()))
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_functions_bound_at_import_are_recorded_once_each(
    run_python: PythonRunner, recorded_ollama: tuple[FakeOllama, Any], when: str
) -> None:
    server, _ = recorded_ollama
    server.reset()
    done = run_python(SCRIPT, args=[when], env={"OLLAMA_HOST": server.url})
    names = ["chat m", "chat m", "text_completion m", "embeddings m", "embeddings m", "chat m", "chat m", "chat m"]
    assert (done.stdout.splitlines(), done.stderr) == ([",".join(names), "8"], "")
    assert len(server.requests) == 2 * (len(names) + 1)


def test_the_example_is_recorded_unchanged(run_python: PythonRunner, recorded_ollama: tuple[FakeOllama, Any], otlp_sink: OtlpSink) -> None:
    server, _ = recorded_ollama
    server.reset()
    environment = {"OLLAMA_HOST": server.url, "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url}
    done = run_python(EXAMPLE.read_text(encoding="utf-8"), instrument=True, env=environment)
    assert done.stdout == "The result is: 6.9 m\n"
    spans = [span for span in otlp_sink.spans() if span.name == "chat llama3.2"]
    assert [span.attributes.get("gen_ai.request.stream", False) for span in spans] == [False, True]
    assert sum(span.attributes["gen_ai.usage.output_tokens"] for span in spans) == server.tokens()[1]


def test_the_client_is_given_back_as_it_was(record: OllamaRecorder) -> None:
    record.stop()
    before = [vars(kind)["_request"] for kind in KINDS]
    public = [vars(kind)[name] for kind in KINDS for name in ("chat", "generate", "embed", "embeddings")]
    for _ in range(2):
        record.start()
        assert record.instrumentor.patches
        assert record.instrumentor.patches.missing == []
        assert all(vars(kind)["_request"] is not original for kind, original in zip(KINDS, before, strict=True))
        # What a program sees of the client is the client's own all along.
        assert all(
            now is then
            for now, then in zip([vars(k)[n] for k in KINDS for n in ("chat", "generate", "embed", "embeddings")], public, strict=True)
        )
        record.stop()
        assert all(vars(kind)["_request"] is original for kind, original in zip(KINDS, before, strict=True))
    record.client.chat(MODEL, HELLO)
    record.telemetry.assert_balanced(0)


def test_a_client_without_the_method_is_left_out_alone(
    record: OllamaRecorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    record.stop()
    monkeypatch.delattr(ollama.AsyncClient, "_request")
    with caplog.at_level(logging.WARNING, "agentops"):
        record.start()
    assert record.instrumentor.patches
    assert record.instrumentor.patches.missing == ["ollama._client:AsyncClient._request"]
    assert [entry.getMessage().partition(" is not")[0] for entry in caplog.records] == ["ollama._client:AsyncClient._request"]
    record.client.chat(MODEL, HELLO)
    assert record.span.name == f"chat {MODEL}"
    record.stop()


WRAPPER = """
import wrapt
calls = []
def traced(wrapped, instance, args, kwargs):
    calls.append(args)
    return wrapped(*args, **kwargs)
def instrument(owner, name):
    setattr(owner, name, wrapt.FunctionWrapper(vars(owner)[name], traced))
"""


@pytest.mark.parametrize("theirs_first", [False, True])
@pytest.mark.parametrize("method", ["chat", "_request"])
def test_beside_another_instrumentor_no_call_counts_twice(record: OllamaRecorder, tmp_path: Path, method: str, theirs_first: bool) -> None:
    record.stop()
    original = vars(ollama.Client)[method]
    (tmp_path / "wrapper.py").write_text(WRAPPER)
    spec = importlib.util.spec_from_file_location("opentelemetry.instrumentation.ollama", tmp_path / "wrapper.py")
    assert spec
    assert spec.loader
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    try:
        if theirs_first:
            theirs.instrument(ollama.Client, method)
        record.start()
        if not theirs_first:
            theirs.instrument(ollama.Client, method)
        record.client.chat(MODEL, HELLO)
        record.telemetry.assert_balanced(0)
        assert record.telemetry.metrics() == []
        assert len(theirs.calls) == 1
        record.stop()
        assert vars(ollama.Client)[method].__wrapped__ is original
    finally:
        setattr(ollama.Client, method, original)


def test_suppressed(record: OllamaRecorder) -> None:
    with suppress_instrumentation():
        record.client.chat(MODEL, HELLO)
        list(record.client.chat(MODEL, HELLO, stream=True))
    record.telemetry.assert_balanced(0)
    assert record.telemetry.metrics() == []


def test_a_wrapper_of_the_programs_own_goes_on_working(record: OllamaRecorder) -> None:
    called: list[Any] = []

    def traced(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        called.append(args)
        return wrapped(*args, **kwargs)

    ours = vars(ollama.Client)["_request"]
    original = ours.__wrapped__
    ollama.Client._request = wrapt.FunctionWrapper(ours, traced)  # type: ignore[method-assign]
    try:
        record.client.chat(MODEL, HELLO)
        record.stop()
        record.client.chat(MODEL, HELLO)
        assert vars(ollama.Client)["_request"].__wrapped__ is original
    finally:
        ollama.Client._request = original  # type: ignore[method-assign]
    record.telemetry.assert_balanced(1)
    assert len(called) == 2
