"""Arize Phoenix as it is on PyPI: what it makes of our spans, and what it shows with its exporter of ours."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.environments import interpreter
from tests.e2e.receivers import CREW, DEMO, QUESTION, answers, asked, eventually, free_port, record, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.receivers import Bill
    from tests.fakes.process import PythonRunner

    Named = dict[str, list[dict[str, Any]]]

pytestmark = pytest.mark.e2e

PAGE = Path(__file__).parents[2] / "docs" / "receivers.md"
SESSIONS = "{ sessions(first: 10) { edges { node { sessionId tokenUsage { total } firstInput { value } lastOutput { value } } } } }"
TOKENS = "llm.token_count."
CALLS = "message.tool_calls.0.tool_call"
DESCRIBED = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"}


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its base URL."""
    folder, port = tmp_path_factory.mktemp("phoenix"), free_port()
    settings = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
    }
    url = f"http://127.0.0.1:{port}"
    command = [interpreter("receiver-phoenix").with_name("phoenix"), "serve"]
    with running(command, folder, lambda: answers(f"{url}/healthz"), settings):
        yield url


@pytest.fixture(scope="module")
def demo(phoenix: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bill, Named]:
    return sent(phoenix, tmp_path_factory.mktemp("demo"), DEMO, "demo")


def sent(phoenix: str, folder: Path, program: Path, project: str, **env: str) -> tuple[Bill, Named]:
    """Run a program with this Phoenix as its receiver; the bill, and the spans of the project by name."""
    places = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{phoenix}/v1/traces",
        "OTEL_RESOURCE_ATTRIBUTES": f"openinference.project.name={project}",
    }
    bill = record(folder, program, {**DESCRIBED, **places, **env})
    found = eventually(lambda: rooted(phoenix, project))
    named: Named = {}
    for span in sorted(found, key=lambda span: span["start_time"]):
        named.setdefault(span["name"], []).append(span)
    return bill, named


def rooted(phoenix: str, project: str) -> list[dict[str, Any]]:
    """The project's spans once their root is there, which is the last to end."""
    if not answers(f"{phoenix}/v1/projects/{project}"):
        return []
    spans = asked(f"{phoenix}/v1/projects/{project}/spans?limit=100")["data"]
    return spans if any(span["parent_id"] is None for span in spans) else []


def sessions(phoenix: str, project: str) -> list[dict[str, Any]]:
    """What its list of sessions shows."""
    query = f"{{ projects {{ edges {{ node {{ name ... on Project {SESSIONS} }} }} }} }}"
    edges = asked(f"{phoenix}/graphql", {"query": query})["data"]["projects"]["edges"]
    (found,) = [edge["node"]["sessions"]["edges"] for edge in edges if edge["node"]["name"] == project]
    return [edge["node"] for edge in found]


def total(named: Named, name: str) -> int:
    return sum(span["attributes"].get(name, 0) for spans in named.values() for span in spans)


def test_the_demos_session_arrives_by_the_conventions_alone(phoenix: str, demo: tuple[Bill, Named]) -> None:
    bill, named = demo
    (root,) = named["agentops.session"]
    spans = [span for each in named.values() for span in each]
    assert {span["parent_id"] for span in spans if span is not root} == {root["context"]["span_id"]}
    trace_id = root["context"]["trace_id"]
    assert {span["context"]["trace_id"] for span in spans} == {trace_id}
    assert {span["attributes"]["session.id"].replace("-", "") for span in spans} == {trace_id}
    (session,) = sessions(phoenix, "demo")
    assert session["sessionId"].replace("-", "") == trace_id
    assert (total(named, f"{TOKENS}prompt"), total(named, f"{TOKENS}completion")) == (bill.input_tokens, bill.output_tokens)
    assert {name: span["span_kind"] for name, (span, *_) in named.items()} == {
        "agentops.session": "UNKNOWN",
        "embeddings text-embedding-3-small": "EMBEDDING",
        "chat gpt-4o-mini": "LLM",
        "chat error-404": "LLM",
    }
    (failed,) = named["chat error-404"]
    assert (failed["status_code"], failed["attributes"]["error.type"]) == ("ERROR", "openai.NotFoundError")
    assert [event["attributes"]["exception.type"] for event in failed["events"]] == ["openai.NotFoundError"]


def test_messages_tools_and_their_calls_arrive_by_the_conventions_alone(demo: tuple[Bill, Named]) -> None:
    _, named = demo
    first, second, _ = (span["attributes"] for span in named["chat gpt-4o-mini"])
    said = [(first[f"llm.input_messages.{n}.message.role"], first[f"llm.input_messages.{n}.message.content"]) for n in range(2)]
    assert [role for role, _ in said] == ["system", "user"]
    assert said[1][1].startswith(QUESTION)
    assert first[f"llm.output_messages.0.{CALLS}.function.name"] == "look_up"
    assert json.loads(first[f"llm.output_messages.0.{CALLS}.function.arguments"]) == {"topic": "weather"}
    assert json.loads(first["llm.tools.0.tool.json_schema"])["function"]["name"] == "look_up"
    assert json.loads(first["llm.invocation_parameters"]) == {"temperature": 0.2}
    assert [second[f"llm.input_messages.{n}.message.role"] for n in range(4)] == ["system", "user", "assistant", "tool"]
    asked_with = first[f"llm.output_messages.0.{CALLS}.id"]
    assert second[f"llm.input_messages.2.{CALLS}.id"] == second["llm.input_messages.3.message.tool_call_id"] == asked_with
    assert "18 degrees" in second["llm.input_messages.3.message.content"]
    assert "18 degrees" in second["llm.output_messages.0.message.content"]
    assert (second["llm.model_name"], second["llm.provider"], second["llm.finish_reason"]) == ("gpt-4o-mini", "openai", "stop")


def test_its_exporter_gives_roots_agents_and_operations_what_it_shows_of_them(phoenix: str, tmp_path: Path) -> None:
    bill, named = sent(phoenix, tmp_path, CREW, "crew", OTEL_TRACES_EXPORTER="agentops_phoenix")
    (root,) = named["invoke_workflow crew"]
    (researcher,), (writer,), (tool,) = named["invoke_agent researcher"], named["invoke_agent writer"], named["execute_tool look_up"]
    (failed,) = named["operation publish"]
    kinds = [span["span_kind"] for span in (root, researcher, writer, tool, failed)]
    assert kinds == ["CHAIN", "AGENT", "AGENT", "TOOL", "CHAIN"]
    parents = [span["parent_id"] for span in (researcher, writer, tool, failed)]
    assert parents == [root["context"]["span_id"], root["context"]["span_id"], researcher["context"]["span_id"], root["context"]["span_id"]]
    assert failed["status_code"] == "ERROR"
    shown = root["attributes"]
    assert (shown["input.value"], shown["output.value"]) == (QUESTION, "You said: Shorter.")
    (session,) = sessions(phoenix, "crew")
    assert (session["firstInput"], session["lastOutput"]) == ({"value": QUESTION}, {"value": "You said: Shorter."})
    assert session["tokenUsage"]["total"] == bill.input_tokens + bill.output_tokens
    assert json.loads(researcher["attributes"]["input.value"]) == {"question": QUESTION}
    assert researcher["attributes"]["output.value"] == "The result is: The notes on weather: 18 degrees"
    assert json.loads(tool["attributes"]["input.value"]) == {"topic": "weather"}
    assert "18 degrees" in tool["attributes"]["output.value"]
    written, read = (span["attributes"] for span in named["chat claude-haiku-4-5"])
    cached = f"{TOKENS}prompt_details.cache_"
    assert written[f"{cached}write"] == read[f"{cached}read"] > 100
    assert read["input.value"] == "Shorter."


def test_the_pages_sample_sends_to_it(phoenix: str, run_python: PythonRunner) -> None:
    (sample,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    run_python(sample.replace("http://localhost:6006", phoenix), env={"OTEL_RESOURCE_ATTRIBUTES": "openinference.project.name=sample"})
    (root,) = eventually(lambda: rooted(phoenix, "sample"))
    assert (root["name"], root["span_kind"]) == ("agentops.session", "CHAIN")
