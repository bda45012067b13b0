"""Beside Sentry, Logfire, Langfuse and Datadog, each sending where it always does, whoever is started first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.e2e.neighbour_receivers import Datadog, Logfire, Sentry
from tests.e2e.neighbours import (
    CALLS,
    CONTENT,
    IN_A_SESSION,
    KEY,
    OWN_WORK,
    SESSION,
    Neighbour,
    Outcome,
    Program,
    assert_complete,
    metered,
    run,
    shape,
)
from tests.fakes.otlp_sink import OtlpSink

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

pytestmark = pytest.mark.e2e

ORDERS: Final = ("theirs", "ours")
VARIES: Final = ("logfire.", "code.", "duration", "langfuse.internal", "langfuse.observation.completion_start_time")
PLACE: Final = {"OTEL_EXPORTER_OTLP_ENDPOINT": "{otlp}", "OTEL_SERVICE_NAME": "program"}


@dataclass(frozen=True)
class Case:
    """A neighbour as its documentation has it started, and what it then sends to `receiver` of its own accord."""

    start: str
    env: Mapping[str, str]
    receiver: Callable[[], Any]
    theirs: Callable[[Any], Any]
    own: str = OWN_WORK
    otlp: tuple[str, ...] = ORDERS
    """Orders in which the OTLP endpoint gets ours: an SDK that made the provider sends where it likes."""


def _foreign(receiver: OtlpSink) -> Any:
    """Spans that are not ours."""
    return shape([span for span in receiver.spans() if not span.scope_name.startswith("agentops")], *VARIES)


SENTRY: Final = """
import os, sentry_sdk
from sentry_sdk.integrations.otlp import OTLPIntegration
sentry_sdk.init(dsn="http://key@" + os.environ["THEIRS"] + "/1", traces_sample_rate=1.0, integrations=[OTLPIntegration()])
"""
LOGFIRE: Final = "\nimport logfire\nlogfire.configure(console=False, inspect_arguments=False)\n"
LOGFIRE_WORK: Final = OWN_WORK + "import logfire\nwith logfire.span('own logfire work'):\n    pass\n"
LANGFUSE: Final = """
import os
from langfuse import Langfuse
observer = Langfuse(public_key="pk-lf-1", secret_key="sk-lf-1", base_url=os.environ["THEIRS"])
"""
LANGFUSE_WORK: Final = OWN_WORK + "with observer.start_as_current_observation(name='own observation'):\n    pass\n"
BY_HOST: Final = {"THEIRS": "{theirs_host}"}
BY_URL: Final = {"THEIRS": "{theirs}"}
# It keeps to itself where it sees pytest's variables, unless it is told to send.
LOGFIRE_ENV: Final = {"LOGFIRE_SEND_TO_LOGFIRE": "true", "LOGFIRE_TOKEN": "pylf_v1_us_abc", "LOGFIRE_BASE_URL": "{theirs}"}
DATADOG_ENV: Final = {
    "DD_TRACE_AGENT_URL": "{theirs}",
    "DD_TRACE_API_VERSION": "v0.4",
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    "DD_CRASHTRACKING_ENABLED": "false",
    "DD_TRACE_STARTUP_LOGS": "false",
}
CASES: Final = {
    "sentry": Case(SENTRY, BY_HOST, Sentry, lambda sentry: (sentry.transactions(), _foreign(sentry)), otlp=("ours",)),
    "logfire": Case(LOGFIRE, LOGFIRE_ENV, Logfire, _foreign, LOGFIRE_WORK),
    "logfire, openai": Case(LOGFIRE + "logfire.instrument_openai()\n", LOGFIRE_ENV, Logfire, _foreign, LOGFIRE_WORK, otlp=("theirs",)),
    "langfuse": Case(LANGFUSE, BY_URL, OtlpSink, _foreign, LANGFUSE_WORK, otlp=("ours",)),
    "langfuse, openai": Case(LANGFUSE + "import langfuse.openai\n", BY_URL, OtlpSink, _foreign, LANGFUSE_WORK, otlp=("ours",)),
    "ddtrace": Case("\nimport ddtrace.auto\n", DATADOG_ENV, Datadog, Datadog.spans),
}
ONLY_THE_FIRST: Final = {"logfire", "logfire, openai"}
"""Who sets the global provider and does not join one that is there: OpenTelemetry keeps the first."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Outcome]:
    """Each without ours, and started before and after ours."""
    neighbour, folder = Neighbour("sdks"), tmp_path_factory.mktemp("sdks")
    programs: dict[tuple[str, str], Program] = {}
    for name, case in CASES.items():
        alone = {**PLACE, **case.env}
        both = {**alone, "AGENTOPS_API_KEY": KEY, CONTENT: "SPAN_ONLY"}
        programs[name, "without"] = Program(case.start + CALLS + case.own + "calls()", alone, ours=False)
        programs[name, "theirs"] = Program(case.start + SESSION + CALLS + case.own + IN_A_SESSION, both)
        programs[name, "ours"] = Program(SESSION + case.start + CALLS + case.own + IN_A_SESSION, both)
    _ = neighbour.python

    def ran(key: tuple[str, str]) -> Outcome:
        return run(neighbour, programs[key], folder / "-".join(key).replace(", ", "-"), CASES[key[0]].receiver())

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(programs, pool.map(ran, programs), strict=True))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", CASES)
def test_theirs_is_unchanged(outcomes: dict[tuple[str, str], Outcome], name: str, order: str) -> None:
    theirs = CASES[name].theirs
    without, beside = theirs(outcomes[name, "without"].theirs), theirs(outcomes[name, order].theirs)
    if name in ONLY_THE_FIRST and order == "ours":
        # What goes through OpenTelemetry's global provider went to theirs; what goes through their own interface still does.
        without = [span for span in without if span[0] != "program"]
    assert beside == without
    assert without


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", CASES)
def test_ours_is_complete_and_every_call_counts_once(outcomes: dict[tuple[str, str], Outcome], name: str, order: str) -> None:
    outcome = outcomes[name, order]
    spans = assert_complete(outcome.agentops, outcome)
    assert len({span.attributes["session.id"] for span in spans}) == 1
    assert "own work" not in {span.name for span in outcome.agentops.spans()}
    if order in CASES[name].otlp:
        assert_complete(outcome.otlp, outcome)
        assert metered(outcome.otlp) == outcome.openai.tokens()


@pytest.mark.parametrize(
    ("name", "order"), [("logfire", "theirs"), ("logfire, openai", "theirs"), ("langfuse", "theirs"), ("langfuse", "ours")]
)
def test_theirs_gets_the_session_and_counts_once_where_it_has_the_provider(
    outcomes: dict[tuple[str, str], Outcome], name: str, order: str
) -> None:
    assert_complete(outcomes[name, order].theirs, outcomes[name, order])


def test_a_provider_of_datadogs_is_left_to_them(tmp_path_factory: pytest.TempPathFactory) -> None:
    """It takes no processors of others, and its context keeps no sessions: said once, and the program runs as ever."""
    case = CASES["ddtrace"]
    env = {**PLACE, **case.env, "AGENTOPS_API_KEY": KEY, "DD_TRACE_OTEL_ENABLED": "true"}
    program = Program(case.start + SESSION + CALLS + OWN_WORK + IN_A_SESSION + "print('done')", env)
    outcome = run(Neighbour("sdks"), program, tmp_path_factory.mktemp("datadog"), Datadog())
    assert outcome.output == "done\n"
    assert outcome.errors.count("takes no span processors") == 1
    assert len(outcome.openai.served()) == 3
    assert {resource for _, resource in outcome.theirs.spans()} >= {"own work", "invoke_workflow research", "chat gpt-4o-mini"}


def test_sentrys_deprecated_integration_comes_first(tmp_path_factory: pytest.TempPathFactory) -> None:
    """It sets a provider of its own, without looking whether there is one."""
    start = SENTRY.replace("integrations.otlp", "integrations.opentelemetry.integration").replace(
        "OTLPIntegration", "OpenTelemetryIntegration"
    )
    start = start.replace("traces_sample_rate", "instrumenter='otel', traces_sample_rate")
    program = Program(start + SESSION + CALLS + OWN_WORK + IN_A_SESSION, {**BY_HOST, "AGENTOPS_API_KEY": KEY, CONTENT: "SPAN_ONLY"})
    outcome = run(Neighbour("sdks"), program, tmp_path_factory.mktemp("sentry"), Sentry())
    assert [name for name, _ in outcome.theirs.transactions()] == ["invoke_workflow research", "own work"]
    assert_complete(outcome.agentops, outcome)
