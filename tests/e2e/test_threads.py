"""A session follows its work into threads, timers, pools and tasks: real programs, real calls, the tree at a real receiver."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.openai_server import FakeOpenAI
    from tests.fakes.otlp_sink import OtlpSink, SinkSpan
    from tests.fakes.process import PythonRunner

BEGIN = """
import asyncio, threading, sys
from concurrent.futures import ThreadPoolExecutor
import agentops
from openai import AsyncOpenAI, OpenAI

client = OpenAI(max_retries=0)

def ask(question):
    client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": question}])

"""
INIT = "agentops.init(auto_start_session=False)\n"
EVERY_WAY = """
with agentops.start_trace("thread"):
    thread = threading.Thread(target=ask, args=("thread",))
    thread.start()
    thread.join()

with agentops.start_trace("timer"):
    timer = threading.Timer(0.01, ask, ("timer",))
    timer.start()
    timer.join()

class Asking(threading.Thread):
    def run(self):
        ask("subclass")
        super().run()

with agentops.start_trace("subclass"):
    thread = Asking(target=ask, args=("subclass",))
    thread.start()
    thread.join()
    assert "run" not in vars(thread)

with agentops.start_trace("pool"), ThreadPoolExecutor(2) as pool:
    pool.submit(ask, "pool").result()
    list(pool.map(ask, ["pool", "pool"]))

async def to_thread():
    with agentops.start_trace("to_thread"):
        await asyncio.to_thread(ask, "to_thread")

async def in_executor():
    with agentops.start_trace("in_executor"):
        await asyncio.get_running_loop().run_in_executor(None, ask, "in_executor")

async def tasks():
    # Everything of one loop at once, so that sessions would mix if they could.
    await asyncio.gather(to_thread(), in_executor(), grouped("group a"), grouped("group b"))

async def grouped(name):
    aclient = AsyncOpenAI(max_retries=0)
    async def ask_too():
        await aclient.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": name}])
    with agentops.start_trace(name):
        if sys.version_info >= (3, 11):
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(ask_too())
        else:
            await asyncio.gather(*(ask_too() for _ in range(3)))
    await aclient.close()

asyncio.run(tasks())
"""
CALLS = {"thread": 1, "timer": 1, "subclass": 2, "pool": 3, "to_thread": 1, "in_executor": 1, "group a": 3, "group b": 3}
ONE_POOL = """
started = threading.Barrier(3)

def ask_with_both(question):
    started.wait(10)
    ask(question)

pool = ThreadPoolExecutor(2)
first = agentops.start_trace("first")
# Both workers of the pool start here, in the first session.
jobs = [pool.submit(ask_with_both, "first") for _ in range(2)]
started.wait(10)
second = agentops.start_trace("second")
jobs += [pool.submit(ask, "second") for _ in range(4)]
for job in jobs: job.result()
first.end()
second.end()
third = agentops.start_trace("third")
for job in [pool.submit(ask, "third") for _ in range(4)]: job.result()
third.end()
pool.submit(ask, "nobody").result()
"""
LATE = """
go = threading.Event()

def wait_and_ask():
    ask("early")
    early.set()
    go.wait(10)
    ask("late")

early = threading.Event()
session = agentops.start_trace("early")
thread = threading.Thread(target=wait_and_ask)
thread.start()
early.wait(10)
session.end()
go.set()
thread.join()
"""


def environment(server: FakeOpenAI, sink: OtlpSink) -> Mapping[str, str]:
    return {
        "OPENAI_BASE_URL": server.base_url,
        "OPENAI_API_KEY": "key",
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY",
        "AGENTOPS_AUTO_START_SESSION": "false",
    }


def question(call: SinkSpan) -> str:
    (message,) = json.loads(str(call.attributes["gen_ai.input.messages"]))
    return message["parts"][0]["content"]


def calls_by_session(sink: OtlpSink) -> dict[str, list[str]]:
    """The questions asked in each session, by the session's name; those of calls in no session under the empty name."""
    roots = {span.trace_id: span for span in sink.spans() if span.name.startswith("invoke_workflow ")}
    found: dict[str, list[str]] = {}
    for call in sink.spans("chat gpt-4o-mini"):
        root = roots.get(call.trace_id)
        if root is not None:
            assert call.attributes["session.id"] == root.attributes["session.id"]
        found.setdefault(root.name.removeprefix("invoke_workflow ") if root is not None else "", []).append(question(call))
    return found


@pytest.mark.parametrize("way", ["init", "launcher", pytest.param("both", marks=pytest.mark.e2e)])
def test_calls_are_in_the_session_that_started_them(
    run_python: PythonRunner, openai_server: FakeOpenAI, otlp_sink: OtlpSink, way: str
) -> None:
    script = BEGIN + ("" if way == "launcher" else INIT) + EVERY_WAY
    done = run_python(script, env=environment(openai_server, otlp_sink), instrument=way != "init")
    assert done.stderr == ""
    assert calls_by_session(otlp_sink) == {name: [name] * count for name, count in CALLS.items()}


def test_a_pools_worker_is_in_the_session_of_who_submits(run_python: PythonRunner, openai_server: FakeOpenAI, otlp_sink: OtlpSink) -> None:
    run_python(BEGIN + INIT + ONE_POOL, env=environment(openai_server, otlp_sink))
    assert calls_by_session(otlp_sink) == {"first": ["first"] * 2, "second": ["second"] * 4, "third": ["third"] * 4, "": ["nobody"]}


def test_a_call_after_the_session_has_ended_is_not_its_child(
    run_python: PythonRunner, openai_server: FakeOpenAI, otlp_sink: OtlpSink
) -> None:
    run_python(BEGIN + INIT + LATE, env=environment(openai_server, otlp_sink))
    assert calls_by_session(otlp_sink) == {"early": ["early"], "": ["late"]}


@pytest.mark.parametrize("way", ["launcher", pytest.param("init", marks=pytest.mark.e2e)])
def test_the_instrumentation_can_be_left_out(run_python: PythonRunner, openai_server: FakeOpenAI, otlp_sink: OtlpSink, way: str) -> None:
    script = BEGIN + (INIT if way == "init" else "") + "from opentelemetry.instrumentation.threading import ThreadingInstrumentor\n"
    script += "print(ThreadingInstrumentor().is_instrumented_by_opentelemetry)"
    env = environment(openai_server, otlp_sink)
    left_out = {**env, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "requests, threading"}
    assert run_python(script, env=left_out, instrument=way == "launcher").stdout == "False\n"
    assert run_python(script, env=env, instrument=way == "launcher").stdout == "True\n"


def test_one_that_the_program_loaded_itself_is_kept(run_python: PythonRunner, openai_server: FakeOpenAI, otlp_sink: OtlpSink) -> None:
    own = "from opentelemetry.instrumentation.threading import ThreadingInstrumentor\nThreadingInstrumentor().instrument()\n"
    done = run_python(BEGIN + own + INIT + EVERY_WAY, env=environment(openai_server, otlp_sink))
    assert done.stderr == ""
    assert calls_by_session(otlp_sink) == {name: [name] * count for name, count in CALLS.items()}


def test_threads_are_what_they_were(run_python: PythonRunner) -> None:
    script = """
import gc, threading, weakref
import agentops
from opentelemetry.trace import get_current_span
agentops.init(auto_start_session=False)

seen = []
def note(self=None): seen.append(get_current_span().get_span_context().trace_id)

class Own(threading.Thread):
    def run(self):
        assert "run" not in vars(self)
        note()

class OwnTimer(threading.Timer):
    def run(self):
        note()
        super().run()

class Failing(threading.Thread):
    def run(self): raise LookupError("theirs")

def finish(thread):
    thread.start()
    thread.join()
    return weakref.ref(thread)

assert "run" not in vars(Own())
finish(Own())
assert seen == [0]
with agentops.start_trace("s") as session:
    own = Own()
    finish(own)
    try: own.start()
    except RuntimeError: pass
    else: raise AssertionError("started twice")
    assert "run" not in vars(own)
    finish(OwnTimer(0, note))
    patched = Own()
    patched.run = note
    finish(patched)
    gc.disable()
    gone = finish(Own())
    assert gone() is None
    raised = []
    threading.excepthook = lambda args: raised.append(args.exc_type)
    finish(Failing())
    assert raised == [LookupError]
# A run that the program put on the instance itself stays its own affair.
inside = session.trace_number
assert seen == [0, inside, inside, inside, 0, inside], seen
"""
    done = run_python(script)
    assert done.stderr == ""
