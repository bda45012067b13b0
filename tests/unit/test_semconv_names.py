"""Every name of the conventions that is used is in the registry, and none that is deprecated but on purpose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from agentops_instrumentors.core import semconv

_FOLDER: Final = Path(__file__).parents[2] / "conformance" / "agentops_conformance" / "registry"
REGISTRY: Final[dict[str, Any]] = json.loads((_FOLDER / "registry.json").read_text("utf-8"))
OURS: Final[dict[str, Any]] = json.loads((_FOLDER / "agentops.json").read_text("utf-8"))
KNOWN: Final = {**REGISTRY["attributes"], **OURS["core"]}
NAMES: Final = {name: value for name, value in vars(semconv).items() if name.isupper()}
ATTRIBUTES: Final = {
    name: value
    for name, value in NAMES.items()
    if isinstance(value, str) and "." in value and not name.startswith(("METRIC_", "EVENT_")) and not value.startswith("agentops.")
}
OPERATIONS: Final = (
    "CHAT",
    "TEXT_COMPLETION",
    "EMBEDDINGS",
    "RETRIEVAL",
    "FETCH_RESPONSE",
    "INVOKE_WORKFLOW",
    "INVOKE_AGENT",
    "EXECUTE_TOOL",
)
PUBLISHED_ONLY: Final = {
    "gen_ai.token.type",
    "gen_ai.client.token.usage",
    "gen_ai.client.operation.time_to_first_chunk",
    "gen_ai.client.operation.time_per_output_chunk",
}
"""Names that left the registry and stay in the `published` profile of metrics, which dashboards know."""


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes(name: str) -> None:
    value = ATTRIBUTES[name]
    entry = KNOWN[value.removesuffix(".")]
    assert value in PUBLISHED_ONLY or "deprecated" not in entry


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations(name: str) -> None:
    assert NAMES[name] in KNOWN[semconv.OPERATION_NAME]["members"]


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("METRIC_") and not name.endswith("_PREFIX")])
def test_metrics(name: str) -> None:
    value = NAMES[name]
    if value in PUBLISHED_ONLY:
        assert value not in REGISTRY["metrics"]
        return
    entry = REGISTRY["metrics"][value]
    if value.startswith("gen_ai.client."):
        assert (entry["unit"], tuple(entry["buckets"])) in {("s", semconv.DURATION_BUCKETS), ("{token}", semconv.TOKEN_BUCKETS)}


def test_counters() -> None:
    counters = {name for name in REGISTRY["metrics"] if name.startswith(semconv.METRIC_INFERENCE_USAGE_PREFIX)}
    kinds = ("input_tokens", "output_tokens", "cache_read.input_tokens", "cache_write.input_tokens", "reasoning.output_tokens")
    assert counters == {semconv.METRIC_INFERENCE_USAGE_PREFIX + kind for kind in kinds}


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("EVENT_")])
def test_events(name: str) -> None:
    assert NAMES[name] in {**REGISTRY["events"], **OURS["events"]}
