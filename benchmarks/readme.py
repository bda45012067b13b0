"""The README's section on costs: its figures are those of `RESULTS.md`, and a run that writes the one writes the other."""

from __future__ import annotations

import re
from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BEGIN, _END = "<!-- costs: written by make bench-peers -->", "<!-- end of costs -->"
_SECTION = re.compile(f"(?<={re.escape(_BEGIN)}\n).*(?={re.escape(_END)})", re.DOTALL)
_NOT_PEERS = ("case", "clock", "bare", "ours", "floor", "metric records alone", "bare again")


def rewrite(readme: Path, results: str) -> None:
    """Put the section made of the text of `RESULTS.md` in place of the one that is there."""
    text = readme.read_text(encoding="utf-8")
    readme.write_text(_SECTION.sub(lambda _: section(results), text), encoding="utf-8")


def section(results: str) -> str:
    """The section, with its figures from the text of `RESULTS.md`."""
    chat, chunk = _case(results, "chat, content, per call"), _case(results, "stream, content, per chunk")["ours"]
    peers = {title: costs for title, costs in chat.items() if title not in _NOT_PEERS and costs["total"] and "*" not in costs["total"]}
    cheapest = min(peers, key=lambda title: _number(peers[title]["total"]))
    total = {title: f"{_number(chat[title]['total']):.0f} µs" for title in ("ours", "official", cheapest)}
    sentences = (
        f"A chat takes the OpenAI client {_number(chat['bare']['cpu']) / 1e3:.1f} ms of CPU.",
        f"Recording it with its content adds {_number(chat['ours']['cpu']):.0f} µs to the call,",
        f"{total['ours']} with what is done in the background when metrics are collected.",
        f"The cheapest of {len(peers)} other instrumentations, {cheapest}, adds {total[cheapest]} in all,",
        f"OpenTelemetry's own {total['official']}.",
        f"A chunk of a stream takes {_number(chunk['cpu']):.1f} µs more, {_number(chunk['total']):.1f} µs with its metrics.",
        "[benchmarks/RESULTS.md](benchmarks/RESULTS.md) has the rest, the limits this project sets itself, held and missed,",
        "and how all of it was measured; `make bench` measures it where you are.",
    )
    return f"## What it costs\n\n{fill(' '.join(sentences), 139, break_on_hyphens=False)}\n\n"


def _case(results: str, name: str) -> dict[str, dict[str, str]]:
    """A case of the table of calls: by column and clock."""
    lines = results.partition("## Calls: added µs\n")[2].strip().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"| {name} |"))
    head, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in (lines[0], *lines[first : first + 3]))
    return {title: {row[1]: row[place] for row in rows} for place, title in enumerate(head)}


def _number(cell: str) -> float:
    return float(cell.split(maxsplit=1)[0].replace(",", ""))
