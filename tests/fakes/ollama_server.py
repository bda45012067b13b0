"""A fake Ollama server on a real socket: newline-delimited JSON.

Queued replies come first, one a request; with none queued its default mind (`ollama_wire`) answers. Stand-alone:
`python -m tests.fakes.ollama_server --port 0` prints its URL and serves until it is interrupted.
"""

from __future__ import annotations

import argparse
import threading
from typing import TYPE_CHECKING, Any

from tests.fakes.http_values import encode_json
from tests.fakes.ollama_wire import STREAMED, ApiError, answer
from tests.fakes.scripted import Reply, Request, ScriptedServer, Served

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.fakes.http import Exchange

__all__ = ["FakeOllama", "Reply", "Request", "Served", "lines"]


def lines(values: Iterable[Any], **behaviour: Any) -> Reply:
    """A stream of JSON values, one a line and a piece; bytes go out as they are."""
    listed = list(values)
    pieces = tuple(value if isinstance(value, bytes) else encode_json(value) + b"\n" for value in listed)
    return Reply(headers={"content-type": "application/x-ndjson"}, pieces=pieces, payload=listed, **behaviour)


class FakeOllama(ScriptedServer):
    """The server; `url` is for `Client(host=...)` and OLLAMA_HOST."""

    def default_reply(self, request: Request) -> Reply:
        body = request.json() or {}
        try:
            told = answer(request.path, body)
        except ApiError as error:
            return Reply.json({"error": str(error)}, error.status, **self.pace)
        if body.get("stream", request.path in STREAMED):
            return lines(told, **self.pace)
        return Reply.json(told[-1], 500 if "error" in told[-1] else 200, **self.pace)

    def bill(self, exchange: Exchange) -> Served | None:
        reply = exchange.reply
        if reply is None or reply.payload is None:
            return None
        told = reply.payload if isinstance(reply.payload, list) else [reply.payload]
        last = told[-1]
        if not isinstance(last, dict) or "prompt_eval_count" not in last:
            return None
        return Served(
            path=exchange.request.path,
            model=last["model"],
            input_tokens=last["prompt_eval_count"],
            output_tokens=last.get("eval_count", 0),
            cached_tokens=0,
            reasoning_tokens=0,
            told=exchange.pieces_sent >= len(told),
        )


def main() -> None:
    """Serve until interrupted; the first line on stdout is the URL."""
    parser = argparse.ArgumentParser(description="A fake Ollama server on loopback.")
    parser.add_argument("--port", type=int, default=0)
    with FakeOllama(parser.parse_args().port, recording=False) as server:
        print(server.url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
