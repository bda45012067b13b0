"""Programs beside other people's real packages, with and without this project, and what arrived at every receiver.

A neighbour's environment holds it and what this project needs. This project's wheel stands in a folder of its own, which goes on the
import path or not: what the neighbour does without it is found out in the same environment.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.environments import ROOT

from tests.e2e.environments import interpreter
from tests.fakes.agentops_backend import FakeAgentOps
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.otlp_sink import OtlpSink
from tests.fakes.process import PythonRunner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.fakes.http import HttpServer
    from tests.fakes.otlp_sink import SinkSpan

KEY: Final = "00000000-1111-2222-3333-444444444444"
OURS: Final = "agentops-opentelemetry"
CONTENT: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"

CALLS: Final = """
def calls():
    import openai
    asked = dict(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello neighbour"}])
    with openai.OpenAI(max_retries=0) as client:
        client.chat.completions.create(**asked)
        list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
        client.responses.create(model="gpt-4o-mini", input="Hello neighbour")
"""
"""Three model calls, as any program makes them."""
SESSION: Final = """
import agentops
agentops.init(auto_start_session=False)
"""
OWN_WORK: Final = """
from opentelemetry import trace
with trace.get_tracer("program").start_as_current_span("own work"):
    pass
"""
IN_A_SESSION: Final = """
import agentops

@agentops.tool
def look_up(topic):
    return "notes about " + topic

with agentops.start_trace("research"):
    look_up("tides")
    calls()
"""
MODEL_CALLS: Final = 3
SAID: Final = "Hello neighbour"
_TOKENS: Final = (
    ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
    ("gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens"),
    ("llm.token_count.prompt", "llm.token_count.completion"),
)
_VARIES: Final = (
    "server.port",
    "thread.",
    "session.id",
    "agentops.agent.",
    "agentops.usage.cost.",
    "code.file",
    "url.full",
    "http.url",
    "net.peer.port",
)


@cache
def project() -> Path:
    """A folder with this project's wheel, as users get it, and nothing else."""
    folder = ROOT / ".venvs" / "neighbour-project"
    shutil.rmtree(folder, ignore_errors=True)
    uv = Path(sys.executable).with_name("uv")
    options = ("--quiet", "--no-deps", "--refresh-package", OURS, "--python", sys.executable, "--target", str(folder))
    subprocess.run([str(uv) if uv.exists() else "uv", "pip", "install", *options, str(ROOT)], check=True, cwd=ROOT)
    return folder


@dataclass(frozen=True)
class Neighbour:
    """An environment with somebody else's packages: `requirements/neighbour-<name>.txt`."""

    name: str

    @property
    def python(self) -> Path:
        return interpreter(f"neighbour-{self.name}")

    def listed_first(self, distribution: str, folder: Path) -> Path:
        """A folder that, first on the import path, makes `distribution`'s entry points the first that are seen."""
        places = [project()] if distribution == OURS else self.python.parent.parent.glob("lib/python*/site-packages")
        for place in places:
            for metadata in place.glob(f"{distribution.replace('-', '_')}-*.dist-info"):
                shutil.copytree(metadata, folder / metadata.name, dirs_exist_ok=True)
                return folder
        raise AssertionError(f"{distribution} is not in {self.name}")


@dataclass(frozen=True)
class Outcome:
    """What a program left behind."""

    output: str
    errors: str
    openai: FakeOpenAI
    otlp: OtlpSink
    agentops: FakeAgentOps
    theirs: Any
    """The neighbour's own receiver."""


@dataclass(frozen=True)
class Program:
    """How it is started. `{otlp}` and `{theirs}` in a value stand for the receivers' URLs, without a scheme as `{theirs_host}`."""

    text: str
    env: Mapping[str, str] = field(default_factory=dict)
    instrument: bool = False
    ours: bool = True
    first: str = ""
    """The distribution whose entry points come first."""
    sitecustomize: bool = False
    """Started by OpenTelemetry's `sitecustomize` on the import path, as where an operator puts it there, and not by its launcher."""


def run(neighbour: Neighbour, program: Program, folder: Path, theirs: HttpServer | None = None) -> Outcome:
    """Run to the end with receivers of its own; a status other than 0 is an AssertionError. `theirs` is started and stopped here."""
    folder.mkdir(parents=True, exist_ok=True)
    runner = PythonRunner(folder, folder / "local")
    pythonpath = [project()] if program.ours else []
    if program.sitecustomize:
        pythonpath += neighbour.python.parent.parent.glob("lib/python*/site-packages/opentelemetry/instrumentation/auto_instrumentation")
    if program.first:
        pythonpath.insert(0, neighbour.listed_first(program.first, folder / "first"))
    with FakeOpenAI() as openai, FakeAgentOps(KEY) as agentops, OtlpSink() as otlp, theirs or OtlpSink() as receiver:
        given = {"otlp": otlp.url, "theirs": receiver.url, "theirs_host": receiver.url.removeprefix("http://")}
        env = {
            "OPENAI_BASE_URL": openai.base_url,
            "OPENAI_API_KEY": "test",
            # What the backend gets by default, not what most tests ask it to.
            **{name: value for name, value in agentops.places.items() if name != "AGENTOPS_EXPORT"},
            **{name: value.format(**given) for name, value in program.env.items()},
        }
        done = runner(program.text, env=env, instrument=program.instrument, pythonpath=pythonpath, python=neighbour.python)
    return Outcome(done.stdout, done.stderr, openai, otlp, agentops, receiver)


def model_calls(spans: Sequence[SinkSpan]) -> list[SinkSpan]:
    """The spans that a backend counts as model calls with their tokens, in whichever vocabulary."""
    return [span for span in spans if tokens_of(span) != (0, 0)]


def tokens_of(span: SinkSpan) -> tuple[int, int]:
    """Input and output tokens as the first vocabulary that has them says."""
    for asked, answered in _TOKENS:
        if asked in span.attributes:
            return span.attributes[asked], span.attributes.get(answered, 0)
    return 0, 0


def billed(spans: Sequence[SinkSpan]) -> tuple[int, int]:
    """The sum over all spans."""
    found = [tokens_of(span) for span in spans]
    return sum(one[0] for one in found), sum(one[1] for one in found)


def metered(receiver: OtlpSink) -> tuple[int, int]:
    """Input and output tokens in `gen_ai.client.token.usage`, over everybody's meters."""
    sums: dict[tuple[str, str], int] = {}
    for metric in receiver.metrics("gen_ai.client.token.usage"):
        for kind in ("input", "output"):
            now = sum(int(point.sum or 0) for point in metric.points if point.attributes["gen_ai.token.type"] == kind)
            before = sums.get((metric.scope_name, kind), 0)
            sums[metric.scope_name, kind] = before + now if metric.temporality == "DELTA" else now
    return sum(sums[one] for one in sums if one[1] == "input"), sum(sums[one] for one in sums if one[1] == "output")


def tree(spans: Sequence[SinkSpan]) -> SinkSpan:
    """The one root of spans that are one connected trace."""
    known = {span.span_id for span in spans}
    assert len(known) == len(spans), f"copies: {[span.name for span in spans]}"
    roots = [span for span in spans if span.parent_span_id not in known]
    assert len({span.trace_id for span in spans}) == 1, [(span.name, span.trace_id) for span in spans]
    assert [span.parent_span_id for span in roots] == [""], [(span.name, span.parent_span_id) for span in roots]
    return roots[0]


def session_at(receiver: OtlpSink) -> list[SinkSpan]:
    """The spans of the one session there."""
    (root,) = [span for span in receiver.spans() if span.name in ("invoke_workflow research", "research.session")]
    return [span for span in receiver.spans() if span.trace_id == root.trace_id]


def assert_complete(receiver: OtlpSink, outcome: Outcome, *, content: bool = True) -> list[SinkSpan]:
    """The session of `IN_A_SESSION` at a receiver of ours: one tree, the tool, each call once with its tokens. Returns its spans."""
    spans = session_at(receiver)
    tree(spans)
    assert {span.name for span in spans} & {"execute_tool look_up", "look_up.tool"}, [span.name for span in spans]
    assert len(model_calls(receiver.spans())) == len(model_calls(spans)) == len(outcome.openai.served()) == MODEL_CALLS
    assert billed(receiver.spans()) == outcome.openai.tokens()
    for span in model_calls(spans) if content else ():
        assert SAID in str(span.attributes), span.attributes
    return spans


def shape(spans: Sequence[SinkSpan], *leaving_out: str) -> list[tuple[str, str, str, str, tuple[tuple[str, str], ...]]]:
    """Spans without what differs from run to run, and without what ours adds to every span."""
    return sorted(
        (
            span.scope_name,
            span.name,
            span.kind,
            span.status_code,
            tuple(sorted((name, str(value)) for name, value in span.attributes.items() if not name.startswith((*_VARIES, *leaving_out)))),
        )
        for span in spans
    )
