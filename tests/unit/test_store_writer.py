"""The writer and its files: what reaches the disk, when, and how much of it stays."""

from __future__ import annotations

import gc
import logging
import os
import stat
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agentops.store import paths
from agentops.store.files import Limits, StoreFiles, prune, stored_files
from agentops.store.otlp import decode_line
from agentops.store.writer import StoreWriter

_PRELUDE = """
import os, sys, time, signal
from opentelemetry.sdk.trace import TracerProvider
from agentops.store.processor import store_processor, session_started
from agentops.store.records import SessionStart
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(store_processor())
tracer = provider.get_tracer("test")
def span(name):
    tracer.start_span(name).end()
"""


def _spans(count, size=0):
    memory = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("test")
    for number in range(count):
        tracer.start_span(f"span {number}", attributes={"filling": "x" * size}).end()
    return memory.get_finished_spans()


def _names(folder):
    found = []
    for file in stored_files(folder):
        for line in file.path.read_bytes().splitlines():
            found += [span.name for span in decode_line(line)[0]]
    return found


def _run(code, folder, **environment):
    process = subprocess.run(
        [sys.executable, "-c", _PRELUDE + textwrap.dedent(code)],
        env={**os.environ, "AGENTOPS_LOCAL_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "Traceback" not in process.stderr
    return process


def test_writes_soon_without_being_asked(tmp_path):
    writer = StoreWriter(StoreFiles(tmp_path / "store", Limits()))
    writer.submit(_spans(1)[0])
    until = time.monotonic() + 5
    while not stored_files(tmp_path / "store") and time.monotonic() < until:
        time.sleep(0.005)
    assert writer.flush()
    assert _names(tmp_path / "store") == ["span 0"]


def test_folder_and_files_are_the_owners_alone(tmp_path):
    folder = tmp_path / "deep" / "store"
    writer = StoreWriter(StoreFiles(folder, Limits()))
    writer.submit(_spans(1)[0])
    writer.flush()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(stored_files(folder)[0].path.stat().st_mode) == 0o600


def test_keeps_order_and_everything_from_many_threads(tmp_path):
    writer = StoreWriter(StoreFiles(tmp_path, Limits()))
    spans = _spans(400)
    threads = [threading.Thread(target=lambda part=part: [writer.submit(span) for span in spans[part::4]]) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writer.flush()
    assert sorted(_names(tmp_path)) == sorted(span.name for span in spans)
    assert (writer.dropped, writer.recorded_traces) == (0, 400)


def test_a_span_that_ends_inside_a_garbage_collection_of_the_writer_is_written(tmp_path):
    early, late, collected = _spans(3)
    pending = [collected]

    class Holder:
        pass

    def ends_while_writing():
        holder = Holder()
        holder.me = holder
        weakref.finalize(holder, lambda: pending and writer.submit(pending.pop()))
        del holder
        gc.collect()
        return b""

    writer = StoreWriter(StoreFiles(tmp_path, Limits(max_bytes=8), ends_while_writing))
    assert writer.close()
    writer.submit(early)
    writer.submit(late)
    assert not pending
    assert writer.dropped == 0
    assert _names(tmp_path)[-1] == "span 2"


def test_a_full_queue_drops_and_counts(tmp_path):
    writer = StoreWriter(StoreFiles(tmp_path, Limits()), queue_limit=0)
    for span in _spans(3):
        writer.submit(span)
    assert writer.dropped == 3


def test_after_close_the_caller_writes(tmp_path):
    writer = StoreWriter(StoreFiles(tmp_path, Limits()))
    assert writer.close()
    writer.submit(_spans(1)[0])
    assert _names(tmp_path) == ["span 0"]


def test_rotates_and_removes_the_oldest(tmp_path):
    limits = Limits(max_bytes=40_000)
    writer = StoreWriter(StoreFiles(tmp_path, limits))
    spans = _spans(60, size=2000)
    for span in spans:
        writer.submit(span)
        writer.flush()
    files = stored_files(tmp_path)
    assert len(files) > 2
    assert all(file.size <= limits.file_bytes for file in files)
    assert sum(file.size for file in files) <= limits.max_bytes
    assert _names(tmp_path) == [span.name for span in spans][-len(_names(tmp_path)) :]


def test_a_removed_folder_is_made_again(tmp_path):
    writer = StoreWriter(StoreFiles(tmp_path / "store", Limits()))
    first, second = _spans(2)
    writer.submit(first)
    writer.flush()
    for file in stored_files(tmp_path / "store"):
        file.path.unlink()
    (tmp_path / "store").rmdir()
    writer.submit(second)
    writer.flush()
    assert _names(tmp_path / "store") == ["span 1"]


def _leave(folder, pid, age_days, size=10, token="0a0a0a0a"):
    created = time.time() - age_days * 86400
    name = paths.file_name(token, created).replace(f"-{os.getpid()}-", f"-{pid}-")
    path = folder / name
    path.write_bytes(b"x" * size)
    os.utime(path, (created, created))
    return path


def _dead_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_old_files_go_but_not_a_live_writers_nor_foreign_ones(tmp_path):
    # A process that has run since before its file's date.
    alive = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        ancient = _leave(tmp_path, _dead_pid(), 40)
        recent = _leave(tmp_path, _dead_pid(), 20)
        rotated = _leave(tmp_path, alive.pid, -0.0001, token="bb")
        current = _leave(tmp_path, alive.pid, -0.0002, token="bb")
        for path in (rotated, current):
            os.utime(path, (1, 1))
        reused = _leave(tmp_path, alive.pid, 40, token="cc")
        other = tmp_path / "notes.jsonl"
        other.write_text("mine")
        os.utime(other, (1, 1))
        prune(tmp_path, Limits(max_age_days=30), keep=tmp_path / "none")
        left = {path.name for path in tmp_path.iterdir()}
        assert left == {recent.name, current.name, other.name}
        assert ancient.name not in left
        assert reused.name not in left
    finally:
        alive.kill()
        alive.wait()


def test_the_folder_is_bounded_oldest_first(tmp_path):
    dead = _dead_pid()
    kept = [_leave(tmp_path, dead, age, size=400, token=f"{age}") for age in (5, 4, 3, 2, 1)][-2:]
    prune(tmp_path, Limits(max_bytes=1000), keep=tmp_path / "none")
    assert {file.path for file in stored_files(tmp_path)} == set(kept)


@pytest.mark.parametrize("place", ["/proc/agentops", None])
def test_an_unwritable_folder_is_one_warning_naming_it(tmp_path, caplog, place, monkeypatch):
    from agentops_instrumentors.core import guard

    monkeypatch.setattr(guard, "_said", set())
    blocker = tmp_path / "file"
    blocker.write_text("")
    folder = blocker / "store" if place is None else Path(place)
    writer = StoreWriter(StoreFiles(folder, Limits()))
    with caplog.at_level(logging.WARNING, logger="agentops"):
        for span in _spans(3):
            writer.submit(span)
            writer.flush()
    assert writer.dropped == 3
    assert len(caplog.records) == 1
    message = caplog.records[0].getMessage()
    assert str(folder) in message
    assert "AGENTOPS_LOCAL_DIR" in message


def test_a_full_disk_leaves_no_torn_line(tmp_path):
    done = _run(
        """
        import logging, resource
        logging.basicConfig()
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        span("before")
        store_processor().force_flush()
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        span("x" * 5000)
        store_processor().force_flush()
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        span("after")
        """,
        tmp_path,
    )
    assert done.returncode == 0
    assert done.stderr.count("cannot be written") == 1
    assert _names(tmp_path) == ["before", "after"]


def test_sigkill_loses_nothing_that_ended_a_moment_before(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", _PRELUDE + "for n in range(50): span(f's{n}')\ntime.sleep(.2)\nprint('go', flush=True)\ntime.sleep(60)"],
        env={**os.environ, "AGENTOPS_LOCAL_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "go\n"
    process.kill()
    process.wait()
    process.stdout.close()
    assert _names(tmp_path) == [f"s{number}" for number in range(50)]


def test_everything_is_written_at_exit_even_what_ends_in_later_exit_handlers(tmp_path):
    done = _run("import atexit; atexit.register(lambda: span('last')); span('first'); sys.exit(3)", tmp_path)
    assert (done.returncode, done.stderr) == (3, "")
    assert sorted(_names(tmp_path)) == ["first", "last"]


def test_a_forked_child_writes_a_file_of_its_own(tmp_path):
    done = _run(
        """
        span("parent before")
        store_processor().force_flush()
        span("parent pending")
        child = os.fork()
        if child == 0:
            span("child")
            store_processor().force_flush()
            os._exit(0)
        os.waitpid(child, 0)
        span("parent after")
        """,
        tmp_path,
    )
    assert done.returncode == 0
    by_pid = {}
    for file in stored_files(tmp_path):
        names = [span.name for line in file.path.read_bytes().splitlines() for span in decode_line(line)[0]]
        by_pid.setdefault(file.name.pid, []).extend(names)
    assert sorted(by_pid.values()) == [["child"], ["parent before", "parent pending", "parent after"]]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_multiprocessing_worker_leaves_nothing_behind(tmp_path, method):
    script = tmp_path / "pool.py"
    script.write_text(
        _PRELUDE
        + textwrap.dedent(
            f"""
            import multiprocessing
            if __name__ == "__main__":
                span("parent")
                worker = multiprocessing.get_context("{method}").Process(target=span, args=("worker",))
                worker.start()
                worker.join()
            """
        )
    )
    folder = tmp_path / "store"
    environment = {**os.environ, "AGENTOPS_LOCAL_DIR": str(folder)}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(_names(folder)) == ["parent", "worker"]
    assert len(stored_files(folder)) == 2


def test_processor_and_exporter_together_store_a_span_once(tmp_path):
    _run(
        """
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from agentops.store.exporter import LocalSpanExporter
        provider.add_span_processor(BatchSpanProcessor(LocalSpanExporter()))
        for n in range(5): span(f"s{n}")
        provider.shutdown()
        """,
        tmp_path,
    )
    assert _names(tmp_path) == [f"s{number}" for number in range(5)]


def test_the_exporter_alone_stores_and_unsampled_spans_are_not_stored(tmp_path):
    _run(
        """
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
        from agentops.store.exporter import LocalSpanExporter
        alone = TracerProvider()
        alone.add_span_processor(SimpleSpanProcessor(LocalSpanExporter()))
        alone.get_tracer("t").start_span("alone").end()
        off = TracerProvider(sampler=ALWAYS_OFF)
        off.add_span_processor(store_processor())
        off.get_tracer("t").start_span("off").end()
        """,
        tmp_path,
    )
    assert _names(tmp_path) == ["alone"]


def test_open_sessions_are_recorded_again_in_each_new_file(tmp_path):
    _run(
        """
        root = tracer.start_span("agentops.session")
        context = root.get_span_context()
        session_started(SessionStart(context.trace_id, context.span_id, "agentops.session", root.start_time, {}))
        for n in range(6):
            span("x" * 3000)
            store_processor().force_flush()
        """,
        tmp_path,
        AGENTOPS_LOCAL_MAX_BYTES="64000",
    )
    files = stored_files(tmp_path)
    records = [[record for line in file.path.read_bytes().splitlines() for record in decode_line(line)[1]] for file in files]
    assert len(files) > 1
    assert [len(found) for found in records] == [1] * len(files)


def test_the_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("AGENTOPS_LOCAL_DIR", "~/mine")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.data_folder() == tmp_path / "mine"
    monkeypatch.delenv("AGENTOPS_LOCAL_DIR")
    if sys.platform == "linux":
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
        assert paths.data_folder() == tmp_path / "xdg" / "agentops"
        monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
        assert paths.data_folder() == tmp_path / ".local" / "share" / "agentops"


def test_names_sort_by_time_and_say_who_wrote():
    first, second = paths.file_name("00ff", 1_795_248_001.5), paths.file_name("00ff", 1_795_248_002.25)
    assert first < second
    assert paths.parse_name(second) == paths.StoreName(1_795_248_002.25, os.getpid(), f"{os.getpid()}-00ff")
    assert paths.parse_name("99999999T999999000Z-1-ab.jsonl") is None
    assert paths.parse_name("traces.jsonl") is None


def test_process_liveness():
    now = time.time()
    assert paths.process_alive(os.getpid(), now)
    assert not paths.process_alive(os.getpid(), now - 10**8)
    assert not paths.process_alive(_dead_pid(), now)
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    assert not paths.process_alive(zombie.pid, now)
    zombie.wait()
