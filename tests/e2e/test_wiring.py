"""Whichever distro the loader finds first and however the program starts: data goes where the environment says, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.e2e.combinations import KEY, Outcome, Start, listed_first, run
from tests.fakes.agentops_backend import AUTH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ORDERS = {"ours first": "agentops-opentelemetry", "upstream first": "opentelemetry-distro"}
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "{otlp}"}
UPSTREAM = {"OTEL_PYTHON_DISTRO": "distro"}
BY_KEY = {"AGENTOPS_API_KEY": KEY}

CASES: Mapping[str, tuple[Start, tuple[int, int, int]]] = {
    "key": (Start(BY_KEY), (1, 0, 0)),
    "key and endpoint": (Start({**BY_KEY, **ENDPOINT}), (1, 1, 0)),
    "endpoint": (Start(ENDPOINT), (0, 1, 0)),
    "none": (Start({**BY_KEY, **ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}), (0, 0, 0)),
    "agentops,otlp": (Start({**BY_KEY, **ENDPOINT, "OTEL_TRACES_EXPORTER": "agentops,otlp"}), (1, 1, 0)),
    "upstream forced": (Start({**UPSTREAM, **BY_KEY, **ENDPOINT}), (1, 1, 0)),
    "sitecustomize only": (Start(sitecustomize=True), (0, 0, 1)),
    "nothing": (Start(), (0, 0, 1)),
    # Beyond the eight: what the ones above leave open.
    "upstream forced, key": (Start({**UPSTREAM, **BY_KEY}), (1, 0, 0)),
    "upstream forced, nothing": (Start(UPSTREAM), (0, 0, 1)),
    "sitecustomize, ours named": (Start({"OTEL_PYTHON_DISTRO": "agentops"}, sitecustomize=True), (0, 0, 1)),
    "sitecustomize, key and protocol": (
        Start({**BY_KEY, **ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, sitecustomize=True),
        (1, 1, 0),
    ),
    "agentops alone": (Start({**BY_KEY, "OTEL_TRACES_EXPORTER": "agentops"}), (1, 0, 0)),
    "agentops without a key": (Start({"OTEL_TRACES_EXPORTER": "agentops"}), (0, 0, 1)),
    "disabled": (Start({**BY_KEY, **ENDPOINT, "OTEL_SDK_DISABLED": "true"}), (0, 0, 0)),
}
# The loader takes upstream's distro, which asks for an exporter that is not installed: the README says to name the distro.
FAILS = ("upstream first", "sitecustomize only")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Outcome]:
    """Every case in both orders, run side by side."""
    folder: Path = tmp_path_factory.mktemp("wiring")
    shadows = {order: listed_first(name, folder / name) for order, name in ORDERS.items()}

    def outcome(combination: tuple[str, str]) -> Outcome:
        order, case = combination
        start = CASES[case][0]
        chosen = Start(start.env, start.instrument, start.sitecustomize, (shadows[order],), start.program)
        return run(chosen, folder / order.replace(" ", "-") / case.replace(" ", "-"))

    combinations = [(order, case) for order in ORDERS for case in CASES]
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(combinations, pool.map(outcome, combinations), strict=True))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("order", ORDERS)
def test_one_copy_where_it_should_go(outcomes: dict[tuple[str, str], Outcome], order: str, case: str) -> None:
    outcome = outcomes[order, case]
    assert outcome.output == "done\n"
    if (order, case) == FAILS:
        assert outcome.copies() == (0, 0, 0)
        assert "otlp_proto_grpc" in outcome.errors
        return
    assert outcome.copies() == CASES[case][1]
    assert outcome.agentops.counts().keys() <= {"/v3/auth/token", "/v1/traces", "/v1/metrics", "/v1/logs"}


@pytest.mark.parametrize("case", [name for name in CASES if not name.startswith("upstream forced")])
@pytest.mark.parametrize("order", ORDERS)
def test_nothing_is_said(outcomes: dict[tuple[str, str], Outcome], order: str, case: str) -> None:
    said = outcomes[order, case].errors
    if (order, case) == FAILS:
        return
    if case == "sitecustomize, key and protocol" and order == "upstream first":
        # Upstream's distro runs as asked, and its loader says that our configurator stood back.
        assert said.splitlines() == ["Configuration of agentops not loaded, configurator already loaded"]
    elif case == "agentops without a key":
        assert "set AGENTOPS_API_KEY" in said
        assert len(said.splitlines()) == 1
    else:
        assert said == ""


def test_the_key_goes_to_agentops_alone(outcomes: dict[tuple[str, str], Outcome]) -> None:
    for order in ORDERS:
        outcome = outcomes[order, "key and endpoint"]
        assert [request.json() for request in outcome.agentops.requests if request.path == AUTH] == [{"api_key": KEY}]
        told = {request.headers["authorization"] for request in outcome.agentops.requests if request.path != AUTH}
        assert told == {f"Bearer {token}" for token in outcome.agentops.tokens.given}
        assert not any("authorization" in request.headers for request in outcome.otlp.requests)
