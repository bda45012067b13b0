"""The pages' samples run as written, and the README's first lines are the two commands."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from tests.fakes.openai_server import FakeOpenAI
    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "docs/doctor.md", "docs/migration.md", "docs/privacy.md", "docs/providers.md")
"""docs/conformance.md, whose samples follow upon each other, has tests of its own."""
SAMPLES = [
    pytest.param(block, id=f"{page}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL))
]


def test_the_two_commands_stand_first() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert [line.split("#")[0].strip() for line in lines[1:3]] == ["make demo", "make test"]


@pytest.mark.parametrize("sample", SAMPLES)
def test_sample_runs_as_written(sample: str, run_python: PythonRunner, openai_server: FakeOpenAI) -> None:
    done = run_python(sample, env={"OPENAI_BASE_URL": openai_server.base_url, "OPENAI_API_KEY": "key"})
    assert done.stderr == ""


def test_the_sessions_sample_records_what_the_page_says(run_python: PythonRunner, openai_server: FakeOpenAI, otlp_sink: OtlpSink) -> None:
    sample = next(block.values[0] for block in SAMPLES if "start_trace" in str(block.values[0]))
    environment = {"OPENAI_BASE_URL": openai_server.base_url, "OPENAI_API_KEY": "key", "OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url}
    run_python(str(sample), env=environment)
    spans = {span.name: span for span in otlp_sink.spans()}
    assert set(spans) == {"invoke_workflow research", "chat gpt-4o-mini", "invoke_workflow query_1", "invoke_workflow query_2"}
    assert spans["chat gpt-4o-mini"].parent_span_id == spans["invoke_workflow research"].span_id
    assert len({span.trace_id for span in spans.values()}) == 3
    states = {name: span.attributes["agentops.session.end_state"] for name, span in spans.items() if name.startswith("invoke_workflow")}
    assert states == {"invoke_workflow research": "Success", "invoke_workflow query_1": "Success", "invoke_workflow query_2": "Fail"}


def test_the_decorators_sample_records_what_the_page_says(run_python: PythonRunner, otlp_sink: OtlpSink) -> None:
    sample = next(block.values[0] for block in SAMPLES if "@agentops.tool" in str(block.values[0]))
    run_python(str(sample), env={"OTEL_EXPORTER_OTLP_ENDPOINT": otlp_sink.url})
    spans = {span.name: span for span in otlp_sink.spans()}
    assert set(spans) == {"agentops.session", "invoke_workflow research", "invoke_agent Researcher", "execute_tool look_up"}
    assert spans["execute_tool look_up"].parent_span_id == spans["invoke_agent Researcher"].span_id
    assert spans["execute_tool look_up"].attributes["agentops.agent.name"] == "Researcher"
    assert spans["invoke_agent Researcher"].parent_span_id == spans["invoke_workflow research"].span_id
    assert spans["invoke_workflow research"].trace_id != spans["agentops.session"].trace_id


def test_every_file_a_page_links_to_exists() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8")):
            assert (ROOT / page).parent.joinpath(target).exists(), f"{page} links to {target}"


def test_the_table_of_providers_is_what_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {name: wants for name, wants in project["optional-dependencies"].items() if name not in ("full", "file-configuration")}
    rows = re.findall(r"^\| [^|]+ \| `([a-z-]+)` \| ([^|]+) \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    told = {extra: versions.split(" to ")[0] for extra, versions in rows}
    assert told == {extra: re.sub(r">=([\d.]+?)(\.0)*$", r" \1", wants[0]) for extra, wants in declared.items()}
    entry_points = project["entry-points"]["opentelemetry_instrumentor"]
    assert {f"agentops_{extra.replace('-', '_')}" for extra in declared} == set(entry_points)


def test_every_variable_that_a_page_names_is_known() -> None:
    names = {name for page in PAGES for name in re.findall(r"`(AGENTOPS_[A-Z_]+)", (ROOT / page).read_text(encoding="utf-8"))}
    sources = [path for folder in ("src", "instrumentors") for path in (ROOT / folder).rglob("*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    assert {name for name in names if f'"{name}"' not in code} == set()


def test_every_module_the_walk_through_points_at_exists() -> None:
    rows = [line for line in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    modules = {module for row in rows for module in re.findall(r"`([a-z_]+(?:/[a-z_]+)*\.py)`", row)}
    assert modules
    for module in modules:
        assert (ROOT / "instrumentors" / "agentops_instrumentors" / module).exists(), module
