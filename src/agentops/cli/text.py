"""Values as people read them. Text from recordings is cleaned of control characters, so that no prompt can drive the terminal."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agentops.store.sessions import StoredSession

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_MONEY_DIGITS: Final = 5
_NANO: Final = 1_000_000_000
_SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£"}


def clean(text: str) -> str:
    """Control characters other than newline and tab made visible."""
    return _CONTROL.sub(lambda match: ascii(match.group())[1:-1], text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """`clean`, with every run of blanks as one space."""
    return " ".join(clean(text).split())


def seconds(value: float) -> str:
    """A duration in seconds: `<1 ms`, `812 ms`, `4.21 s`, `2 m 05 s`, `3 h 07 m`."""
    if value < 0.00095:
        return "<1 ms"
    if value < 0.0095:
        return f"{value * 1000:.1f} ms"
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 59.95:
        return f"{value:.2f} s" if value < 9.995 else f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} m"


def local_time(nanoseconds: int) -> str:
    """Nanoseconds since the epoch as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(nanoseconds // _NANO))


def short_time(nanoseconds: int) -> str:
    """Nanoseconds since the epoch as local time: today's as `08:05:01`, this year's as `11-21 08:05`, older as `2025-11-21`."""
    then, now = time.localtime(nanoseconds // _NANO), time.localtime()
    if then[:3] == now[:3]:
        return time.strftime("%H:%M:%S", then)
    return time.strftime("%m-%d %H:%M" if then.tm_year == now.tm_year else "%Y-%m-%d", then)


def iso_time(nanoseconds: int) -> str:
    """Nanoseconds since the epoch as ISO 8601 in UTC with microseconds."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // _NANO))
    return f"{stamp}.{nanoseconds % _NANO // 1000:06d}Z"


def money(amount: float, currency: str) -> str:
    """Two decimals, or as many more, up to five, as show two digits that are not zero; below that, `<$0.00001`."""
    digits = 2
    while amount and abs(amount) < 10 ** (1 - digits) and digits < _MONEY_DIGITS:
        digits += 1
    smallest = 10**-_MONEY_DIGITS
    below = "<" if 0 < amount < smallest else ""
    number = f"{max(amount, smallest) if below else amount:,.{digits}f}"
    symbol = _SYMBOLS.get(currency)
    return f"{below}{symbol}{number}" if symbol else f"{below}{number} {one_line(currency)}"


def costs(amounts: Mapping[str, float]) -> str:
    """One amount for each currency; empty where no cost is known."""
    return " + ".join(money(amount, currency) for currency, amount in sorted(amounts.items()))


def plural(count: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def state(session: StoredSession) -> str:
    """The end state, or `running`."""
    return "running" if session.running else session.state


def duration(session: StoredSession) -> str:
    """The session's duration, or how long it has been running."""
    if session.duration is not None:
        return seconds(session.duration)
    return f"{seconds(max(0.0, time.time() - session.start / _NANO))}+"
