"""The base of the fake vendors: queued replies first, one a request; with none queued the vendor's default mind answers."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tests.fakes.http import Exchange, HttpServer, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    Scripted = Reply | Callable[[Request], Reply]

__all__ = ["Reply", "Request", "ScriptedServer", "Served"]


@dataclass(frozen=True, slots=True)
class Served:
    """What one request cost. `told` says whether the usage was in what went out; input includes cached, output includes reasoning."""

    path: str
    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    told: bool


class ScriptedServer(HttpServer):
    """Answers by script. A vendor's fake says what it answers otherwise (`default_reply`) and what an answer cost (`bill`)."""

    def __init__(self, port: int = 0, recording: bool = True, pace: tuple[float, float] = (0.0, 0.0)) -> None:
        """`pace` is the default mind's time in seconds before the first byte and between the pieces of a stream."""
        super().__init__(port, recording)
        self.pace = {"delay": pace[0], "piece_delay": pace[1]}
        self._queue: deque[Scripted] = deque()

    def default_reply(self, request: Request) -> Reply:
        """What the default mind says."""
        raise NotImplementedError

    def bill(self, exchange: Exchange) -> Served | None:
        """What an exchange cost; None if nothing."""
        raise NotImplementedError

    def enqueue(self, *replies: Scripted) -> None:
        """Answer the next requests with these, in order; a function gets the request."""
        self._queue.extend(replies)

    def enqueue_default(self, times: int = 1, **behaviour: Any) -> None:
        """Answer the next requests as ever, but with these fields of `Reply` (delay, disconnect_after, ...)."""
        self._queue.extend([lambda request: replace(self.default_reply(request), **behaviour)] * times)

    def reset(self) -> None:
        """Forget requests and queue; the same requests get the same bytes again."""
        self._queue.clear()
        self.exchanges.clear()

    def respond(self, request: Request) -> Reply:
        try:
            scripted = self._queue.popleft()
        except IndexError:
            return self.default_reply(request)
        return scripted if isinstance(scripted, Reply) else scripted(request)

    def served(self) -> list[Served]:
        """The bill: one entry for every answer that used tokens."""
        entries = (self.bill(exchange) for exchange in list(self.exchanges))
        return [entry for entry in entries if entry is not None]

    def tokens(self) -> tuple[int, int]:
        """(input, output) summed over `served()`."""
        entries = self.served()
        return sum(entry.input_tokens for entry in entries), sum(entry.output_tokens for entry in entries)
