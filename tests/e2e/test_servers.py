"""Real servers and task queues, ended as their managers end them: every span they produced arrives, each once."""

from __future__ import annotations

import signal
import socket
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.fakes.otlp_sink import OtlpSink, SinkSpan
    from tests.fakes.process import PythonRunner

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks")

REQUESTS = 40
WORK = """
import os, time
import agentops
from opentelemetry import trace

@agentops.trace(name="request")
def handle():
    trace.get_tracer("x").start_span("work").end()
    return str(os.getpid()).encode()
"""
WSGI = (
    WORK
    + """
agentops.init(auto_start_session=False)
booted = agentops.start_trace("boot")
booted.end()

def application(environ, start_response):
    time.sleep(0.005)
    start_response("200 OK", [("content-type", "text/plain")])
    return [handle()]
"""
)
ASGI = (
    WORK
    + """
async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown": return
    body = handle()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
"""
)


def environment(sink: OtlpSink) -> dict[str, str]:
    """The exporter's own timer is so long that only what is flushed at the end arrives."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_BSP_SCHEDULE_DELAY": "600000",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int) -> str:
    """The answer, once the server is up."""
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def stop(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> str:
    """End the server as its manager does; what it said on stderr."""
    process.send_signal(number)
    _, errors = process.communicate(timeout=40)
    return errors


def assert_all_arrived(sink: OtlpSink, answers: int, others: int = 0) -> list[SinkSpan]:
    spans = sink.wait_for_spans(2 * answers + others)
    assert len({(span.trace_id, span.span_id) for span in spans}) == len(spans) == 2 * answers + others
    roots = [span for span in spans if span.name == "invoke_workflow request"]
    assert len(roots) == answers == len([span for span in spans if span.name == "work"])
    assert {span.attributes["agentops.session.end_state"] for span in roots} == {"Success"}
    return spans


GUNICORN = "import sys\nfrom gunicorn.app.wsgiapp import run\nsys.argv = ['gunicorn', *sys.argv[1:]]\nrun()\n"


@pytest.mark.parametrize("preload", [["--preload"], []])
def test_gunicorn(run_python: PythonRunner, otlp_sink: OtlpSink, tmp_path: Path, preload: list[str]) -> None:
    (tmp_path / "service.py").write_text(WSGI, encoding="utf-8")
    port = free_port()
    options = [*preload, "--workers", "4", "--bind", f"127.0.0.1:{port}", "--chdir", str(tmp_path), "service:application"]
    server = run_python.start(GUNICORN, env=environment(otlp_sink), args=options)
    answers: list[str] = []
    deadline = time.monotonic() + 30
    with ThreadPoolExecutor(8) as pool:
        while len(set(answers)) < 4 and time.monotonic() < deadline:
            answers += pool.map(lambda _: ask(port), range(REQUESTS))
    errors = stop(server)
    assert "Traceback" not in errors
    assert "agentops:" not in errors
    assert_all_arrived(otlp_sink, len(answers), others=1 if preload else 4)
    assert len(set(answers)) == 4


UVICORN = """
import sys
import uvicorn
sys.path.insert(0, sys.argv[2])
if sys.argv[3] == "before": import service
if sys.argv[3] == "before": service.agentops.init(auto_start_session=False)
uvicorn.run("service:application", port=int(sys.argv[1]), log_level="warning")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("started", ["launcher", "before", "in the application"])
def test_uvicorn(run_python: PythonRunner, otlp_sink: OtlpSink, tmp_path: Path, started: str, number: signal.Signals) -> None:
    started_by_itself = "agentops.init(auto_start_session=False)\n" if started == "in the application" else ""
    (tmp_path / "service.py").write_text(ASGI + started_by_itself, encoding="utf-8")
    port = free_port()
    args = [str(port), str(tmp_path), started]
    server = run_python.start(UVICORN, env=environment(otlp_sink), args=args, instrument=started == "launcher")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ask(port), range(REQUESTS)))
    stop(server, number)
    assert_all_arrived(otlp_sink, REQUESTS)


TASKS = (
    WORK
    + """
import sys
from celery import Celery
folder = sys.argv[1] if __name__ == "__main__" else os.environ["FOLDER"]
os.environ["FOLDER"] = folder
for name in ("queue", "control"): os.makedirs(os.path.join(folder, name), exist_ok=True)
queue = {"data_folder_in": folder + "/queue", "data_folder_out": folder + "/queue", "control_folder": folder + "/control"}
app = Celery("tasks", broker="filesystem://")
app.conf.update(broker_transport_options=queue, worker_enable_remote_control=False, worker_hijack_root_logger=False)

@app.task(name="work")
def work():
    handle()
    with open(os.path.join(folder, "done"), "a") as done: done.write("x")

agentops.init(auto_start_session=False)
if __name__ == "__main__":
    for _ in range(int(sys.argv[2])): work.delay()
    app.worker_main(["worker", "--pool=prefork", "--concurrency=2", "--loglevel=WARNING", "--without-gossip", "--without-mingle"])
"""
)


@pytest.mark.e2e
def test_celery_prefork(run_python: PythonRunner, otlp_sink: OtlpSink, tmp_path: Path) -> None:
    worker = run_python.start(TASKS, env=environment(otlp_sink), args=[str(tmp_path), str(REQUESTS)])
    done = tmp_path / "done"
    deadline = time.monotonic() + 30
    while (not done.exists() or done.stat().st_size < REQUESTS) and time.monotonic() < deadline:
        time.sleep(0.05)
    stop(worker)
    assert_all_arrived(otlp_sink, REQUESTS)
