"""`print` in a session's span as log records: what is written stays byte for byte what it was."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from agentops.logs import stdout, tap
from agentops.sessions import runtime
from tests.unit.sessions_support import recorded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.in_memory import InMemory

__all__ = ["recorded"]


@contextlib.contextmanager
def listening(recorded: InMemory) -> Iterator[io.StringIO]:
    """A standard output that is listened to. No fixture: pytest puts its own stream there once fixtures are set up."""
    stream, before = io.StringIO(), sys.stdout
    sys.stdout = stream
    tap.install(recorded.logger_provider, always=True)
    stdout.install()
    try:
        yield stream
    finally:
        stdout.remove()
        tap.remove()
        sys.stdout = before


def lines(telemetry: InMemory) -> list[object]:
    return [log.log_record.body for log in telemetry.logs()]


def test_whole_lines_become_records_of_the_span(recorded: InMemory) -> None:
    with listening(recorded) as out:
        print("before")
        with runtime.start_session("s"):
            with recorded.tracer_provider.get_tracer("t").start_as_current_span("tool") as tool:
                print("one", 2, sep="-")
                print("begun", end="")
                print(" and ended\n\nthird")
            sys.stdout.writelines(["by ", "lines\n"])
        print("after")
        assert out.getvalue() == "before\none-2\nbegun and ended\n\nthird\nby lines\nafter\n"
        assert lines(recorded) == ["one-2", "begun and ended", "third", "by lines"]
        (first, *_) = recorded.logs()
        assert first.log_record.span_id == tool.get_span_context().span_id
        assert dict(first.log_record.attributes or {}) == {"log.iostream": "stdout"}
        assert first.log_record.severity_text == "INFO"
        assert first.instrumentation_scope is not None
        assert first.instrumentation_scope.name == "agentops.stdout"


def test_a_line_that_no_newline_ends_is_kept_with_its_span(recorded: InMemory) -> None:
    with listening(recorded) as out:
        tracer = recorded.tracer_provider.get_tracer("t")
        with runtime.start_session("s") as session:
            with tracer.start_as_current_span("tool") as tool:
                print("50 %", end="", flush=True)
            print("next")
            print("last", end="")
        print(" words")
        assert out.getvalue() == "50 %next\nlast words\n"
        assert lines(recorded) == ["50 %", "next", "last"]
        assert [log.log_record.span_id for log in recorded.logs()] == [
            place.get_span_context().span_id for place in (tool, session.span, session.span)
        ]


def test_threads_do_not_mix_their_lines(recorded: InMemory) -> None:
    with listening(recorded):

        def work(number: int) -> None:
            with runtime.start_session(f"s{number}"):
                for _ in range(20):
                    print(f"{number}", end="")
                    print(f"-{number}")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(map(str, lines(recorded))) == sorted(f"{number}-{number}" for number in range(4) for _ in range(20))


def test_the_stream_is_what_it_was(recorded: InMemory) -> None:
    script = """
import io, sys
before = sys.stdout
from agentops.logs import stdout
stdout.install()
assert sys.stdout is not before and isinstance(sys.stdout, io.TextIOWrapper)
assert sys.stdout.fileno() == 1 and sys.stdout.encoding == before.encoding and sys.stdout.buffer is before.buffer
sys.stdout.reconfigure(line_buffering=True)
assert print("é€", file=sys.stdout) is None and sys.stdout.write("abc\\n") == 4
print("x" * 10, flush=True)
stdout.install()
stdout.remove()
assert sys.stdout is before
"""
    done = subprocess.run([sys.executable, "-X", "utf8", "-c", script], capture_output=True, check=True, timeout=60)
    assert done.stdout.decode() == "é€\nabc\n" + "x" * 10 + "\n"


def test_another_stream_in_its_place_is_left_alone(recorded: InMemory) -> None:
    with listening(recorded):
        ours = sys.stdout
        with runtime.start_session("s"):
            with contextlib.redirect_stdout(io.StringIO()) as captured:
                print("captured")
            assert sys.stdout is ours
            sys.stdout = captured
            stdout.remove()
            assert sys.stdout is captured
            ours.write("nobody listens\n")
        assert lines(recorded) == []
        assert captured.getvalue() == "captured\n"


def test_listened_to_again_each_line_is_heard_once(recorded: InMemory) -> None:
    with listening(recorded):
        old = sys.stdout
        sys.stdout = io.StringIO()
        stdout.remove()
        sys.stdout = old
        stdout.install()
        with runtime.start_session("s"):
            print("once")
        assert lines(recorded) == ["once"]


def test_errors_of_the_stream_are_the_programs(recorded: InMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    monkeypatch.setattr(sys, "stdout", closed)
    tap.install(recorded.logger_provider, always=True)
    stdout.install()
    closed.close()
    try:
        with runtime.start_session("s"), pytest.raises(ValueError, match="closed file"):
            print("nowhere")
        with pytest.raises(TypeError):
            sys.stdout.write(3)  # type: ignore[arg-type]
    finally:
        stdout.remove()
        tap.remove()
    assert lines(recorded) == []
