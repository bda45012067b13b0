"""MLflow as it is on PyPI: what it makes of our spans, and what it shows with its exporter of ours."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.e2e.environments import interpreter
from tests.e2e.receivers import CREW, DEMO, QUESTION, answers, asked, eventually, free_port, record, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.receivers import Bill

pytestmark = pytest.mark.e2e

EXPERIMENT = {"x-mlflow-experiment-id": "0"}
SETTINGS = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
SEARCH = {"locations": [{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}], "max_results": 100}


class Trace:
    """One trace: `info` as in MLflow's list, and its spans by name with their attributes as plain values."""

    def __init__(self, mlflow: str, info: dict[str, Any]) -> None:
        self.info = info
        self.named: dict[str, list[dict[str, Any]]] = {}
        found = asked(f"{mlflow}/api/3.0/mlflow/traces/get?trace_id={info['trace_id']}")["trace"]["spans"]
        for span in sorted(found, key=lambda span: int(span["start_time_unix_nano"])):
            values = {pair["key"]: plain(pair["value"]) for pair in span["attributes"]}
            self.named.setdefault(span["name"], []).append({**span, "attributes": values})

    def metadata(self, name: str) -> Any:
        return json.loads(self.info["trace_metadata"][f"mlflow.trace.{name}"])


def plain(value: dict[str, Any]) -> Any:
    """An OTLP value in JSON as Python has it."""
    ((kind, inner),) = value.items()
    if kind == "array_value":
        return [plain(each) for each in inner.get("values", [])]
    if kind == "kvlist_value":
        return {pair["key"]: plain(pair["value"]) for pair in inner.get("values", [])}
    return int(inner) if kind == "int_value" else inner


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its base URL."""
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    command = [interpreter("receiver-mlflow").with_name("mlflow"), "server", "--host", "127.0.0.1", "--port", port, "--workers", 1]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--default-artifact-root", folder / "artifacts"]
    url = f"http://127.0.0.1:{port}"
    with running(command, folder, lambda: answers(f"{url}/health"), SETTINGS):
        # A first export takes it longer than exporters wait, because that is when it imports what it needs.
        assert answers(f"{url}/v1/traces", one_span(), {**EXPERIMENT, "content-type": "application/x-protobuf"}, seconds=240)
        yield url


def one_span() -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.trace_id, span.span_id, span.name = bytes([1] * 16), bytes([1] * 8), "first"
    span.start_time_unix_nano, span.end_time_unix_nano = 1, 2
    return request.SerializeToString()


def sent(mlflow: str, folder: Path, program: Path, **env: str) -> tuple[Bill, Trace]:
    """Run a program with this MLflow as its receiver; the bill, and its trace."""
    headers = ",".join(f"{name}={value}" for name, value in EXPERIMENT.items())
    places = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{mlflow}/v1/traces", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": headers}
    content = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"}
    bill = record(folder, program, {**content, **places, **env})
    (info,) = eventually(
        lambda: [info for info in listed(mlflow) if info["tags"].get("service.name") == program.stem and info["state"] == "OK"]
    )
    return bill, Trace(mlflow, info)


def listed(mlflow: str) -> list[dict[str, Any]]:
    return asked(f"{mlflow}/api/3.0/mlflow/traces/search", SEARCH).get("traces", [])


@pytest.fixture(scope="module")
def demo(mlflow: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bill, Trace]:
    return sent(mlflow, tmp_path_factory.mktemp("demo"), DEMO)


def test_the_demos_session_arrives_by_the_conventions_alone(demo: tuple[Bill, Trace]) -> None:
    bill, trace = demo
    (root,) = trace.named["agentops.session"]
    spans = [span for each in trace.named.values() for span in each]
    assert {span["parent_span_id"] for span in spans if span is not root} == {root["span_id"]}
    trace_id = base64.b64decode(root["trace_id"]).hex()
    assert trace.info["trace_id"] == f"tr-{trace_id}"
    assert trace.info["trace_metadata"]["mlflow.trace.session"].replace("-", "") == trace_id
    usage = trace.metadata("tokenUsage")
    assert (usage["input_tokens"], usage["output_tokens"]) == (bill.input_tokens, bill.output_tokens)
    assert {name: span["attributes"].get("mlflow.spanType") for name, (span, *_) in trace.named.items()} == {
        "agentops.session": None,
        "embeddings text-embedding-3-small": "EMBEDDING",
        "chat gpt-4o-mini": "CHAT_MODEL",
        "chat error-404": "CHAT_MODEL",
    }
    (failed,) = trace.named["chat error-404"]
    assert failed["status"]["code"] == "STATUS_CODE_ERROR"
    assert [event["name"] for event in failed["events"]] == ["exception"]


def test_messages_tools_and_their_calls_arrive_by_the_conventions_alone(demo: tuple[Bill, Trace]) -> None:
    _, trace = demo
    first, second, _ = (span["attributes"] for span in trace.named["chat gpt-4o-mini"])
    assert [message["role"] for message in second["mlflow.spanInputs"]] == ["system", "user", "assistant", "tool"]
    assert first["mlflow.spanInputs"][1]["parts"][0]["content"].startswith(QUESTION)
    (call,) = first["mlflow.spanOutputs"][0]["parts"]
    assert (call["type"], call["name"], call["arguments"]) == ("tool_call", "look_up", {"topic": "weather"})
    (result,) = second["mlflow.spanInputs"][3]["parts"]
    assert (result["type"], result["id"]) == ("tool_call_response", call["id"])
    assert "18 degrees" in json.dumps(result)
    assert "18 degrees" in second["mlflow.spanOutputs"][0]["parts"][0]["content"]
    assert first["mlflow.chat.tools"][0]["name"] == "look_up"
    assert (second["mlflow.llm.model"], second["mlflow.llm.provider"]) == ("gpt-4o-mini-2024-07-18", "openai")


def test_its_exporter_gives_roots_agents_and_operations_what_it_shows_of_them(mlflow: str, tmp_path: Path) -> None:
    bill, trace = sent(mlflow, tmp_path, CREW, OTEL_TRACES_EXPORTER="agentops_mlflow")
    (root,) = trace.named["invoke_workflow crew"]
    (researcher,), (writer,), (tool,) = (
        trace.named[name] for name in ("invoke_agent researcher", "invoke_agent writer", "execute_tool look_up")
    )
    (failed,) = trace.named["operation publish"]
    types = [span["attributes"]["mlflow.spanType"] for span in (root, researcher, writer, tool, failed)]
    assert types == ["WORKFLOW", "AGENT", "AGENT", "TOOL", "CHAIN"]
    assert [span["parent_span_id"] for span in (researcher, writer, tool)] == [root["span_id"], root["span_id"], researcher["span_id"]]
    assert (json.loads(trace.info["request_preview"]), json.loads(trace.info["response_preview"])) == (QUESTION, "You said: Shorter.")
    given, returned = (researcher["attributes"][f"mlflow.span{name}"] for name in ("Inputs", "Outputs"))
    assert (given, returned) == ({"question": QUESTION}, "The result is: The notes on weather: 18 degrees")
    assert tool["attributes"]["mlflow.spanInputs"] == {"topic": "weather"}
    assert "18 degrees" in tool["attributes"]["mlflow.spanOutputs"]
    usage = trace.metadata("tokenUsage")
    assert (usage["input_tokens"], usage["output_tokens"]) == (bill.input_tokens, bill.output_tokens)
    assert usage["cache_creation_input_tokens"] == usage["cache_read_input_tokens"] > 100
    said = trace.named["chat claude-haiku-4-5"][1]["attributes"]
    assert [message["role"] for message in said["mlflow.spanInputs"]] == ["user", "assistant", "user"]
    assert "Write well." in json.dumps(said["gen_ai.system_instructions"])
