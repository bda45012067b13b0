"""`agentops show`: one session as a tree."""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from rich.text import Text

from agentops.cli import text
from agentops.cli.listing import NOTHING, short_ids
from agentops.cli.terminal import STATE_STYLES, Column, Terminal, align
from agentops.cli.tree import Row, span_cells, tree_rows, write_content
from agentops.store.reader import AmbiguousSessionError, UnknownSessionError, find_session, latest_session

if TYPE_CHECKING:
    from pathlib import Path

    from agentops.store.otlp import StoredRecord
    from agentops.store.sessions import StoredSession

_OPTIONAL = Column(right=True, optional=True)
_COLUMNS = [Column(least=24), Column(right=True), _OPTIONAL, _OPTIONAL, _OPTIONAL, Column(least=10)]
_CANDIDATES = 5


def show_session(folder: Path, identifier: str, content: bool, as_json: bool) -> int:
    """Print one session; returns the exit code. Raises OSError."""
    others = 0
    if identifier.lower() == "latest":
        found = latest_session(folder)
        if found is None:
            print(NOTHING.format(folder=folder), file=sys.stderr)
            return 2
        session, others = found
    else:
        try:
            session = find_session(folder, identifier)
        except UnknownSessionError:
            print(f"agentops: no session's id begins with {identifier!r} in {folder} (see: agentops sessions)", file=sys.stderr)
            return 2
        except AmbiguousSessionError as error:
            print(f"agentops: {identifier!r} begins the ids of {named(error.candidates)}", file=sys.stderr)
            return 2
    if as_json:
        from agentops.cli.json_output import session_document

        print(session_document(session, content))
        return 0
    terminal = Terminal()
    _print_header(terminal, session)
    _print_tree(terminal, session, content)
    if others:
        terminal.line()
        terminal.line(Text(f"{others:,} more {'session' if others == 1 else 'sessions'} from this run: agentops sessions", style="dim"))
    return 0


def named(candidates: list[StoredSession]) -> str:
    """How many sessions begin so, and the first few of them."""
    ids = ", ".join(short_ids(candidates)[:_CANDIDATES])
    return f"{len(candidates)} sessions: {ids}{', ...' if len(candidates) > _CANDIDATES else ''}"


def _print_header(terminal: Terminal, session: StoredSession) -> None:
    glyphs = terminal.glyphs
    state = text.state(session)
    title = (
        Text().append(text.one_line(session.name), style="bold").append(glyphs.dot, style="dim").append(state, style=STATE_STYLES[state])
    )
    if session.reason:
        title.append(f" ({text.one_line(session.reason)})", style="dim")
    totals = [text.plural(session.llm_calls, "LLM call")]
    if session.input_tokens or session.output_tokens:
        cached = f" ({session.cached_tokens:,} cached)" if session.cached_tokens else ""
        totals.append(f"{session.input_tokens:,} {glyphs.arrow} {session.output_tokens:,} tokens{cached}")
    if session.costs:
        totals.append(text.costs(session.costs))
    usage = Text(glyphs.dot.join(totals))
    if session.errors:
        usage.append(glyphs.dot).append(text.plural(session.errors, "error"), style="red")
    terminal.line(title)
    terminal.line(_field("id", Text(session.session_id, style="cyan")))
    terminal.line(
        _field("started", Text(f"{text.local_time(session.start)}{glyphs.dot}{text.duration(session)}{glyphs.dot}pid {session.pid}"))
    )
    terminal.line(_field("usage", usage))
    if session.last_heartbeat is not None:
        terminal.line(_field("vanished", Text(f"last heartbeat {text.local_time(session.last_heartbeat)}", style="yellow")))
    if session.tags:
        terminal.line(_field("tags", Text(text.one_line(", ".join(session.tags)))))
    terminal.line()


def _field(label: str, value: Text) -> Text:
    return Text().append(f"{label:<9}", style="dim").append_text(value)


def _print_tree(terminal: Terminal, session: StoredSession, content: bool) -> None:
    rows: list[Row] = tree_rows(session, terminal.glyphs)
    known = {row.span.span_id for row in rows}
    logs: defaultdict[str, list[StoredRecord]] = defaultdict(list)
    for record in session.logs:
        logs[record.span_id if record.span_id in known else session.root.span_id].append(record)
    lines = align(terminal, _COLUMNS, [span_cells(row, session, terminal.glyphs) for row in rows])
    for row, line in zip(rows, lines, strict=True):
        terminal.line(line)
        if content:
            write_content(terminal, row, logs[row.span.span_id])
