"""Roots that vanished processes owe: found once, under locks that death lets go of, in a real folder."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agentops.store import liveness
from agentops.store.encode import encode_session_start
from agentops.store.files import Limits, StoreFiles
from agentops.store.records import SESSION_JOINED_EVENT, SESSION_LEFT_EVENT, SessionStart
from agentops.store.replay import MissingRoot, replay
from tests.unit.test_store_reader import put, span, started

OWN = "1-00"
HOLDER = """
import os, sys, time
from pathlib import Path
from agentops.store import liveness
marker = liveness.hold(Path(sys.argv[1]), sys.argv[2])
if len(sys.argv) > 3 and os.fork() == 0:
    os.close(1)
    time.sleep(30)
print("held", flush=True)
sys.stdin.readline()
"""


class Emitted:
    """Takes missing roots; `settles` is its answer."""

    def __init__(self, settles: bool = True, flushes: bool = True) -> None:
        self.roots: list[MissingRoot] = []
        self.settles = settles
        self.flushes = flushes

    def emit(self, root: MissingRoot) -> bool:
        self.roots.append(root)
        return self.settles

    def __call__(self, folder) -> list[str]:
        """The names of the roots that a replay of `folder` finds missing."""
        del self.roots[:]
        replay(folder, OWN, self.emit, lambda: self.flushes)
        return [root.name for root in self.roots]


def die(folder, pid, token="ab"):
    """Leave the marker of a process that is dead."""
    (folder / liveness.FOLDER).mkdir(exist_ok=True)
    (folder / liveness.FOLDER / f"{pid}-{token}").touch()


def member_of(trace, name, event=SESSION_JOINED_EVENT):
    """Part `name` of a process joined a session, or did what `event` says."""
    return encode_session_start(SessionStart(trace, 7, name, 1_795_000_001 * 10**9, {}, event), 51)


def markers(folder):
    return sorted(path.name for path in (folder / liveness.FOLDER).iterdir())


def live(folder, run, *more):
    """A process that holds the marker of `run`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), run, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_missing_root_ends_with_its_last_child_in_any_file(tmp_path):
    put(tmp_path, started(1, 7, "job", agentops__tags=["a"]), [span(1, 2, 7, end=3)], pid=50)
    put(tmp_path, [span(1, 3, 7, end=9), span(2, 4, end=99)], pid=51, token="cd")
    die(tmp_path, 50)
    replayed = Emitted()
    assert replayed(tmp_path) == ["job"]
    (root,) = replayed.roots
    assert (root.trace_id, root.span_id, root.end - root.start) == (1, 7, 9 * 10**9)
    assert root.attributes == {"agentops.span.kind": "session", "agentops.tags": ["a"]}
    assert markers(tmp_path) == []
    assert replayed(tmp_path) == []


def test_a_root_that_is_there_after_all_is_not_missing(tmp_path):
    """A replay that was killed between the root and the end of its work leaves it so."""
    put(tmp_path, started(1, 7, "job"), pid=50)
    put(tmp_path, [span(1, 7, name="job")], pid=51, token="cd")
    die(tmp_path, 50)
    assert Emitted()(tmp_path) == []
    assert markers(tmp_path) == []


@pytest.mark.parametrize("refusal", [{"settles": False}, {"flushes": False}])
def test_what_could_not_be_settled_is_tried_again(tmp_path, refusal):
    put(tmp_path, started(1, 7, "job"), pid=50)
    die(tmp_path, 50)
    assert Emitted(**refusal)(tmp_path) == ["job"]
    assert Emitted()(tmp_path) == ["job"]
    assert markers(tmp_path) == []


def test_torn_and_foreign_lines_and_missing_files_do_no_harm(tmp_path):
    put(tmp_path, started(1, 7, "job"), b"agentops.session.start {", b'{"resourceSpans": 3}', b"\xff\xfe", pid=50)
    die(tmp_path, 50)
    die(tmp_path, 60)
    assert Emitted()(tmp_path) == ["job"]
    assert Emitted()(tmp_path / "nowhere") == []


def test_a_live_process_keeps_its_sessions_and_death_by_any_means_gives_them_up(tmp_path):
    put(tmp_path, started(1, 7, "job"), pid=50)
    holder = live(tmp_path, "50-ab")
    assert Emitted()(tmp_path) == []
    assert liveness.claim(tmp_path, "50-ab") is None
    holder.kill()
    holder.communicate()
    assert Emitted()(tmp_path) == ["job"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_child_does_not_keep_its_parents_sessions(tmp_path):
    put(tmp_path, started(1, 7, "job"), pid=50)
    holder = live(tmp_path, "50-ab", "and fork")
    holder.kill()
    holder.communicate()
    assert Emitted()(tmp_path) == ["job"]


def test_a_live_member_defers_the_root_until_it_leaves(tmp_path):
    put(tmp_path, started(1, 7, "job"), pid=50)
    die(tmp_path, 50)
    put(tmp_path, member_of(1, "a"), member_of(1, "b"), member_of(1, "a", SESSION_LEFT_EVENT), pid=51, token="cd")
    member = live(tmp_path, "51-cd")
    assert Emitted()(tmp_path) == []
    assert markers(tmp_path) == ["50-ab", "51-cd"]
    put(tmp_path, member_of(1, "b", SESSION_LEFT_EVENT), pid=51, token="cd")
    assert Emitted()(tmp_path) == ["job"]
    member.kill()
    member.communicate()


def test_a_dead_member_does_not_defer_the_root(tmp_path):
    put(tmp_path, started(1, 7, "job"), pid=50)
    put(tmp_path, member_of(1, "a"), pid=51, token="cd")
    for pid, token in ((50, "ab"), (51, "cd")):
        die(tmp_path, pid, token)
    assert Emitted()(tmp_path) == ["job"]
    assert markers(tmp_path) == []


def test_a_marker_stands_from_the_first_session_to_the_last_end(tmp_path):
    files = StoreFiles(tmp_path, Limits())
    files.mark()
    files.mark()
    assert markers(tmp_path) == [files.run]
    assert liveness.runs(tmp_path, files.run) == []
    assert liveness.runs(tmp_path, OWN) == [files.run]
    files.unmark()
    files.unmark()
    assert markers(tmp_path) == []
