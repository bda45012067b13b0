"""Where output goes: colours only on a terminal, ASCII where the encoding has nothing better, aligned columns."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

STATE_STYLES: Final = {"Success": "green", "Fail": "red", "Indeterminate": "yellow", "running": "cyan"}
_GAP: Final = 2
_NARROWEST: Final = 8


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The few signs that the output draws with."""

    branch: str = "├─ "
    last: str = "└─ "
    pipe: str = "│  "
    blank: str = "   "
    arrow: str = "→"
    back: str = "←"
    failed: str = "✗"
    dot: str = " · "
    dash: str = "-"
    ellipsis: str = "…"
    session: str = "◆"
    agent: str = "◇"
    tool: str = "▪"
    call: str = "●"
    embedding: str = "○"
    other: str = "·"


_ASCII: Final = Glyphs("|- ", "`- ", "|  ", "   ", "->", "<-", "x", " | ", "-", "...", "#", "@", "%", "*", "o", "-")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command: it ends quietly."""
        raise BrokenPipeError


class Terminal:
    """Standard output. `width` is None where it is not a terminal: nothing is cut or wrapped there."""

    def __init__(self) -> None:
        self._console = _Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
        self.width: Final = self._console.width if self._console.is_terminal else None
        self.glyphs: Final = Glyphs() if _can_draw(self._console.encoding) else _ASCII

    def line(self, text: Text | str = "") -> None:
        """Print one line as it is."""
        self._console.print(text, soft_wrap=True)

    def fit(self, text: Text, width: int) -> Text:
        """The text in at most `width` cells, its cut marked."""
        if cell_len(text.plain) <= width:
            return text
        mark = self.glyphs.ellipsis
        cut = set_cell_size(text.plain, max(0, width - len(mark))).rstrip()
        short = text.copy()
        short.right_crop(len(text.plain) - len(cut))
        return short.append(mark) if text.plain.startswith(cut) else Text(cut + mark)


@dataclass(frozen=True, slots=True)
class Column:
    """`right`: align to the right. `least`: may be cut to so many cells where the terminal is narrow. `optional`: may go altogether."""

    right: bool = False
    least: int = 0
    optional: bool = False


def align(terminal: Terminal, columns: Sequence[Column], rows: Sequence[Sequence[Text]]) -> list[Text]:
    """Each row as one line, cells aligned, empty columns left out, and all of it as wide as the terminal where the columns allow.

    The last cell of a row with fewer cells than columns takes the room of those that it lacks.
    """
    last = len(columns) - 1
    widths = [
        max((cell_len(row[index].plain) for row in rows if index < len(row) - 1 or index == len(row) - 1 == last), default=0)
        for index in range(len(columns))
    ]
    if terminal.width is not None:
        _narrow(columns, widths, terminal.width)
    return [_line(terminal, columns, widths, row) for row in rows]


def _narrow(columns: Sequence[Column], widths: list[int], available: int) -> None:
    """Take from the columns that give, last ones first; if that is not enough, leave the optional ones out."""

    def excess() -> int:
        return sum(widths) + _GAP * (sum(width > 0 for width in widths) - 1) - available

    for index in reversed(range(len(columns))):
        if columns[index].least:
            widths[index] -= min(max(0, excess()), max(0, widths[index] - columns[index].least))
    for index in reversed(range(len(columns))):
        if columns[index].optional and excess() > 0:
            widths[index] = 0


def _line(terminal: Terminal, columns: Sequence[Column], widths: Sequence[int], row: Sequence[Text]) -> Text:
    line = Text()
    for index, (column, width, cell) in enumerate(zip(columns, widths, row, strict=False)):
        if index == len(row) - 1 < len(columns) - 1:
            room = cell_len(cell.plain) if terminal.width is None else max(_NARROWEST, terminal.width - cell_len(line.plain))
            line.append_text(terminal.fit(cell, room))
        elif width:
            fitted = terminal.fit(cell, width)
            padding = " " * (width - cell_len(fitted.plain))
            line.append(padding if column.right else "").append_text(fitted).append("" if column.right else padding).append(" " * _GAP)
    line.rstrip()
    return line


def _can_draw(encoding: str) -> bool:
    try:
        "".join(str(getattr(Glyphs(), name)) for name in Glyphs.__slots__).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
