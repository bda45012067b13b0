"""The `agentops` command on recorded sessions: in pipes, on terminals, in ASCII, with wrong ids."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
import uuid

import pytest

from agentops.cli import main, text
from agentops_instrumentors.version import __version__
from tests.unit.test_store_reader import chat, put, span, started

_DESK = 0xDE5C << 112
_OTHER = 0xDE50 << 112
_MESSAGES = {
    "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be brief."}]),
    "gen_ai.input.messages": json.dumps(
        [
            {
                "role": "user",
                "parts": [{"type": "text", "content": "Kraków?\nTomorrow."}, {"type": "blob", "modality": "image", "content": "aGk="}],
            },
            {"role": "assistant", "parts": [{"type": "tool_call", "id": "call_1", "name": "search", "arguments": {"to": "KRK"}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": {"no": "LO1"}}]},
        ]
    ),
    "gen_ai.output.messages": json.dumps(
        [{"role": "assistant", "parts": [{"type": "text", "content": "LO1 \x1b[31m."}], "finish_reason": "stop"}]
    ),
}


@pytest.fixture
def desk(tmp_path):
    """A folder with one session of everything, and a second one that started before it."""
    folder = tmp_path / "desk"
    workflow = {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "desk",
        "agentops.tags": ["demo"],
        "agentops.span.kind": "session",
    }
    priced = {"agentops.usage.cost.amount": 0.0123, "agentops.usage.cost.currency": "USD"}
    answer = {
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.model": "other-model",
        "gen_ai.usage.cache_read.input_tokens": 600,
    }
    put(
        folder,
        [
            chat(_DESK, 3, 2, 1200, 34, start=1, end=2.5, **_MESSAGES, **priced, **answer),
            span(
                _DESK,
                4,
                2,
                "execute_tool search",
                start=2.6,
                end=2.7,
                **{
                    "gen_ai.operation.name": "execute_tool",
                    "gen_ai.tool.call.arguments": '{"to":"KRK"}',
                    "gen_ai.tool.call.result": '"LO1"',
                },
            ),
            span(_DESK, 5, 2, "chat m", start=3, end=4, error=True, gen_ai__operation__name="chat", error__type="RateLimitError"),
            span(_DESK, 2, 1, "invoke_agent planner", start=0.5, end=8, gen_ai__operation__name="invoke_agent"),
            span(_DESK, 1, 0, "invoke_workflow desk", start=0, end=9, **workflow, **{"agentops.session.end_state": "Success"}),
            span(_OTHER, 1, 0, "agentops.session", start=-60, end=-50),
        ],
    )
    return folder


def _main(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def _command(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", "import sys; from agentops.cli import main; sys.exit(main())", *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        timeout=30,
        check=False,
    )


def _on_terminal(code, *arguments, columns=100, **environment):
    """What the command prints on a terminal of that width, and its exit status."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color", **environment},
        stdin=follower,
        stdout=follower,
        stderr=follower,
        close_fds=True,
    ) as process:
        os.close(follower)
        read = b""
        until = time.monotonic() + 30
        while time.monotonic() < until and select.select([leader], [], [], 30)[0]:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                break
            if not piece:
                break
            read += piece
        process.wait(10)
    os.close(leader)
    return read.decode(), process.returncode


_CLI = "import sys; from agentops.cli import main; sys.exit(main())"


def test_sessions_in_a_pipe(desk, capsys):
    code, out, err = _main(capsys, "sessions", "--dir", desk)
    heading, first, second = out.splitlines()
    assert (code, err) == (0, "")
    assert heading.split() == ["ID", "NAME", "STATE", "STARTED", "TIME", "CALLS", "TOKENS", "COST", "ERRORS"]
    assert re.split(r"\s{2,}", first)[:3] == ["de5c0000", "desk", "Success"]
    assert re.split(r"\s{2,}", first)[4:] == ["9.00 s", "2", "1,200 → 34", "$0.012", "1"]
    assert re.split(r"\s{2,}", second)[:3] == ["de500000", "default", "Indeterminate"]
    assert "\x1b" not in out


def test_sessions_limit_says_that_there_are_more(desk, capsys):
    _, out, _ = _main(capsys, "sessions", "--dir", desk, "--limit", 1)
    assert len(out.splitlines()) == 3
    assert "agentops sessions --all" in out
    _, everything, _ = _main(capsys, "sessions", "--dir", desk, "--all")
    assert "--all" not in everything


def test_nothing_recorded_says_how_to(tmp_path, capsys):
    code, out, _ = _main(capsys, "sessions", "--dir", tmp_path / "none")
    assert code == 0
    assert "opentelemetry-instrument" in out
    assert str(tmp_path / "none") in out
    code, out, err = _main(capsys, "show", "--dir", tmp_path / "none")
    assert (code, out) == (2, "")
    assert "opentelemetry-instrument" in err


def test_show_in_a_pipe(desk, capsys):
    code, out, err = _main(capsys, "show", "--dir", desk)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "desk · Success"
    assert lines[1].split() == ["id", str(uuid.UUID(int=_DESK))]
    assert lines[3] == "usage    2 LLM calls · 1,200 → 34 tokens (600 cached) · $0.012 · 1 error"
    assert lines[4].split() == ["tags", "demo"]
    assert [re.sub(r"\s{2,}", "  ", line) for line in lines[6:]] == [
        "◆ invoke_workflow desk  9.00 s",
        "└─ ◇ invoke_agent planner  7.50 s",
        "  ├─ ● chat m  other-model  1.50 s  1,200 → 34  600 cached  $0.012  stop",
        "  ├─ ▪ execute_tool search  100 ms",
        "  └─ ● chat m  1.00 s  ✗ RateLimitError",
        "",
        "1 more session from this run: agentops sessions",
    ]
    assert "\x1b" not in out


def test_show_content(desk, capsys):
    _, out, _ = _main(capsys, "show", "de5c", "--content", "--dir", desk)
    said = [re.sub(r"\s{2,}", " ", line.strip(" │")) for line in out.splitlines()]
    start = said.index("system Be brief.")
    assert said[start : start + 7] == [
        "system Be brief.",
        "user Kraków?",
        "Tomorrow.",
        "user [image, 4 characters of base64]",
        'assistant → search({"to":"KRK"}) [call_1]',
        'tool ← {"no":"LO1"} [call_1]',
        "assistant LO1 \\x1b[31m.",
    ]
    assert 'arguments {"to":"KRK"}' in said
    assert "result LO1" in said


def test_content_that_is_not_messages_is_shown_as_it_is(tmp_path, capsys):
    put(
        tmp_path, [span(1, 1, **{"gen_ai.input.messages": "cut {", "gen_ai.output.messages": "[1]", "gen_ai.system_instructions": "plain"})]
    )
    code, out, _ = _main(capsys, "show", "--content", "--dir", tmp_path)
    assert code == 0
    assert [line.split()[-1] for line in out.splitlines() if line.strip().startswith(("system", "input", "output"))] == ["plain", "{", "1"]


@pytest.mark.parametrize(
    ("identifier", "said"),
    [("de5", "begins the ids of 2 sessions: de5c0000, de500000"), ("ffff", "no session's id begins"), ("..", "no session")],
)
def test_an_id_of_none_or_several_is_one_line_and_status_2(desk, capsys, identifier, said):
    code, out, err = _main(capsys, "show", identifier, "--dir", desk)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_sessions_json(desk, capsys):
    code, out, _ = _main(capsys, "sessions", "--json", "--dir", desk)
    document = json.loads(out)
    assert code == 0
    assert (document["more"], document["skipped_lines"]) == (False, 0)
    first = document["sessions"][0]
    assert first["session_id"] == str(uuid.UUID(int=_DESK))
    assert first["start"].endswith("Z")
    expected = {
        "name": "desk",
        "state": "Success",
        "llm_calls": 2,
        "input_tokens": 1200,
        "cost": {"USD": 0.0123},
        "errors": 1,
        "tags": ["demo"],
    }
    assert expected.items() <= first.items()
    assert "spans" not in first


def test_show_json_keeps_content_for_those_who_ask(desk, capsys):
    _, out, _ = _main(capsys, "show", "--json", "--dir", desk)
    spans = json.loads(out)["spans"]
    assert [item["name"] for item in spans[:3]] == ["invoke_workflow desk", "invoke_agent planner", "chat m"]
    assert "gen_ai.input.messages" not in spans[2]["attributes"]
    assert (spans[4]["status"], spans[4]["kind"], spans[4]["duration_seconds"]) == ("error", "internal", 1.0)
    _, out, _ = _main(capsys, "show", "--json", "--content", "--dir", desk)
    assert "gen_ai.input.messages" in json.loads(out)["spans"][2]["attributes"]


def test_a_session_that_never_ended_and_one_that_runs(tmp_path, capsys):
    put(tmp_path, started(1, 1), [chat(1, 2, 1)])
    _, out, _ = _main(capsys, "show", "--dir", tmp_path)
    assert out.startswith("default · Indeterminate (the process vanished)\n")
    assert "never ended" in out
    put(tmp_path, started(2, 1, pid=os.getpid(), at=time.time() - 1_795_000_000))
    _, out, _ = _main(capsys, "sessions", "--dir", tmp_path)
    assert "running" in out.splitlines()[1]


def test_deep_and_circular_traces_are_drawn(tmp_path, capsys):
    put(tmp_path, [span(1, number, number - 1) for number in range(1, 1101)])
    put(tmp_path, [span(2, 1, 2, start=-9), span(2, 2, 1, start=-8)])
    code, out, _ = _main(capsys, "show", f"{1:032x}", "--dir", tmp_path)
    assert (code, len(out.splitlines())) == (0, 5 + 1100)
    code, out, _ = _main(capsys, "show", f"{2:032x}", "--dir", tmp_path)
    assert (code, len(out.splitlines())) == (0, 5 + 2)


def test_skipped_lines_are_said(tmp_path, capsys):
    put(tmp_path, [span(1, 1)], b"torn")
    code, out, err = _main(capsys, "sessions", "--dir", tmp_path)
    assert (code, len(out.splitlines())) == (0, 2)
    assert "skipped 1 line" in err


def test_path_and_version(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("AGENTOPS_LOCAL_DIR", str(tmp_path))
    assert _main(capsys, "path") == (0, f"{tmp_path}\n", "")
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out == f"agentops-opentelemetry {__version__}\n"


@pytest.mark.parametrize("arguments", [["sessions", "--limit", "0"], ["sessions", "--limit", "x"], ["nothing"], []])
def test_bad_arguments_are_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "usage: agentops" in capsys.readouterr().err


def test_a_folder_that_is_a_file_or_unreadable_is_no_traceback(tmp_path):
    (tmp_path / "file").write_text("")
    done = _command("sessions", "--dir", tmp_path / "file")
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)


@pytest.mark.parametrize("command", [["sessions"], ["show"], ["sessions", "--json"]])
def test_ascii_where_the_encoding_has_no_more(desk, command):
    done = _command(*command, "--dir", desk, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
    if command == ["show"]:
        assert b"`- @ invoke_agent planner" in done.stdout


def test_a_broken_pipe_is_a_quiet_end(tmp_path):
    put(tmp_path, [span(trace, 1, name="n" * 200, start=trace) for trace in range(1, 2000)])
    with subprocess.Popen(
        [sys.executable, "-c", _CLI, "sessions", "--all", "--dir", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize("columns", [100, 80, 60])
def test_a_terminal_gets_colour_and_lines_that_fit(desk, columns):
    for command in (["sessions"], ["show"], ["show", "--content"]):
        out, code = _on_terminal(_CLI, *command, "--dir", desk, columns=columns)
        plain = re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines()
        assert code == 0
        assert "\x1b[32m" in out
        assert max(len(line) for line in plain if not line.startswith("usage")) <= columns


def test_no_color_has_no_colour(desk):
    out, _ = _on_terminal(_CLI, "show", "--dir", desk, NO_COLOR="1")
    assert "\x1b[3" not in out


_PROGRAM = """
from opentelemetry.sdk.trace import TracerProvider
from agentops.store.processor import store_processor
provider = TracerProvider()
provider.add_span_processor(store_processor())
for n in range(%d):
    provider.get_tracer("t").start_span("s").end()
"""


def test_the_closing_line_on_a_terminal(tmp_path):
    environment = {"AGENTOPS_LOCAL_DIR": str(tmp_path), "PYTHONIOENCODING": "utf-8"}
    assert _on_terminal(_PROGRAM % 3, **environment)[0].strip() == "agentops: recorded 3 sessions — agentops show latest"
    assert _on_terminal(_PROGRAM % 1, **environment)[0].strip() == "agentops: recorded 1 session — agentops show latest"
    assert _on_terminal(_PROGRAM % 0, **environment)[0] == ""
    assert _on_terminal(_PROGRAM % 1, **environment, AGENTOPS_LOG_SESSION_REPLAY_URL="false")[0] == ""
    assert (
        _on_terminal("import os\n" + _PROGRAM % 1 + "\nos.waitpid(os.fork(), 0) if os.fork() else None", **environment)[0].count("recorded")
        == 1
    )


def test_the_first_run_says_where_it_records_unless_something_says_where_to_send(tmp_path):
    def said(folder, **environment):
        return _on_terminal(_PROGRAM % 1, AGENTOPS_LOCAL_DIR=str(tmp_path / folder), PYTHONIOENCODING="utf-8", **environment)[0].strip()

    plain = "agentops: recorded 1 session — agentops show latest"
    assert said("a") == f"{plain} (kept in {tmp_path / 'a'}; OTEL_TRACES_EXPORTER=otlp sends to a collector on localhost)"
    assert said("a") == plain
    assert said("b", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="http://collector/v1/traces") == plain
    assert said("c", AGENTOPS_API_KEY="00000000-0000-4000-8000-000000000000") == plain


def test_no_closing_line_off_a_terminal_nor_without_a_store(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM % 1],
        env={**os.environ, "AGENTOPS_LOCAL_DIR": str(tmp_path)},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"", b"")
    (tmp_path / "file").write_text("")
    assert "recorded" not in _on_terminal(_PROGRAM % 1, AGENTOPS_LOCAL_DIR=str(tmp_path / "file" / "store"))[0]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0001, "<1 ms"),
        (0.0042, "4.2 ms"),
        (0.0421, "42 ms"),
        (0.9999, "1.00 s"),
        (12.34, "12.3 s"),
        (125, "2 m 05 s"),
        (11220, "3 h 07 m"),
    ],
)
def test_durations(value, shown):
    assert text.seconds(value) == shown


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (1234.5, "USD", "$1,234.50"),
        (0.0123, "USD", "$0.012"),
        (0.00123, "EUR", "€0.0012"),
        (1e-7, "USD", "<$0.00001"),
        (0, "USD", "$0.00"),
        (2, "PLN", "2.00 PLN"),
    ],
)
def test_money(amount, currency, shown):
    assert text.money(amount, currency) == shown
