"""The registry's sections against the code: what is emitted is declared, and what is declared is emitted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from agentops_conformance.extract import TARGET, dump
from agentops_conformance.vocabulary import Profile, vocabulary
from agentops_instrumentors.core import semconv

ROOT = Path(__file__).parents[2]
NOT_ATTRIBUTES = {"agentops.session", "agentops.elided", "agentops.stdout", "agentops.monitors"}
"""Scopes, one of them a span name too; the type of a message part."""


def attribute_names() -> dict[str, str]:
    """Constants of `semconv` that name span attributes, by constant."""
    constants = {name: value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str) and "." in value}
    return {name: value for name, value in constants.items() if not name.startswith(("METRIC_", "EVENT_")) and not value.endswith(".")}


def sources() -> str:
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "instrumentors").rglob("*.py")]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def is_module(name: str) -> bool:
    path = ROOT / "src" / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


def test_every_attribute_name_is_declared_and_current() -> None:
    known = vocabulary()
    names = set(attribute_names().values())
    assert [name for name in sorted(names) if known.attribute(name) is None] == []
    assert [name for name in sorted(names) if (entry := known.attribute(name)) is not None and entry.deprecated] == []
    assert known.template(semconv.TAG_PREFIX + "customer") is not None


def test_events_metrics_and_operations_are_declared() -> None:
    known = vocabulary()
    constants = {name: value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)}
    events = {value for name, value in constants.items() if name.startswith("EVENT_")}
    metrics = {value for name, value in constants.items() if name.startswith("METRIC_") and not value.endswith(".")}
    assert events <= set(known.events)
    assert metrics <= set(known.metrics) | set(vocabulary(Profile.LATEST).metrics)
    operations = (semconv.CHAT, semconv.TEXT_COMPLETION, semconv.EMBEDDINGS, semconv.FETCH_RESPONSE)
    assert {*operations, semconv.INVOKE_WORKFLOW, semconv.INVOKE_AGENT, semconv.EXECUTE_TOOL} <= set(known.operations)


def test_buckets_are_the_conventions_own() -> None:
    metrics = {**vocabulary(Profile.LATEST).metrics, **vocabulary().metrics}
    assert metrics[semconv.METRIC_INFERENCE_DURATION].buckets == semconv.DURATION_BUCKETS
    assert metrics[semconv.METRIC_TOKEN_USAGE].buckets == semconv.TOKEN_BUCKETS
    assert metrics[semconv.METRIC_OPERATION_DURATION].buckets == semconv.DURATION_BUCKETS
    assert metrics[semconv.METRIC_INFERENCE_INPUT_TOKENS].buckets == semconv.TOKEN_BUCKETS


def test_our_own_section_declares_what_the_code_names_and_no_more() -> None:
    own = vocabulary().own
    code = sources()
    for name in own.attributes | own.core | own.events | own.metrics | own.operations:
        assert f'"{name}"' in code or f'"{name}."' in code or name.startswith(("process.", "telemetry.")), name
    literals = set(re.findall(r'"(agentops(?:\.[a-z_]+)+)"', code))
    undeclared = {name for name in literals - {*own.attributes, *own.events, *own.metrics, *NOT_ATTRIBUTES} if not is_module(name)}
    assert undeclared == set()
    assert all(entry.brief and entry.on for entry in (own.attributes | own.core).values())


def test_the_extract_is_pinned_and_written_as_the_script_writes_it() -> None:
    text = TARGET.read_text(encoding="utf-8")
    assert re.fullmatch(r"[0-9a-f]{40}", vocabulary().meta["commit"])
    assert dump(json.loads(text)) == text


def test_the_published_profile_is_what_the_registry_replaced() -> None:
    published, latest = vocabulary(), vocabulary(Profile.LATEST)
    assert published.metrics[semconv.METRIC_TOKEN_USAGE].attributes["required"].keys() >= {semconv.TOKEN_TYPE, semconv.OPERATION_NAME}
    assert semconv.METRIC_TOKEN_USAGE in latest.replaced_metrics
    assert semconv.METRIC_INFERENCE_DURATION in published.metrics_of_the_other_profile
    assert published.metrics.keys() & published.metrics_of_the_other_profile == set()
    assert not latest.metrics_of_the_other_profile


def test_an_instrumentation_can_declare_names_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "acme.json"
    file.write_text('{"attributes": {"acme.plan": {"type": "enum:string", "members": ["free"]}}, "events": {"acme.billed": {}}}')
    known = vocabulary(declarations=(file,))
    assert known.attribute("acme.plan") is not None
    assert known.namespace("acme.other") == "acme"
    assert {"acme.billed", *vocabulary().events} == set(known.events)
    file.write_text('{"attribute": {}}')
    with pytest.raises(ValueError, match=r"acme\.json"):
        vocabulary(declarations=(file,))
