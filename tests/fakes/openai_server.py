"""A fake OpenAI service on a real socket.

Queued replies come first, one a request; with none queued its default mind answers. Stand-alone:
`python -m tests.fakes.openai_server --port 0` prints its base URL and serves until it is interrupted.
"""

from __future__ import annotations

import argparse
import threading
from typing import TYPE_CHECKING, Any

from tests.fakes.openai_brain import Brain
from tests.fakes.scripted import Reply, Request, ScriptedServer, Served

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.http import Exchange

__all__ = ["FakeOpenAI", "Reply", "Request", "Served"]


class FakeOpenAI(ScriptedServer):
    """The service. `base_url` is for `OpenAI(base_url=...)`, `url` for `AzureOpenAI(azure_endpoint=...)`."""

    def __init__(self, port: int = 0, recording: bool = True, pace: tuple[float, float] = (0.0, 0.0)) -> None:
        super().__init__(port, recording, pace)
        self.base_url = f"{self.url}/v1"
        self._brain = Brain()

    def reset(self) -> None:
        """Forget stored responses too."""
        super().reset()
        self._brain.reset()

    def default_reply(self, request: Request) -> Reply:
        answer = self._brain.answer(request.method, request.path, request.query if "?" in request.target else {}, request.body)
        if answer.events is not None:
            return Reply.sse(answer.events, done=False, headers=answer.headers, usage=answer.usage, **self.pace)
        return Reply.json(answer.body, answer.status, answer.headers, usage=answer.usage, **self.pace)

    def bill(self, exchange: Exchange) -> Served | None:
        return _served(exchange)


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
