"""A fake OpenAI service on a real socket.

Queued replies come first, one a request; with none queued its default mind answers. Stand-alone:
`python -m tests.fakes.openai_server --port 0` prints its base URL and serves until it is interrupted.
"""

from __future__ import annotations

import argparse
import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tests.fakes.http import Exchange, HttpServer, Reply, Request
from tests.fakes.openai_brain import Brain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Scripted = Reply | Callable[[Request], Reply]

__all__ = ["FakeOpenAI", "Reply", "Request", "Served"]


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


class FakeOpenAI(HttpServer):
    """The service. `base_url` is for `OpenAI(base_url=...)`, `url` for `AzureOpenAI(azure_endpoint=...)`."""

    def __init__(self, port: int = 0, recording: bool = True, pace: tuple[float, float] = (0.0, 0.0)) -> None:
        """`pace` is the default mind's time in seconds before the first byte and between the pieces of a stream."""
        super().__init__(port, recording)
        self._pace = pace
        self.base_url = f"{self.url}/v1"
        self._brain = Brain()
        self._queue: deque[Scripted] = deque()

    def enqueue(self, *replies: Scripted) -> None:
        """Answer the next requests with these, in order; a function gets the request."""
        self._queue.extend(replies)

    def enqueue_default(self, times: int = 1, **behaviour: Any) -> None:
        """Answer the next requests as ever, but with these fields of `Reply` (delay, disconnect_after, ...)."""
        self._queue.extend([lambda request: replace(self.default_reply(request), **behaviour)] * times)

    def reset(self) -> None:
        """Forget requests, queue and stored responses; the same requests get the same bytes again."""
        self._queue.clear()
        self.exchanges.clear()
        self._brain.reset()

    def respond(self, request: Request) -> Reply:
        try:
            scripted = self._queue.popleft()
        except IndexError:
            return self.default_reply(request)
        return scripted if isinstance(scripted, Reply) else scripted(request)

    def default_reply(self, request: Request) -> Reply:
        """What the default mind says."""
        answer = self._brain.answer(request.method, request.path, request.query if "?" in request.target else {}, request.body)
        behaviour = {"usage": answer.usage, "delay": self._pace[0], "piece_delay": self._pace[1]}
        if answer.events is not None:
            return Reply.sse(answer.events, done=False, headers=answer.headers, **behaviour)
        return Reply.json(answer.body, answer.status, answer.headers, **behaviour)

    def served(self) -> list[Served]:
        """The bill: one entry for every answer that used tokens."""
        entries = (_served(exchange) for exchange in list(self.exchanges))
        return [entry for entry in entries if entry is not None]

    def tokens(self) -> tuple[int, int]:
        """(input, output) summed over `served()`."""
        entries = self.served()
        return sum(entry.input_tokens for entry in entries), sum(entry.output_tokens for entry in entries)


def _served(exchange: Exchange) -> Served | None:
    reply, request = exchange.reply, exchange.request
    if reply is None or request.method != "POST" or "/cancel" in request.target:
        return None
    events = reply.payload if isinstance(reply.payload, list) else [reply.payload]
    billed: Mapping[str, Any] | None = reply.usage
    model, told = "", False
    for index, event in enumerate(events):
        data = event[1] if isinstance(event, tuple) else event
        if not isinstance(data, dict):
            continue
        data = data.get("response") or data
        model = data.get("model") or model
        if data.get("usage"):
            billed, told = data["usage"], exchange.pieces_sent > (index if reply.pieces is not None else 0)
    if not billed:
        return None
    inputs: Any = billed.get("prompt_tokens_details") or billed.get("input_tokens_details") or {}
    outputs: Any = billed.get("completion_tokens_details") or billed.get("output_tokens_details") or {}
    return Served(
        path=request.path,
        model=model,
        input_tokens=billed.get("prompt_tokens", billed.get("input_tokens", 0)),
        output_tokens=billed.get("completion_tokens", billed.get("output_tokens", 0)),
        cached_tokens=inputs.get("cached_tokens") or 0,
        reasoning_tokens=outputs.get("reasoning_tokens") or 0,
        told=told,
    )


def main() -> None:
    """Serve until interrupted; the first line on stdout is the base URL."""
    parser = argparse.ArgumentParser(description="A fake OpenAI service on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before the first byte")
    parser.add_argument("--piece-delay", type=float, default=0.0, help="seconds between the pieces of a stream")
    chosen = parser.parse_args()
    with FakeOpenAI(chosen.port, recording=False, pace=(chosen.delay, chosen.piece_delay)) as server:
        print(server.base_url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
