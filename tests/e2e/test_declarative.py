"""OTEL_CONFIG_FILE: the example file as it is, what else a file may say of ours, and that a program is recorded as it is without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.environments import interpreter
from tests.e2e.receivers import CREW, QUESTION
from tests.e2e.test_same_spans import UNCHANGED, WITH_INIT, span_tree
from tests.fakes.anthropic_server import FakeAnthropic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.agentops_backend import FakeAgentOps
    from tests.fakes.openai_server import FakeOpenAI
    from tests.fakes.otlp_sink import OtlpSink
    from tests.fakes.process import PythonRunner

pytestmark = pytest.mark.e2e

EXAMPLE = Path(__file__).parents[2] / "examples" / "otel-config.yaml"
SINK = "{batch: {schedule_delay: 200, exporter: {otlp_http: {endpoint: '${SINK}/v1/traces'}}}}"
PROCESS = "import os, agentops\nwith agentops.start_trace('job'):\n    pass\n"
CALLING = """
import agentops, openai

@agentops.tool
def look_up(topic):
    return "18 degrees"

with agentops.start_trace("job"), openai.OpenAI() as client:
    look_up("weather")
    client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}])
    client.embeddings.create(model="text-embedding-3-small", input="Hello")
"""


@pytest.fixture(scope="session")
def python() -> Path:
    """An interpreter with the extra `file-configuration`."""
    return interpreter("declarative", project=True)


class Configured:
    """Runs programs under files."""

    def __init__(self, run: PythonRunner, python: Path, env: dict[str, str], folder: Path) -> None:
        self._run, self._python, self._env, self._folder = run, python, env, folder

    def __call__(self, program: str, text: str, instrument: bool = True, **env: str) -> str:
        """Run `program` under a file of this text, to its end; what it said on stderr."""
        return self.unconfigured(program, instrument, OTEL_CONFIG_FILE=self._file(text), **env)

    def output(self, program: str, text: str) -> str:
        """What it printed."""
        return self._run(program, env={**self._env, "OTEL_CONFIG_FILE": self._file(text)}, python=self._python).stdout

    def unconfigured(self, program: str, instrument: bool = True, **env: str) -> str:
        done = self._run(program, env={**self._env, **env}, instrument=instrument, python=self._python, args=[QUESTION], timeout=120)
        return done.stderr

    def _file(self, text: str) -> str:
        path = self._folder / "config.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)


@pytest.fixture
def configured(
    run_python: PythonRunner, python: Path, openai_server: FakeOpenAI, otlp_sink: OtlpSink, tmp_path: Path
) -> Iterator[Configured]:
    services = {"OPENAI_BASE_URL": openai_server.base_url, "OPENAI_API_KEY": "key", "SINK": otlp_sink.url}
    return Configured(run_python, python, services, tmp_path)


def written(traces: str = SINK, **sections: str) -> str:
    """A file whose spans go to these processors, with more sections in YAML's flow style."""
    parts = ['file_format: "1.0"', f"tracer_provider: {{processors: [{traces}]}}"]
    return "\n".join([*parts, *(f"{name.replace('__', '/')}: {text}" for name, text in sections.items())])


def test_the_readme_shows_the_example_file() -> None:
    assert f"```yaml\n{EXAMPLE.read_text('utf-8')}```" in (EXAMPLE.parents[1] / "README.md").read_text("utf-8")


@pytest.mark.parametrize("way", ["launcher", "init"])
def test_the_example_file_as_it_is(
    way: str, configured: Configured, otlp_sink: OtlpSink, agentops_backend: FakeAgentOps, openai_server: FakeOpenAI
) -> None:
    program = UNCHANGED if way == "launcher" else WITH_INIT
    env = {**agentops_backend.env, "COLLECTOR": otlp_sink.url}
    errors = configured(program, EXAMPLE.read_text("utf-8"), way == "launcher", **env)
    assert "agentops:" not in errors
    spans = otlp_sink.spans()
    assert len({span.span_id for span in spans}) == len(spans) == 6
    (root,) = (span for span in spans if not span.parent_span_id)
    assert root.attributes["agentops.tags"] == ["nightly", "example"]
    assert QUESTION in next(span for span in spans if span.name.startswith("chat gpt")).attributes["gen_ai.input.messages"]
    resource = root.resource
    assert resource["telemetry.distro.name"] == "agentops-opentelemetry"
    assert {name.partition(".")[0] for name in resource} == {"service", "telemetry", "host", "os"}
    assert otlp_sink.metrics("gen_ai.client.token.usage")
    (row,) = agentops_backend.trace_list()
    assert (row.tags, row.spans) == (["nightly", "example"], 6)
    assert sum(span.attributes.get("gen_ai.usage.input_tokens", 0) for span in spans) == openai_server.tokens()[0]


@pytest.mark.parametrize("instrument", [True, False])
def test_spans_and_resource_are_those_of_the_environment(
    configured: Configured, otlp_sink: OtlpSink, openai_server: FakeOpenAI, instrument: bool
) -> None:
    program = UNCHANGED if instrument else WITH_INIT
    content = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY", "OTEL_SERVICE_NAME": "same"}
    configured.unconfigured(program, instrument, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{otlp_sink.url}/v1/traces", **content)
    expected, spans = span_tree(otlp_sink.spans()), otlp_sink.spans()
    otlp_sink.clear()
    openai_server.reset()
    detectors = "{detection/development: {detectors: [{service: {}}, {agentops: }]}}"
    configured(program, written(resource=detectors), instrument, **content)
    assert json.dumps(span_tree(otlp_sink.spans()), default=str) == json.dumps(expected, default=str)
    volatile = {"service.instance.id", "process.pid", "process.parent_pid", "telemetry.auto.version"}
    ours, theirs = (
        {name: value for name, value in each[0].resource.items() if name not in volatile} for each in (otlp_sink.spans(), spans)
    )
    assert ours == theirs


def test_the_exporters_take_options(configured: Configured, agentops_backend: FakeAgentOps) -> None:
    env = dict(agentops_backend.env)
    key, endpoint = env.pop("AGENTOPS_API_KEY"), env.pop("AGENTOPS_EXPORTER_ENDPOINT")

    def exporter(signal: str) -> str:
        return f"exporter: {{agentops: {{api_key: {key}, endpoint: '{endpoint.replace('traces', signal)}', timeout: 3}}}}"

    text = written(
        f"{{batch: {{{exporter('traces')}}}}}",
        meter_provider=f"{{readers: [{{periodic: {{{exporter('metrics')}}}}}]}}",
        logger_provider=f"{{processors: [{{batch: {{{exporter('logs')}}}}}]}}",
    )
    assert configured(CALLING, text, **env) == ""
    assert sorted(span.name for span in agentops_backend.spans()) == [
        "chat gpt-4o-mini",
        "embeddings text-embedding-3-small",
        "job.session",
        "look_up.tool",
    ]
    assert agentops_backend.metrics("gen_ai.client.token.usage")


def test_a_receivers_exporter_and_the_local_store_can_be_named(
    configured: Configured, otlp_sink: OtlpSink, agentops_local_dir: Path
) -> None:
    phoenix = "{batch: {exporter: {agentops_phoenix: {endpoint: '${SINK}/v1/traces', headers: {x-key: secret}}}}}"
    local = "{batch: {exporter: {agentops_local: }}}"
    assert configured(CALLING, written(f"{phoenix}, {local}"), AGENTOPS_LOG_SESSION_REPLAY_URL="false") == ""
    (root,) = otlp_sink.spans("invoke_workflow job")
    assert root.attributes["openinference.span.kind"] == "CHAIN"
    assert {request.headers["x-key"] for request in otlp_sink.requests} == {"secret"}
    assert "invoke_workflow job" in "".join(file.read_text("utf-8") for file in agentops_local_dir.rglob("*.jsonl"))


def test_the_detector_leaves_out_what_it_is_told_to(configured: Configured, otlp_sink: OtlpSink) -> None:
    detector = "{detection/development: {detectors: [{agentops: {host: false, os: false}}]}}"
    given = {"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=staging,team=a"}
    configured(PROCESS, written(resource=detector), **given)
    resource = otlp_sink.spans()[0].resource
    assert {name.partition(".")[0] for name in resource} == {"service", "telemetry", "deployment", "process"}
    assert resource["deployment.environment.name"] == "staging"
    otlp_sink.clear()
    configured(PROCESS, written(resource=detector), AGENTOPS_ENV_DATA_OPT_OUT="true", **given)
    assert {name.partition(".")[0] for name in otlp_sink.spans()[0].resource} == {"service", "telemetry", "deployment"}


def content_of(otlp_sink: OtlpSink) -> dict[str, bool]:
    """Which spans carry content."""
    named = ("gen_ai.input.messages", "gen_ai.tool.call.arguments")
    return {span.name: any(name in span.attributes for name in named) for span in otlp_sink.spans()}


@pytest.mark.parametrize(
    ("instrumentor", "section", "variable", "chat", "tool"),
    [
        ("{capture_message_content: span_only}", "{}", "", True, False),
        ("{capture_message_content: NO_CONTENT}", "{capture_message_content: SPAN_ONLY}", "", False, True),
        ("{}", "{capture_message_content: SPAN_ONLY}", "", True, True),
        ("{}", "{capture_message_content: SPAN_ONLY}", "NO_CONTENT", False, False),
        ("{}", "{}", "", False, False),
    ],
)
def test_content_is_recorded_as_the_file_says(
    configured: Configured, otlp_sink: OtlpSink, instrumentor: str, section: str, variable: str, chat: bool, tool: bool
) -> None:
    text = written(instrumentation__development=f"{{python: {{agentops_openai: {instrumentor}}}}}", distribution=f"{{agentops: {section}}}")
    env = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": variable} if variable else {}
    assert configured(CALLING, text, **env) == ""
    found = content_of(otlp_sink)
    assert (found["chat gpt-4o-mini"], found["execute_tool look_up"]) == (chat, tool)


@pytest.mark.parametrize("instrument", [True, False])
def test_an_instrumentor_can_be_turned_off(configured: Configured, otlp_sink: OtlpSink, instrument: bool) -> None:
    program = CALLING if instrument else CALLING.replace("with ", "agentops.init(auto_start_session=False)\nwith ")
    off = "{python: {agentops_openai: {enabled: false}, threading: {enabled: false}}}"
    asking = (
        "from opentelemetry.instrumentation.threading import ThreadingInstrumentor as T\nassert not T().is_instrumented_by_opentelemetry\n"
    )
    configured(program + asking, written(instrumentation__development=off), instrument)
    assert {span.name for span in otlp_sink.spans()} == {"invoke_workflow job", "execute_tool look_up"}


MISTAKES: dict[str, tuple[dict[str, Any], str, set[str]]] = {
    "an unknown setting": (
        {"distribution": "{agentops: {default_tag: x}}"},
        "agentops: Unknown variable AGENTOPS_DEFAULT_TAG='x' is ignored: the nearest known is AGENTOPS_DEFAULT_TAGS",
        {"invoke_workflow job"},
    ),
    "a value that is not accepted": (
        {"distribution": "{agentops: {trace_parent: nobody}}"},
        "agentops: AGENTOPS_TRACE_PARENT='nobody' is not accepted: expected one of root, current; using the default (root)",
        {"invoke_workflow job"},
    ),
    "a mapping for a value": (
        {"distribution": "{agentops: {default_tags: {a: b}}}"},
        "agentops: OTEL_CONFIG_FILE: distribution.agentops.default_tags is neither a value nor a list of values",
        {"invoke_workflow job"},
    ),
    "an unknown content mode": (
        {"distribution": "{agentops: {capture_message_content: ALL}}"},
        "agentops: capture_message_content='ALL' is not accepted",
        {"invoke_workflow job"},
    ),
    "an unknown exporter": (
        {"traces": "{batch: {exporter: {agentopss: }}}"},
        "agentops: OpenTelemetry could not be set up as configured: ConfigurationError: Plugin 'agentopss' not found",
        set(),
    ),
    "an option that the exporter does not have": (
        {"traces": "{batch: {exporter: {agentops: {url: x}}}}"},
        "agentops: OpenTelemetry could not be set up as configured: TypeError",
        set(),
    ),
    "what the schema forbids": (
        {"tracer_providers": "{}", "propagator": "3"},
        "agentops: OpenTelemetry could not be set up as configured: ConfigurationError: Configuration does not match schema",
        set(),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_and_the_program_runs(configured: Configured, otlp_sink: OtlpSink, mistake: str) -> None:
    sections, said, names = MISTAKES[mistake]
    errors = configured(PROCESS, written(**sections))
    assert next(line for line in errors.splitlines() if line.startswith("agentops:")).startswith(said)
    assert errors.count("agentops:") == 1
    assert {span.name for span in otlp_sink.spans()} == names


def test_an_option_that_there_is_not_is_said_and_the_instrumentor_runs(configured: Configured, otlp_sink: OtlpSink) -> None:
    wrong = "{python: {agentops_openai: {capture: SPAN_ONLY}}}"
    errors = configured(CALLING, written(instrumentation__development=wrong))
    assert "Failed to instrument 'agentops_openai' via declarative config" in errors
    assert "unexpected keyword argument 'capture'" in errors
    assert content_of(otlp_sink)["chat gpt-4o-mini"] is False


def test_a_variable_comes_before_the_file(configured: Configured, otlp_sink: OtlpSink) -> None:
    text = written(distribution="{agentops: {default_tags: [file], trace_name: file}}")
    program = "import agentops\nagentops.init(trace_name='code')\n"
    configured(program, text, AGENTOPS_DEFAULT_TAGS="variable")
    (root,) = otlp_sink.spans()
    assert (root.name, root.attributes["agentops.tags"]) == ("invoke_workflow code", ["variable"])


def test_agents_tools_and_errors_are_recorded_under_a_file(configured: Configured, otlp_sink: OtlpSink, anthropic_url: str) -> None:
    configured(CREW.read_text("utf-8"), written(), ANTHROPIC_BASE_URL=anthropic_url, ANTHROPIC_API_KEY="key")
    named = {span.name: span for span in otlp_sink.spans()}
    assert len(otlp_sink.spans()) == 10
    assert named["execute_tool look_up"].parent_span_id == named["invoke_agent researcher"].span_id


def test_the_doctor_says_what_the_file_does(configured: Configured, tmp_path: Path) -> None:
    program = "import sys\nfrom agentops.cli import main\nsys.exit(main(['doctor', '--no-network', '--json']))"
    text = written(
        instrumentation__development="{python: {agentops_anthropic: {enabled: false}}}",
        distribution="{agentops: {capture_message_content: SPAN_ONLY}}",
    )
    report = json.loads(configured.output(program, text))
    findings = {finding["code"]: finding for finding in report["findings"]}
    assert findings.keys() == {"instrumentor-disabled"}
    assert "OTEL_CONFIG_FILE says enabled: false" in findings["instrumentor-disabled"]["problem"]
    assert report["content"]["mode"] == "SPAN_ONLY"
    assert report["content"]["why"] == "capture_message_content is SPAN_ONLY in OTEL_CONFIG_FILE"


@pytest.fixture
def anthropic_url() -> Iterator[str]:
    with FakeAnthropic() as server:
        yield server.base_url
