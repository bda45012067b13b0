"""Beside the distros of other vendors, whoever is listed first: theirs is the one that is loaded, and ours joins what it made.

Without a word from the user, that is; who names ours gets ours.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.neighbours import (
    CALLS,
    CONTENT,
    IN_A_SESSION,
    KEY,
    OURS,
    OWN_WORK,
    SESSION,
    Neighbour,
    Outcome,
    Program,
    assert_complete,
    billed,
    metered,
    model_calls,
    run,
    shape,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e

DISTROS: Final = {"elastic": "elastic-opentelemetry", "splunk": "splunk-opentelemetry", "aws": "aws-opentelemetry-distro"}
OTLP: Final = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "{otlp}",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_SERVICE_NAME": "program",
    # No cloud is asked who it is.
    "ELASTIC_OTEL_CLOUD_PROVIDER": "none",
    "AWS_EC2_METADATA_DISABLED": "true",
}
BOTH: Final = {**OTLP, "AGENTOPS_API_KEY": KEY, CONTENT: "SPAN_ONLY"}
UNCHANGED: Final = CALLS + OWN_WORK + "calls()"
SESSIONS: Final = SESSION + CALLS + OWN_WORK + IN_A_SESSION
ORDERS: Final = ("theirs", "ours", "sitecustomize")
"""Who is listed first; the last: ours, with nothing that could have set a variable before."""
_OF_A_RUN: Final = ("process.", "service.instance.id")


@pytest.fixture(scope="module", params=DISTROS)
def outcomes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Without ours; the unchanged program and one with a session, with either distro listed first; and with ours named."""
    neighbour, theirs = Neighbour(request.param), DISTROS[request.param]
    first = {"theirs": theirs, "ours": OURS}
    programs = {
        # Whoever the file system lists first, be it OpenTelemetry's own: that is what ours, listed before all, must not change.
        "without, ours first": Program(UNCHANGED, OTLP, instrument=True, ours=False),
        "without, theirs first": Program(UNCHANGED, OTLP, instrument=True, ours=False, first=theirs),
        **{f"unchanged, {order} first": Program(UNCHANGED, BOTH, instrument=True, first=first[order]) for order in first},
        **{f"session, {order} first": Program(SESSIONS, BOTH, instrument=True, first=first[order]) for order in first},
        "without, sitecustomize first": Program(UNCHANGED, OTLP, ours=False, sitecustomize=True),
        "unchanged, sitecustomize first": Program(UNCHANGED, BOTH, sitecustomize=True, first=OURS),
        "session, sitecustomize first": Program(SESSIONS, BOTH, sitecustomize=True, first=OURS),
        "ours named": Program(SESSIONS, {**BOTH, "OTEL_PYTHON_DISTRO": "agentops"}, instrument=True, first=theirs),
    }
    folder: Path = tmp_path_factory.mktemp(request.param)
    _ = neighbour.python
    with ThreadPoolExecutor(2) as pool:
        ran = pool.map(lambda name: run(neighbour, programs[name], folder / name.replace(" ", "-").replace(",", "")), programs)
        return dict(zip(programs, ran, strict=True))


@pytest.mark.parametrize("order", ORDERS)
def test_theirs_is_unchanged(outcomes: dict[str, Outcome], order: str) -> None:
    without, beside = outcomes[f"without, {order} first"], outcomes[f"unchanged, {order} first"]
    theirs = [span for span in beside.otlp.spans() if not span.scope_name.startswith("agentops")]
    assert shape(theirs) == shape(without.otlp.spans())
    assert [span.name for span in theirs].count("own work") == 1
    assert _resources(theirs) == _resources(without.otlp.spans())
    assert not any("agentops" in str(span.resource) for span in beside.otlp.spans())
    added = {metric.name for metric in beside.otlp.metrics() if metric.scope_name.startswith("agentops")}
    assert {metric.name for metric in beside.otlp.metrics()} - added == {metric.name for metric in without.otlp.metrics()}


@pytest.mark.parametrize("order", ORDERS)
def test_ours_is_complete_and_every_call_counts_once(outcomes: dict[str, Outcome], order: str) -> None:
    outcome = outcomes[f"session, {order} first"]
    for receiver in (outcome.otlp, outcome.agentops):
        spans = assert_complete(receiver, outcome)
        assert len({span.attributes["session.id"] for span in spans}) == 1
        assert metered(receiver) == outcome.openai.tokens()
    assert [row.name for row in outcome.agentops.trace_list()] == ["research.session"]


@pytest.mark.parametrize("order", ORDERS)
def test_an_unchanged_program_gets_a_session_too(outcomes: dict[str, Outcome], order: str) -> None:
    outcome = outcomes[f"unchanged, {order} first"]
    for receiver in (outcome.otlp, outcome.agentops):
        calls = model_calls(receiver.spans())
        assert billed(receiver.spans()) == outcome.openai.tokens()
        assert len({(span.trace_id, span.attributes["session.id"]) for span in calls}) == 1


@pytest.mark.parametrize("order", ORDERS)
def test_the_backend_gets_no_http_spans_and_a_whole_tree(outcomes: dict[str, Outcome], order: str) -> None:
    names = {span.name for span in outcomes[f"session, {order} first"].agentops.spans()}
    assert names == {"research.session", "look_up.tool", "chat gpt-4o-mini"}


def test_who_names_ours_gets_ours(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["ours named"]
    assert {span.resource["telemetry.distro.name"] for span in outcome.otlp.spans()} == {OURS}
    assert_complete(outcome.otlp, outcome)
    assert_complete(outcome.agentops, outcome)


def _resources(spans: list) -> list[dict[str, str]]:
    found = [{name: str(value) for name, value in span.resource.items() if not name.startswith(_OF_A_RUN)} for span in spans]
    return [one for number, one in enumerate(found) if one not in found[:number]]
