"""Beside other instrumentors of openai, on the application's own providers: one counted span a call, theirs, with what ours adds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.neighbours import (
    CALLS,
    CONTENT,
    IN_A_SESSION,
    KEY,
    MODEL_CALLS,
    OWN_WORK,
    SAID,
    SESSION,
    Neighbour,
    Outcome,
    Program,
    assert_complete,
    metered,
    model_calls,
    run,
    shape,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

OWN_PROVIDERS: Final = """
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())]))
"""
MODULES: Final = {
    "nobody": "",
    "openinference": "openinference.instrumentation.openai",
    "official": "opentelemetry.instrumentation.genai.openai",
    "openllmetry": "opentelemetry.instrumentation.openai",
}
NEIGHBOURS: Final = tuple(name for name, module in MODULES.items() if module)
PLACE: Final = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "{otlp}",
    "OTEL_SERVICE_NAME": "program",
    CONTENT: "SPAN_ONLY",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
    "TRACELOOP_TELEMETRY": "false",
}
ORDERS: Final = ("theirs", "ours")
VARIES: Final = ("gen_ai.response.time_to_first_chunk", "gen_ai.openai.api_base")


def instrument(name: str) -> str:
    module = MODULES[name]
    return f"\nfrom {module} import OpenAIInstrumentor\nOpenAIInstrumentor().instrument()\n" if module else ""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Outcome]:
    """Each alone, and beside ours with either instrumented first."""
    neighbour, folder = Neighbour("instrumentors"), tmp_path_factory.mktemp("instrumentors")
    programs: dict[tuple[str, str], Program] = {}
    both = {**PLACE, "AGENTOPS_API_KEY": KEY}
    for name in MODULES:
        theirs = instrument(name)
        programs[name, "without"] = Program(OWN_PROVIDERS + theirs + CALLS + OWN_WORK + "calls()", PLACE, ours=False)
        programs[name, "theirs"] = Program(OWN_PROVIDERS + theirs + SESSION + CALLS + OWN_WORK + IN_A_SESSION, both)
        programs[name, "ours"] = Program(OWN_PROVIDERS + SESSION + theirs + CALLS + OWN_WORK + IN_A_SESSION, both)
    # What `opentelemetry-instrument` loads of them: two that are called `openai`, and ours.
    programs["all", "instrument"] = Program(CALLS + OWN_WORK + IN_A_SESSION, both, instrument=True)
    _ = neighbour.python
    with ThreadPoolExecutor(2) as pool:
        ran = pool.map(lambda key: run(neighbour, programs[key], _made(folder, *key)), programs)
        return dict(zip(programs, ran, strict=True))


def _made(folder: Path, name: str, order: str) -> Path:
    return folder / f"{name}-{order}"


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", MODULES)
def test_theirs_is_unchanged(outcomes: dict[tuple[str, str], Outcome], name: str, order: str) -> None:
    without, beside = outcomes[name, "without"], outcomes[name, order]
    theirs = [span for span in beside.otlp.spans() if not span.scope_name.startswith("agentops")]
    assert shape(theirs, *VARIES) == shape(without.otlp.spans(), *VARIES)
    assert [span.name for span in beside.otlp.spans()].count("own work") == 1


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", MODULES)
def test_ours_is_complete_and_every_call_counts_once(outcomes: dict[tuple[str, str], Outcome], name: str, order: str) -> None:
    outcome = outcomes[name, order]
    scope = MODULES[name] or "agentops_instrumentors.openai"
    for receiver in (outcome.otlp, outcome.agentops):
        spans = assert_complete(receiver, outcome)
        assert all(span.scope_name.startswith(scope) for span in model_calls(spans))
        assert len({span.attributes["session.id"] for span in spans}) == 1
    (row,) = outcome.agentops.trace_list()
    assert (row.name, row.spans) == ("research.session", 2 + MODEL_CALLS)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", MODULES)
def test_tokens_are_metered_once_and_by_those_who_do(outcomes: dict[tuple[str, str], Outcome], name: str, order: str) -> None:
    outcome = outcomes[name, order]
    alone = metered(outcomes[name, "without"].otlp)
    # Where theirs meters nothing ours does; what theirs leaves out of its own is not added.
    expected = alone if alone != (0, 0) else outcome.openai.tokens()
    assert metered(outcome.otlp) == metered(outcome.agentops) == expected


@pytest.mark.parametrize("name", MODULES)
def test_the_backend_shows_tokens_and_the_chat(outcomes: dict[tuple[str, str], Outcome], name: str) -> None:
    outcome = outcomes[name, "ours"]
    calls = [span.attributes for span in model_calls(outcome.agentops.spans())]
    assert sum(call["gen_ai.usage.total_tokens"] for call in calls) == sum(outcome.openai.tokens())
    assert all(SAID in call["gen_ai.prompt.0.content"] for call in calls)
    assert all(call["gen_ai.completion.0.content"] for call in calls)


def test_all_of_them_under_the_launcher(outcomes: dict[tuple[str, str], Outcome]) -> None:
    """Two others know nothing of each other, and count what they count; ours counts nothing on top."""
    outcome = outcomes["all", "instrument"]
    assert not [span for span in outcome.otlp.spans() if span.scope_name == "agentops_instrumentors.openai"]
    assert {span.name for span in outcome.agentops.spans()} >= {"research.session", "look_up.tool"}
