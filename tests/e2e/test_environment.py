"""Every OTEL_* variable keeps its meaning, under `opentelemetry-instrument` and `agentops.init()` alike."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.e2e.combinations import ALL_SIGNALS, BOTH, OTLP, PROGRAM, Outcome, Start, run

if TYPE_CHECKING:
    from collections.abc import Mapping


pytestmark = pytest.mark.e2e
THREE_SPANS = """
from opentelemetry import trace
for _ in range(3):
    trace.get_tracer("program").start_span("work").end()
"""
LONG_VALUE = """
from opentelemetry import trace
with trace.get_tracer("program").start_as_current_span("work") as span:
    span.set_attribute("long", "abcdefghij")
"""
INJECT = """
import json
from opentelemetry import baggage, context, propagate, trace
context.attach(baggage.set_baggage("who", "me"))
with trace.get_tracer("program").start_as_current_span("work"):
    carrier = {}
    propagate.inject(carrier)
    print(json.dumps(sorted(carrier)))
"""
INSTRUMENTED = """
from agentops_instrumentors.openai import OpenAIInstrumentor
print(OpenAIInstrumentor().is_instrumented_by_opentelemetry)
"""
INIT = """
import agentops
session = agentops.init()
"""

STARTS: Mapping[str, Start] = {
    "plain": Start(OTLP),
    "disabled": Start({**BOTH, "OTEL_SDK_DISABLED": "true"}, program=ALL_SIGNALS),
    "disabled init": Start({**BOTH, "OTEL_SDK_DISABLED": "true"}, instrument=False, program=INIT + PROGRAM),
    "service": Start({**OTLP, "OTEL_SERVICE_NAME": "shop"}),
    "service init": Start({**OTLP, "OTEL_SERVICE_NAME": "shop"}, instrument=False, program=INIT + PROGRAM),
    "resource": Start({**OTLP, "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test,host.name=mine"}),
    "older name": Start({**OTLP, "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test"}),
    "opt out": Start({**OTLP, "AGENTOPS_ENV_DATA_OPT_OUT": "true"}),
    "console": Start({"OTEL_TRACES_EXPORTER": "console"}),
    "all": Start(BOTH, program=ALL_SIGNALS),
    "all init": Start(BOTH, instrument=False, program=INIT + ALL_SIGNALS),
    "nothing": Start(program=ALL_SIGNALS),
    "no metrics": Start({**BOTH, "OTEL_METRICS_EXPORTER": "none"}, program=ALL_SIGNALS),
    "no logs": Start({**BOTH, "OTEL_LOGS_EXPORTER": "none"}, program=ALL_SIGNALS),
    "metrics named": Start({**OTLP, "OTEL_METRICS_EXPORTER": "console"}, program=ALL_SIGNALS),
    "traces endpoint": Start({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{otlp}/elsewhere/v1/traces"}, program=ALL_SIGNALS),
    "headers": Start({**BOTH, "OTEL_EXPORTER_OTLP_HEADERS": "x-vendor-key=secret"}, program=ALL_SIGNALS),
    "compression": Start({**OTLP, "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}),
    "grpc missing": Start({**OTLP, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}),
    "unknown exporter": Start({**OTLP, "OTEL_TRACES_EXPORTER": "zipkinn,otlp"}),
    "sampler": Start({**BOTH, "OTEL_TRACES_SAMPLER": "always_off"}, program=ALL_SIGNALS),
    "sampler, local": Start({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}),
    "batch": Start({**BOTH, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1"}, program=THREE_SPANS),
    "batch of AgentOps": Start({**BOTH, "AGENTOPS_MAX_QUEUE_SIZE": "1"}, program=THREE_SPANS.replace("3", "1")),
    "length": Start({**BOTH, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4"}, program=LONG_VALUE),
    "length, local": Start({"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4"}, program=LONG_VALUE),
    "propagators": Start({"OTEL_PROPAGATORS": "baggage"}, program=INJECT),
    "instrumented": Start(program=INSTRUMENTED),
    "not instrumented": Start({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "agentops_openai"}, program=INSTRUMENTED),
    "not instrumented init": Start(
        {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "agentops_openai"}, instrument=False, program=INIT + INSTRUMENTED
    ),
    "no LLM calls": Start({"AGENTOPS_INSTRUMENT_LLM_CALLS": "false"}, program=INSTRUMENTED),
    "misspelt": Start({"AGENTOPS_MAX_QUEU_SIZE": "9", "AGENTOPS_TRACE_PARENT": "sideways"}),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Every start, run side by side."""
    folder = tmp_path_factory.mktemp("environment")
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(STARTS, pool.map(lambda name: run(STARTS[name], folder / name.replace(" ", "-")), STARTS), strict=True))


def signals(outcome: Outcome) -> tuple[set[str], set[str]]:
    """The signals that reached AgentOps and the OTLP receiver."""
    return tuple(
        {path.rpartition("/")[2] for path in sink.counts() if path.startswith("/v1/")} for sink in (outcome.agentops, outcome.otlp)
    )  # type: ignore[return-value]


@pytest.mark.parametrize("name", ["disabled", "disabled init"])
def test_sdk_disabled_sends_nothing(outcomes: dict[str, Outcome], name: str) -> None:
    assert signals(outcomes[name]) == (set(), set())
    assert outcomes[name].stored == []
    assert outcomes[name].errors == ""


@pytest.mark.parametrize("name", ["service", "service init"])
def test_service_name(outcomes: dict[str, Outcome], name: str) -> None:
    assert outcomes[name].span().resource["service.name"] == "shop"


def test_resource_attributes_win_over_what_is_detected(outcomes: dict[str, Outcome]) -> None:
    resource = outcomes["resource"].span().resource
    assert (resource["deployment.environment.name"], resource["host.name"]) == ("test", "mine")


def test_the_older_name_of_the_deployment_environment_counts(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["older name"].span().resource["deployment.environment.name"] == "test"


def test_the_resource_says_distro_host_system_and_process(outcomes: dict[str, Outcome]) -> None:
    resource = outcomes["plain"].span().resource
    assert resource["telemetry.distro.name"] == "agentops-opentelemetry"
    assert resource["telemetry.distro.version"]
    assert {"host.name", "host.arch", "os.type", "process.pid", "process.runtime.name"} <= resource.keys()


def test_host_system_and_process_can_be_left_out(outcomes: dict[str, Outcome]) -> None:
    assert not [name for name in outcomes["opt out"].span().resource if name.startswith(("host.", "os.", "process."))]


def test_traces_exporter(outcomes: dict[str, Outcome]) -> None:
    assert '"name": "work"' in outcomes["console"].output
    assert outcomes["console"].copies() == (0, 0, 0)


@pytest.mark.parametrize("name", ["all", "all init"])
def test_all_signals_go_to_every_destination(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    for sink in (outcome.agentops, outcome.otlp):
        assert (len(sink.spans("work")), len(sink.metrics("things")), len(sink.logs())) == (1, 1, 1)


def test_nothing_configured_sends_nothing_over_the_network(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["nothing"].errors == ""
    assert outcomes["nothing"].copies() == (0, 0, 1)


def test_metrics_exporter(outcomes: dict[str, Outcome]) -> None:
    assert signals(outcomes["no metrics"]) == ({"traces", "logs"}, {"traces", "logs"})
    assert '"name": "things"' in outcomes["metrics named"].output
    assert signals(outcomes["metrics named"])[1] == {"traces", "logs"}


def test_logs_exporter(outcomes: dict[str, Outcome]) -> None:
    assert signals(outcomes["no logs"]) == ({"traces", "metrics"}, {"traces", "metrics"})


def test_an_endpoint_of_one_signal_is_for_that_signal(outcomes: dict[str, Outcome]) -> None:
    assert set(outcomes["traces endpoint"].otlp.counts()) == {"/elsewhere/v1/traces"}
    assert outcomes["traces endpoint"].copies() == (0, 1, 0)


def test_headers_of_other_vendors_never_go_to_agentops(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["headers"]
    assert {request.headers.get("x-vendor-key") for request in outcome.otlp.requests} == {"secret"}
    assert {request.headers.get("x-vendor-key") for request in outcome.agentops.requests} == {None}


def test_compression(outcomes: dict[str, Outcome]) -> None:
    assert {request.headers.get("content-encoding") for request in outcomes["compression"].otlp.requests} == {"gzip"}
    assert outcomes["plain"].otlp.requests[0].headers.get("content-encoding") is None


@pytest.mark.parametrize(
    ("name", "variable"), [("grpc missing", "OTEL_EXPORTER_OTLP_PROTOCOL"), ("unknown exporter", "OTEL_TRACES_EXPORTER")]
)
def test_what_cannot_work_is_said_and_the_rest_works(outcomes: dict[str, Outcome], name: str, variable: str) -> None:
    assert outcomes[name].copies() == (0, 1, 0)
    assert outcomes[name].errors.count(variable) == 1


def test_sampler(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["sampler"].copies() == (0, 0, 0)
    assert len(outcomes["sampler"].otlp.metrics("things")) == 1
    assert outcomes["sampler, local"].copies() == (0, 0, 0)


def test_batch_processor(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["batch"]
    assert outcome.copies() == (3, 3, 0)
    assert (outcome.agentops.counts()["/v1/traces"], outcome.otlp.counts()["/v1/traces"]) == (3, 3)
    assert outcomes["batch of AgentOps"].copies() == (1, 1, 0)


def test_attribute_length_limit(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["length"].span().attributes["long"] == "abcd"
    (span,) = (span for span in outcomes["length, local"].stored if span["name"] == "work")
    assert span["attributes"] == [{"key": "long", "value": {"stringValue": "abcd"}}]


def test_propagators(outcomes: dict[str, Outcome]) -> None:
    assert json.loads(outcomes["propagators"].output) == ["baggage"]


@pytest.mark.parametrize(
    ("name", "instrumented"),
    [("instrumented", True), ("not instrumented", False), ("not instrumented init", False), ("no LLM calls", False)],
)
def test_disabled_instrumentations(outcomes: dict[str, Outcome], name: str, instrumented: bool) -> None:
    assert outcomes[name].output == f"{instrumented}\n"


def test_a_misspelt_variable_is_said_once(outcomes: dict[str, Outcome]) -> None:
    unknown, invalid = sorted(outcomes["misspelt"].errors.splitlines(), reverse=True)
    assert all(part in unknown for part in ("AGENTOPS_MAX_QUEU_SIZE", "'9'", "AGENTOPS_MAX_QUEUE_SIZE"))
    assert all(part in invalid for part in ("AGENTOPS_TRACE_PARENT", "'sideways'", "root, current"))
    assert outcomes["misspelt"].copies() == (0, 0, 1)
