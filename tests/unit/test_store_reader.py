"""Store folders read into sessions: real files made by the store's own encoder, whole, torn and foreign."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from agentops.store import paths
from agentops.store.encode import encode_session_start, encode_spans
from agentops.store.reader import AmbiguousSessionError, UnknownSessionError, find_session, latest_session, read_sessions
from agentops.store.records import SessionStart

_RESOURCE = Resource({})
_SECOND = 1_000_000_000
_BASE = 1_795_000_000 * _SECOND
_SESSION = {"agentops.span.kind": "session"}
_DEAD = 2**22 + 1


def _context(trace, span):
    return SpanContext(trace, span, False, TraceFlags(1))


def span(trace, number, parent=0, name="s", start=0.0, end=1.0, error=False, **attributes):
    """A span of `trace`; `start` and `end` in seconds after a fixed moment; `a__b` in a keyword stands for `a.b`."""
    return ReadableSpan(
        name=name,
        context=_context(trace, number),
        parent=_context(trace, parent) if parent else None,
        resource=_RESOURCE,
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
        kind=SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR) if error else Status(),
        start_time=_BASE + int(start * _SECOND),
        end_time=_BASE + int(end * _SECOND),
    )


def chat(trace, number, parent, taken=10, sent=5, **more):
    return span(
        trace,
        number,
        parent,
        "chat m",
        gen_ai__operation__name="chat",
        gen_ai__usage__input_tokens=taken,
        gen_ai__usage__output_tokens=sent,
        **more,
    )


def started(trace, number, name="agentops.session", at=0.0, pid=_DEAD, **attributes):
    values = {**_SESSION, **{key.replace("__", "."): value for key, value in attributes.items()}}
    return encode_session_start(SessionStart(trace, number, name, _BASE + int(at * _SECOND), values), pid)


def put(folder, *lines, pid=_DEAD, token="ab", modified=None):
    """A store file of the given lines or lists of spans; `modified` in seconds after the fixed moment."""
    folder.mkdir(exist_ok=True, parents=True)
    name = paths.file_name(token, time.time()).replace(f"-{os.getpid()}-", f"-{pid}-")
    path = folder / name
    path.write_bytes(b"".join((line if isinstance(line, bytes) else encode_spans(line)) + b"\n" for line in lines))
    if modified is not None:
        os.utime(path, (_BASE / _SECOND + modified,) * 2)
    time.sleep(0.002)
    return path


def test_sums_up_a_session(tmp_path):
    root = span(
        1,
        1,
        name="invoke_workflow desk",
        end=9,
        **{"gen_ai.workflow.name": "desk", "agentops.session.end_state": "Fail", "agentops.session.end_state_reason": "why"},
        **{"agentops.tags": ["a", "b"], "agentops.tag.env": "prod", **_SESSION},
    )
    agent = span(1, 2, 1, gen_ai__operation__name="invoke_agent", gen_ai__usage__input_tokens=999)
    call = chat(
        1,
        3,
        2,
        100,
        7,
        gen_ai__usage__cache_read__input_tokens=64,
        agentops__usage__cost__amount=0.5,
        agentops__usage__cost__currency="USD",
    )
    second = chat(1, 4, 2, 1, 1, error=True, agentops__usage__cost__amount=0.25, agentops__usage__cost__currency="EUR")
    vector = span(1, 5, 1, gen_ai__operation__name="embeddings", gen_ai__usage__input_tokens=8)
    put(tmp_path, [call, second], [vector, agent, root])
    session = read_sessions(tmp_path).sessions[0]
    assert (session.name, session.state, session.reason) == ("desk", "Fail", "why")
    assert (session.llm_calls, session.input_tokens, session.output_tokens, session.cached_tokens) == (3, 109, 8, 64)
    assert session.costs == {"USD": 0.5, "EUR": 0.25}
    assert session.tags == ("a", "b", "env=prod")
    assert (session.errors, session.duration, session.running) == (1, 9.0, False)
    assert session.session_id == str(uuid.UUID(int=1))


def test_names_without_a_workflow(tmp_path):
    put(tmp_path, [span(1, 1, name="agentops.session", start=2), span(2, 1, name="GET /", start=1)])
    assert [session.name for session in read_sessions(tmp_path).sessions] == ["default", "GET /"]


def test_a_span_that_stands_twice_counts_once(tmp_path):
    put(tmp_path, [chat(1, 2, 1)], [chat(1, 2, 1)])
    put(tmp_path, [chat(1, 2, 1), span(1, 1)], token="cd")
    session = read_sessions(tmp_path).sessions[0]
    assert (session.llm_calls, session.input_tokens, len(session.spans)) == (1, 10, 2)


def test_a_call_that_two_instrumentations_saw_counts_once(tmp_path):
    bare = span(1, 4, 1, gen_ai__operation__name="chat")
    put(tmp_path, [chat(1, 3, 2), chat(1, 2, 1), bare, chat(1, 5, 4), span(1, 1)])
    session = read_sessions(tmp_path).sessions[0]
    assert session.input_tokens == 20


def test_torn_and_foreign_lines_are_skipped_and_counted(tmp_path):
    whole = encode_spans([span(1, 1)])
    put(tmp_path, b"", b"not json", b'{"resourceMetrics":[]}', b'{"resourceSpans":[{"scopeSpans":7}]}', b"[" * 100_000, whole, whole[:50])
    contents = read_sessions(tmp_path)
    assert len(contents.sessions) == 1
    assert contents.skipped_lines == 4


def test_collector_style_lines_are_read(tmp_path):
    line = (
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"000000000000000000000000000000AB","spanId":"00000000000000CD",'
        b'"startTimeUnixNano":5,"endTimeUnixNano":"9","unknown":{},"attributes":[{"key":"k","value":{"intValue":3}}]}]}]}]}'
    )
    put(tmp_path, line)
    found = read_sessions(tmp_path).sessions[0].spans[0]
    assert (found.trace_id[-2:], found.span_id[-2:], found.start, found.end, found.attributes) == ("ab", "cd", 5, 9, {"k": 3})


def test_a_killed_process_keeps_its_session(tmp_path):
    put(tmp_path, started(1, 1, "invoke_workflow desk", gen_ai__workflow__name="desk"), [chat(1, 2, 1, start=1, end=4)])
    session = read_sessions(tmp_path).sessions[0]
    assert (session.name, session.state, session.running, session.duration, session.pid) == ("desk", "Indeterminate", False, 4.0, _DEAD)
    assert session.root.reconstructed
    assert (session.root.span_id, session.root.name) == (f"{1:016x}", "invoke_workflow desk")
    assert session.root.end == session.spans[1].end


def test_a_session_whose_process_lives_is_running(tmp_path):
    at = time.time() - _BASE / _SECOND
    put(tmp_path, started(1, 1, pid=os.getpid(), at=at))
    session = read_sessions(tmp_path).sessions[0]
    assert (session.running, session.end, session.duration, session.state) == (True, None, None, "Indeterminate")


def test_an_ended_session_is_not_running_whatever_its_process_does(tmp_path):
    at = time.time() - _BASE / _SECOND
    put(tmp_path, started(1, 1, pid=os.getpid(), at=at), [span(1, 1, start=at, end=at + 1, **_SESSION)])
    session = read_sessions(tmp_path).sessions[0]
    assert (session.running, session.duration, session.root.reconstructed) == (False, 1.0, False)


def test_spans_of_an_unfinished_parent_have_a_root(tmp_path):
    put(tmp_path, [chat(1, 5, 4, start=1, end=2), chat(1, 6, 4, start=3, end=4)])
    session = read_sessions(tmp_path).sessions[0]
    assert (session.root.span_id, session.duration) == (f"{5:016x}", 3.0)


def test_a_limit_opens_only_the_files_that_can_matter(tmp_path):
    old = put(tmp_path, [span(1, 1, start=0, end=1)], token="aa", modified=1)
    put(tmp_path, [span(2, 1, start=100, end=101)], token="bb", modified=101)
    put(tmp_path, [chat(3, 2, 1, start=205, end=206)], token="cc", modified=206)
    put(tmp_path, [span(3, 1, start=200, end=210)], token="dd", modified=210)
    contents = read_sessions(tmp_path, 2)
    assert [session.start for session in contents.sessions] == [_BASE + 200 * _SECOND, _BASE + 100 * _SECOND]
    assert contents.sessions[0].llm_calls == 1
    assert contents.more
    old.write_bytes(b"garbage, if it were read\n")
    os.utime(old, (_BASE / _SECOND + 1,) * 2)
    assert read_sessions(tmp_path, 2).skipped_lines == 0
    assert read_sessions(tmp_path).skipped_lines == 1


def test_a_limit_within_one_file_says_that_there_is_more(tmp_path):
    put(tmp_path, [span(trace, 1, start=trace, end=trace + 1) for trace in range(1, 6)])
    assert [session.start for session in read_sessions(tmp_path, 1).sessions] == [_BASE + 5 * _SECOND]
    assert read_sessions(tmp_path, 1).more
    assert not read_sessions(tmp_path, 5).more


def test_the_latest_session_knows_its_runs_others(tmp_path):
    put(tmp_path, [span(1, 1, start=0)], token="aa", modified=1)
    put(tmp_path, [span(2, 1, start=10, end=11)], pid=_DEAD + 1, token="bb", modified=11)
    put(tmp_path, [span(3, 1, start=20, end=21), span(4, 1, start=30, end=31)], pid=_DEAD + 1, token="bb", modified=31)
    latest = latest_session(tmp_path)
    assert latest is not None
    assert (latest[0].start, latest[1]) == (_BASE + 30 * _SECOND, 2)
    assert latest_session(tmp_path / "none") is None


def test_found_by_any_unique_beginning_with_its_content(tmp_path):
    first, second = 0xABC0 << 112, 0xABD0 << 112
    put(tmp_path, [span(first, 1, gen_ai__input__messages="[]"), span(second, 1)])
    put(tmp_path, [chat(first, 2, 1)], token="cd")
    for prefix in ("abc", "ABC0", "abc00000-0000", str(uuid.UUID(int=first)), f"{first:032x}"):
        session = find_session(tmp_path, prefix)
        assert session.trace_id == f"{first:032x}"
        assert len(session.spans) == 2
    assert "gen_ai.input.messages" in session.root.attributes
    assert "gen_ai.input.messages" not in read_sessions(tmp_path).sessions[1].root.attributes
    with pytest.raises(AmbiguousSessionError) as ambiguous:
        find_session(tmp_path, "ab")
    assert len(ambiguous.value.candidates) == 2
    for prefix in ("abe", "", "-", "xyz", "0" * 33):
        with pytest.raises(UnknownSessionError):
            find_session(tmp_path, prefix)


def test_a_linked_trace_is_not_mistaken_for_a_recorded_one(tmp_path):
    from opentelemetry.trace import Link

    linked = ReadableSpan("s", _context(1, 1), resource=_RESOURCE, links=[Link(_context(0xF << 124, 1))], start_time=1, end_time=2)
    put(tmp_path, [linked])
    with pytest.raises(UnknownSessionError):
        find_session(tmp_path, "f")


def test_many_sessions_list_in_linear_time(tmp_path):
    def listed(count):
        folder = tmp_path / str(count)
        for part in range(4):
            numbers = range(part * count // 4 + 1, (part + 1) * count // 4 + 1)
            put(
                folder,
                *[[chat(number, 2, 1, start=number, end=number + 1), span(number, 1, start=number, end=number + 1)] for number in numbers],
            )
        started_at = time.process_time()
        assert len(read_sessions(folder).sessions) == count
        return time.process_time() - started_at

    few, many = listed(200), listed(2000)
    assert many < 60 * few


def test_a_real_run_killed_in_the_middle(tmp_path):
    code = """
import os, time
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from agentops.store.processor import session_started, store_processor
from agentops.store.records import SessionStart
provider = TracerProvider()
provider.add_span_processor(store_processor())
tracer = provider.get_tracer("t")
root = tracer.start_span("agentops.session", attributes={"agentops.span.kind": "session"})
place = root.get_span_context()
session_started(SessionStart(place.trace_id, place.span_id, "agentops.session", root.start_time, dict(root.attributes)))
tracer.start_span("chat m", context=trace.set_span_in_context(root)).end()
time.sleep(.3)
print(f"{place.trace_id:032x}", flush=True)
time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "AGENTOPS_LOCAL_DIR": str(tmp_path)}, stdout=subprocess.PIPE, text=True
    )
    trace_id = process.stdout.readline().strip()
    assert find_session(tmp_path, trace_id).running
    process.kill()
    process.wait()
    process.stdout.close()
    session = find_session(tmp_path, trace_id)
    assert (session.name, session.state, session.running, session.pid) == ("default", "Indeterminate", False, process.pid)
    assert [item.name for item in session.spans] == ["agentops.session", "chat m"]
