"""`agentops sessions`: recorded sessions, newest first."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from agentops.cli import text
from agentops.store.reader import StoreContents, read_sessions

if TYPE_CHECKING:
    from pathlib import Path

    from rich.text import Text

    from agentops.cli.terminal import Terminal
    from agentops.store.sessions import StoredSession

NOTHING: Final = """No sessions recorded in {folder}
Record one with:  opentelemetry-instrument python your_program.py
or in code with:  import agentops; agentops.init()"""
_HEADINGS: Final = ("ID", "NAME", "STATE", "STARTED", "TIME", "CALLS", "TOKENS", "COST", "ERRORS")
_SHORT_ID: Final = 8


def list_sessions(folder: Path, limit: int | None, as_json: bool) -> int:
    """Print the sessions of `folder`; returns the exit code. Raises OSError."""
    contents = read_sessions(folder, limit)
    if as_json:
        from agentops.cli.json_output import sessions_document

        print(sessions_document(contents))
        return 0
    if not contents.sessions:
        print(NOTHING.format(folder=folder))
    else:
        _print_table(contents)
    say_skipped(contents.skipped_lines)
    return 0


def say_skipped(lines: int) -> None:
    """One line on stderr where the store holds lines that could not be read."""
    if lines:
        print(f"agentops: skipped {text.plural(lines, 'line')} that could not be read (a killed process leaves one)", file=sys.stderr)


def short_ids(sessions: list[StoredSession]) -> list[str]:
    """Beginnings of the ids, as short as tells all of them apart."""
    length = _SHORT_ID
    ids = [session.trace_id for session in sessions]
    while length < 32 and len({identifier[:length] for identifier in ids}) < len(ids):
        length += 1
    return [identifier[:length] for identifier in ids]


def _print_table(contents: StoreContents) -> None:
    from rich.text import Text

    from agentops.cli.terminal import Column, Terminal, align

    terminal = Terminal()
    left, right = Column(), Column(right=True)
    optional = Column(right=True, optional=True)
    columns = [left, Column(least=8), left, left, right, right, optional, optional, optional]
    rows = [[Text(heading, style="dim") for heading in _HEADINGS]]
    for short, session in zip(short_ids(contents.sessions), contents.sessions, strict=True):
        rows.append(_row(terminal, short, session))
    for line in align(terminal, columns, rows):
        terminal.line(line)
    if contents.more:
        terminal.line(Text(f"The newest {len(contents.sessions)}; older ones: agentops sessions --all", style="dim"))


def _row(terminal: Terminal, short: str, session: StoredSession) -> list[Text]:
    from rich.text import Text

    from agentops.cli.terminal import STATE_STYLES

    nothing = Text(terminal.glyphs.dash, style="dim")
    used = session.input_tokens or session.output_tokens
    state = text.state(session)
    return [
        Text(short, style="cyan"),
        Text(text.one_line(session.name), style="bold"),
        Text(state, style=STATE_STYLES[state]),
        Text((text.local_time if terminal.width is None else text.short_time)(session.start)),
        Text(text.duration(session)),
        Text(f"{session.llm_calls:,}") if session.llm_calls else nothing,
        Text(f"{session.input_tokens:,} {terminal.glyphs.arrow} {session.output_tokens:,}") if used else nothing,
        Text(text.costs(session.costs)) if session.costs else nothing,
        Text(f"{session.errors:,}", style="red") if session.errors else nothing,
    ]
