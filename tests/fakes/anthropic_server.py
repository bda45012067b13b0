"""A fake Anthropic service on a real socket, and its stand-ins on Bedrock and Vertex AI.

Queued replies come first, one a request; with none queued its default mind answers. Stand-alone:
`python -m tests.fakes.anthropic_server --port 0` prints its base URL and serves until it is interrupted.
"""

from __future__ import annotations

import argparse
import base64
import threading
from typing import TYPE_CHECKING, Any

from tests.fakes import aws_eventstream
from tests.fakes.anthropic_brain import BEDROCK, Brain
from tests.fakes.http_values import encode_json
from tests.fakes.scripted import Reply, Request, ScriptedServer, Served

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.anthropic_wire import Event
    from tests.fakes.http import Exchange

__all__ = ["FakeAnthropic", "Reply", "Request", "Served", "stream_reply"]


class FakeAnthropic(ScriptedServer):
    """The service; `base_url` is that of every kind of client."""

    def __init__(self, port: int = 0, recording: bool = True, pace: tuple[float, float] = (0.0, 0.0)) -> None:
        super().__init__(port, recording, pace)
        self.base_url = self.url
        self._brain = Brain()

    def reset(self) -> None:
        """Forget batches and cached prompts too."""
        super().reset()
        self._brain.reset()

    def default_reply(self, request: Request) -> Reply:
        answer = self._brain.answer(request.method, request.path, request.body, self.url)
        if answer.events is not None:
            return stream_reply(request, answer.events, headers=answer.headers, usage=answer.usage, **self.pace)
        if answer.lines is not None:
            head = {"content-type": "application/x-jsonl", **answer.headers}
            pieces = tuple(encode_json(line) + b"\n" for line in answer.lines)
            return Reply(headers=head, pieces=pieces, payload=answer.lines, **self.pace)
        return Reply.json(answer.body, answer.status, answer.headers, usage=answer.usage, **self.pace)

    def bill(self, exchange: Exchange) -> Served | None:
        """A batch is not billed here: its results may be fetched any number of times. A stream tells its input first, its output last."""
        reply, path = exchange.reply, exchange.request.path
        if reply is None or path.endswith("/results"):
            return None
        parts: list[Any] = reply.payload if isinstance(reply.payload, list) else [reply.payload]
        if reply.usage:
            return _bill(path, _model(parts), reply.usage, exchange.pieces_sent > 0)
        scripted = next((part for part in parts if isinstance(part, dict) and part.get("usage")), None)
        return _bill(path, scripted.get("model", ""), scripted["usage"], exchange.pieces_sent > 0) if scripted else None


def stream_reply(request: Request, events: list[Event], **behaviour: Any) -> Reply:
    """Events in the framing that the request's platform uses."""
    if not BEDROCK.search(request.path):
        return Reply.sse(events, done=False, **behaviour)
    chunks = [{"bytes": base64.b64encode(encode_json(data)).decode()} for _name, data in events]
    return aws_eventstream.reply([aws_eventstream.encode_event("chunk", chunk) for chunk in chunks], payload=events, **behaviour)


def _model(parts: list[Any]) -> str:
    first = parts[0][1] if isinstance(parts[0], tuple) else parts[0]
    return (first.get("message") or first).get("model", "")


def _bill(path: str, model: str, usage: Mapping[str, Any], told: bool) -> Served:
    read, written = (usage.get(f"cache_{name}_input_tokens") or 0 for name in ("read", "creation"))
    reasoning = (usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    return Served(path, model, usage["input_tokens"] + read + written, usage["output_tokens"], read, reasoning, told)


def main() -> None:
    """Serve until interrupted; the first line on stdout is the base URL."""
    parser = argparse.ArgumentParser(description="A fake Anthropic service on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before the first byte")
    parser.add_argument("--piece-delay", type=float, default=0.0, help="seconds between the pieces of a stream")
    chosen = parser.parse_args()
    with FakeAnthropic(chosen.port, recording=False, pace=(chosen.delay, chosen.piece_delay)) as server:
        print(server.base_url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
