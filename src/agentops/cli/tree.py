"""The spans of a session as the lines of a tree."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from agentops.cli import text
from agentops.cli.content import Block, blocks, log_blocks
from agentops.store.sessions import INFERENCE, cost, operation, tokens
from agentops_instrumentors.core import semconv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentops.cli.terminal import Glyphs, Terminal
    from agentops.store.otlp import StoredRecord, StoredSpan
    from agentops.store.sessions import StoredSession

_LABEL_WIDTH: Final = 10
_NARROWEST_BODY: Final = 24
_NANO: Final = 1e9


@dataclass(frozen=True, slots=True)
class Row:
    """One span of the tree: `lead` draws it, `below` continues the lines of those around it under it."""

    span: StoredSpan
    lead: str
    below: str


def tree_rows(session: StoredSession, glyphs: Glyphs) -> list[Row]:
    """Spans by parent, siblings by start. A span whose parent is not in the store hangs under the root."""
    children: defaultdict[str, list[StoredSpan]] = defaultdict(list)
    known = {span.span_id for span in session.spans}
    for span in session.spans:
        if span.span_id != session.root.span_id:
            children[span.parent_id if span.parent_id in known else session.root.span_id].append(span)
    rows: list[Row] = []
    # A stack instead of recursion: agents nest deeper than the interpreter does.
    waiting = [Row(session.root, "", "")]
    seen: set[str] = set()
    while waiting:
        row = waiting.pop()
        if row.span.span_id in seen:
            continue
        seen.add(row.span.span_id)
        below = children[row.span.span_id]
        rows.append(Row(row.span, row.lead, row.below + (glyphs.pipe if below else glyphs.blank)))
        for position, child in enumerate(reversed(below)):
            last = position == 0
            waiting.append(
                Row(child, row.below + (glyphs.last if last else glyphs.branch), row.below + (glyphs.blank if last else glyphs.pipe))
            )
    return rows


def span_cells(row: Row, session: StoredSession, glyphs: Glyphs) -> list[Text]:
    """Label, duration, tokens, cached tokens, cost and outcome of one span; the middle ones are left out where it has none of them."""
    span = row.span
    mark, style = _mark(span, glyphs)
    label = Text().append(row.lead, style="dim").append(f"{mark} ", style=style)
    label.append(text.one_line(span.name), style="bold" if span is session.root else "")
    model = _model(span)
    if model:
        label.append(f"  {model}", style="dim")
    taken, sent = tokens(span, semconv.USAGE_INPUT_TOKENS), tokens(span, semconv.USAGE_OUTPUT_TOKENS)
    cached = tokens(span, semconv.USAGE_CACHE_READ_INPUT_TOKENS)
    priced = cost(span)
    running = session.running and span.reconstructed
    duration = Text(text.duration(session) if running else text.seconds((span.end - span.start) / _NANO))
    outcome = _outcome(span, running, glyphs)
    if not (taken or sent or priced):
        return [label, duration, outcome]
    return [
        label,
        duration,
        Text(f"{taken:,} {glyphs.arrow} {sent:,}" if taken or sent else ""),
        Text(f"{cached:,} cached" if cached else "", style="dim"),
        Text(text.money(*priced) if priced else ""),
        outcome,
    ]


def _mark(span: StoredSpan, glyphs: Glyphs) -> tuple[str, str]:
    kind = span.attributes.get(semconv.SPAN_KIND)
    name = operation(span)
    if name in INFERENCE:
        return glyphs.call, "magenta"
    if name == semconv.EMBEDDINGS:
        return glyphs.embedding, "magenta"
    if name == semconv.EXECUTE_TOOL or kind == "tool":
        return glyphs.tool, "yellow"
    if name in {semconv.INVOKE_AGENT, "create_agent"} or kind == "agent":
        return glyphs.agent, "blue"
    if name == semconv.INVOKE_WORKFLOW or kind in {"session", "workflow"}:
        return glyphs.session, "cyan"
    return glyphs.other, "dim"


def _model(span: StoredSpan) -> str:
    """The model that answered, or was asked, where the span's name does not say it."""
    model = span.attributes.get(semconv.RESPONSE_MODEL) or span.attributes.get(semconv.REQUEST_MODEL)
    if not isinstance(model, str):
        return ""
    # `gpt-4o` answers as `gpt-4o-2024-08-06`: the date is no news, another model is.
    return "" if any(model == word or model.startswith(f"{word}-2") for word in span.name.split()[1:]) else text.one_line(model)


def _outcome(span: StoredSpan, running: bool, glyphs: Glyphs) -> Text:
    if span.failed:
        error = span.attributes.get(semconv.ERROR_TYPE)
        words = [word for word in (error if isinstance(error, str) else "", span.status_message) if word]
        return Text(f"{glyphs.failed} {text.one_line(': '.join(words)) or 'error'}", style="red")
    if span.reconstructed:
        return Text("running" if running else "never ended", style="cyan" if running else "yellow")
    reasons = span.attributes.get(semconv.RESPONSE_FINISH_REASONS)
    return Text(text.one_line(", ".join(str(reason) for reason in reasons)) if isinstance(reasons, list) else "", style="green")


def write_content(terminal: Terminal, row: Row, logs: Sequence[StoredRecord]) -> None:
    """Print what the span holds of content, and the log records made in it, under its line."""
    said = False
    for block in (*blocks(row.span, terminal.glyphs), *log_blocks(logs)):
        _write_block(terminal, row.below, block)
        said = True
    if said and row.below.strip():
        terminal.line(Text(row.below.rstrip(), style="dim"))


def _write_block(terminal: Terminal, below: str, block: Block) -> None:
    body = block.body.expandtabs(4).splitlines() or [""]
    if terminal.width is not None:
        width = max(_NARROWEST_BODY, terminal.width - len(below) - _LABEL_WIDTH - 1)
        body = [piece for line in body for piece in (textwrap.wrap(line, width, replace_whitespace=False, break_on_hyphens=False) or [""])]
    label = text.one_line(block.label)
    style = "red" if block.label == "error" else "green" if block.output else "blue"
    for number, line in enumerate(body):
        head = f"{label:<{_LABEL_WIDTH}} " if number == 0 else " " * (_LABEL_WIDTH + 1)
        terminal.line(Text().append(below, style="dim").append(head, style=style).append(line.rstrip()))
